// This program beside kube-proxy in nftables and iptables mode: the same API server, Services and changes. The proxies
// run one after the other, each on a node of its own; then packets go in turn through the rules that each left there.
// What else the host of the machine does differs from minute to minute. With --rounds kube-proxy in nftables mode, a client that
// only reads its watch, and this program run in turns, N times, so that it affects all of them. With --before the bundle of an
// earlier version takes the place of kube-proxy.
//
//   deno task bench:peers [SERVICES] [CHANGES] [--rounds N] [--before BUNDLE]

import { parseArgs } from "node:util";
import { ControlPlane } from "../../support/cluster/control_plane.ts";
import { API_ADDRESS, connectApi, disconnectApi, furnishApi } from "../../support/cluster/oracle.ts";
import { bundle } from "../../support/bundle.ts";
import { Lab } from "../../support/lab/lab.ts";
import { percentile } from "../percentile.ts";
import { table } from "../table.ts";
import { makeServices, makeTarget } from "./cluster.ts";
import { makeFrontends } from "./frontends.ts";
import { printPaths } from "./paths.ts";
import { type Bench, measure, type Proxy, type Sample, timeBareWatch } from "./sample.ts";
import { measureTraffic, type Traffic } from "./traffic.ts";

const { positionals, values: { before, rounds } } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: { before: { type: "string" }, rounds: { type: "string" } },
});
const SERVICES = Number(positionals[0] ?? 1000);
const CHANGES = Number(positionals[1] ?? 100);
const OURS = "ledgerproxy";
const DIRECT = "no proxy";

type Row = readonly [string, (sample: Sample) => number, (value: number) => string];

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(milliseconds < 1000 ? 3 : 2)} s`;
const milliseconds = (value: number) => `${value.toFixed(1)} ms`;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
const ROWS: readonly Row[] = [
  ["first sync, from the start of the process", ({ firstSync }) => firstSync, seconds],
  ["first sync, from what was read", ({ syncItself }) => syncItself, seconds],
  ["restart, rules known to be right", ({ restart }) => restart.known, seconds],
  ["restart, ready for changes", ({ restart }) => restart.ready, seconds],
  ["restart, missed change in the kernel", ({ restart }) => restart.missed, seconds],
  ["PATCH to kernel p50", ({ patches }) => percentile(patches, 0.5), milliseconds],
  ["PATCH to kernel p99", ({ patches }) => percentile(patches, 0.99), milliseconds],
  ["CPU a change", ({ cpuAChange }) => cpuAChange, milliseconds],
  ["CPU of the first sync", ({ cpuFirstSync }) => cpuFirstSync, seconds],
  ["CPU after it, until it rests", ({ cpuAfterSync }) => cpuAfterSync, seconds],
  [
    "first lists, received",
    ({ firstLists }) => firstLists.bytes,
    (bytes) => `${(bytes / 1e6).toFixed(2)} MB`,
  ],
  ["first lists, CPU of the API server", ({ firstLists }) => firstLists.cpu, milliseconds],
  ["a change, received", ({ aChange }) => aChange.bytes, (bytes) => `${Math.round(bytes)} B`],
  ["a change, CPU of the API server, PATCH included", ({ aChange }) => aChange.cpu, milliseconds],
  ["memory", ({ memory }) => memory.resident, megabytes],
  ["of it anonymous, not the program's files", ({ memory }) => memory.anonymous, megabytes],
];

const home = new Lab();
connectApi(home);
const plane = await ControlPlane.start(API_ADDRESS);
await furnishApi(plane);
const folder = Deno.makeTempDirSync();
const bench: Bench = { plane, services: SERVICES, changes: CHANGES, folder };
console.error(`making ${SERVICES} Services`);
await makeServices(plane, SERVICES);
const clusterIP = await makeTarget(plane);
const frontends = await makeFrontends(plane);
disconnectApi();
if (before !== undefined) await inTurns("before", { kind: "ledgerproxy", bundle: Deno.realPathSync(before) });
else if (rounds !== undefined) await inTurns("kube-proxy nftables", { kind: "kube-proxy", mode: "nftables" });
else await besidePeers();
await plane[Symbol.asyncDispose]();
home[Symbol.dispose]();
Deno.removeSync(folder, { recursive: true });

/** Prints a column for each proxy, with the ratio to this program. */
async function besidePeers(): Promise<void> {
  const proxies = new Map<string, Proxy>([
    ["kube-proxy iptables", { kind: "kube-proxy", mode: "iptables" }],
    ["kube-proxy nftables", { kind: "kube-proxy", mode: "nftables" }],
    [OURS, { kind: "ledgerproxy", bundle: bundle() }],
  ]);
  const labs = new Map([DIRECT, ...proxies.keys()].map((name) => [name, new Lab()]));
  const samples = new Map<string, Sample>();
  for (const [name, proxy] of proxies) {
    console.error(`measuring ${name}`);
    samples.set(name, await measure(bench, proxy, labs.get(name)!));
  }
  console.error("measuring a client that only reads its watch");
  const watched = await timeBareWatch(bench, labs.get(DIRECT)!);
  console.error("measuring traffic");
  const traffic = measureTraffic(labs, clusterIP);
  const row = (what: string, value: (name: string) => number, text: (value: number) => string) => [
    what,
    ...[...labs.keys()].map((name) => {
      const ratio = value(name) / value(OURS);
      return Number.isNaN(ratio) ? "" : `${text(value(name))} (${ratio.toFixed(ratio < 10 ? 2 : 0)})`;
    }),
  ];
  const ofSample = (value: (sample: Sample) => number) => (name: string) =>
    samples.has(name) ? value(samples.get(name)!) : NaN;
  const ofTraffic = (value: (traffic: Traffic) => number) => (name: string) => value(traffic.get(name)!);
  table(
    `${SERVICES} Services with 2 endpoints, ${CHANGES} changes, one API server; in brackets the ratio to ledgerproxy`,
    [
      ["", ...labs.keys()],
      ...ROWS.map(([what, value, text]) => row(what, ofSample(value), text)),
      [
        "PATCH to a client that only reads its watch, p50",
        milliseconds(percentile(watched, 0.5)),
        ...Array.from(proxies, () => ""),
      ],
      row(
        "first packet p50",
        ofTraffic(({ firstPacketMicroseconds }) => firstPacketMicroseconds),
        (value) => `${value.toFixed(1)} us`,
      ),
      row(
        "connections a second",
        ofTraffic(({ connectionsASecond }) => connectionsASecond),
        (value) => Math.round(value).toLocaleString("en"),
      ),
    ],
  );
  printPaths(labs, frontends);
  for (const lab of labs.values()) lab[Symbol.dispose]();
}

/** Prints the medians of `other` and of this program, and the ratios of single rounds: theirs to ours, or ours to an earlier version's. */
async function inTurns(name: string, other: Proxy): Promise<void> {
  const isPeer = other.kind === "kube-proxy";
  const contenders = new Map<string, Proxy>([[name, other], [OURS, {
    kind: "ledgerproxy",
    bundle: bundle(),
  }]]);
  const samples = new Map([...contenders.keys()].map((name) => [name, [] as Sample[]]));
  const watched: number[] = [];
  const turns = Number(rounds ?? 5);
  for (let round = 0; round < turns; round++) {
    const order = [...contenders];
    for (const [name, proxy] of round % 2 === 0 ? order : order.reverse()) {
      console.error(`round ${round + 1} of ${turns}: ${name}`);
      using lab = new Lab();
      samples.get(name)!.push(await measure(bench, proxy, lab));
    }
    using lab = new Lab();
    watched.push(percentile(await timeBareWatch(bench, lab), 0.5));
  }
  const median = (values: readonly number[]) => percentile(values, 0.5);
  const spread = (values: readonly number[], digits: number) =>
    `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  const rows = ROWS.map(([what, value, text]) => {
    const [theirs, ours] = [samples.get(name)!.map(value), samples.get(OURS)!.map(value)];
    const ratios = theirs.map((one, round) => isPeer ? one / ours[round]! : ours[round]! / one);
    return [what, text(median(theirs)), text(median(ours)), median(ratios).toFixed(2), spread(ratios, 2)];
  });
  const added = samples.get(OURS)!.map(({ patches }, round) => percentile(patches, 0.5) - watched[round]!);
  rows.push(
    ["PATCH to a client that only reads its watch, p50", "", milliseconds(median(watched)), "", ""],
    ["what this program adds to it", "", milliseconds(median(added)), "", spread(added, 1)],
  );
  table(
    `${SERVICES} Services with 2 endpoints, ${CHANGES} changes, ${turns} rounds in turns: medians`,
    [["", name, OURS, isPeer ? "theirs / ours" : "now / before", "of single rounds"], ...rows],
  );
}
