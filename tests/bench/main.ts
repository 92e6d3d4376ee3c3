// The growth of cost with the cluster: full load by stages, restart, one changed endpoint, a new Service, the first
// packet of a connection, with ratios to the smallest cluster. Each size runs in a process and a network namespace of
// its own, with the image's flags for the collector: with those of the runtime it is collected less often, which takes less
// time and more memory. Without arguments it also writes the chart fixtures/growth.svg.
//
//   deno task bench [SERVICES or SERVICESxENDPOINTS ...]

import { imageEntrypoint } from "../support/bundle.ts";
import type { FirstPacket } from "./first_packet.ts";
import { growthChart } from "./growth_chart.ts";
import type { Sample } from "./one_size.ts";
import { table } from "./table.ts";

/** Services with two endpoints each; one Service with 4,000; and 250,000 endpoints in all. */
const SIZES = ["100", "1000", "10000", "30000", "50000", "1x4000", "5000x50"];
const sizes = Deno.args.length > 0 ? Deno.args : SIZES;
const samples = await Array.fromAsync(sizes, measure);
const [smallest] = samples as [Sample];

table(
  "Full load, IPv4, from parsed objects to an empty kernel in one batch (milliseconds)",
  [
    [
      "Services",
      "fold",
      "plan",
      "render",
      "commit",
      "all",
      "ms per 1,000 elements",
      "batch",
      "ledger append",
      "restart",
      "peak memory",
    ],
    ...samples.map((s) => [
      sizeText(s),
      ms(s.fold),
      ms(s.plan),
      ms(s.render),
      ms(s.commit),
      ms(s.fold + s.plan + s.render + s.commit),
      ms((s.fold + s.plan + s.render + s.commit) / (s.services * (s.endpoints + 2)) * 1000),
      `${(s.bytes / 1e6).toFixed(1)} MB`,
      ms(s.append),
      ms(s.restart),
      `${Math.round(s.peakMemory / 1e6)} MB`,
    ]),
  ],
);
table("One endpoint of one Service replaced (microseconds; ratio to the smallest cluster)", [
  ["Services", "operations", "bytes", "fold+plan p50", "commit p50", "commit p99", "commit p50 ratio"],
  ...samples.map(({ change, ...size }) => [
    sizeText(size),
    String(change.operations),
    String(change.bytes),
    change.plan.toFixed(0),
    change.p50.toFixed(0),
    change.p99.toFixed(0),
    (change.p50 / smallest.change.p50).toFixed(2),
  ]),
]);
table("One Service added: a verdict element, for which the kernel validates the table (microseconds)", [
  ["Services", "operations", "commit p50", "commit p50 ratio"],
  ...samples.map(({ newService, ...size }) => [
    sizeText(size),
    String(newService.operations),
    newService.p50.toFixed(0),
    (newService.p50 / smallest.newService.p50).toFixed(2),
  ]),
]);

const growing = samples.filter(({ endpoints }) => endpoints === 2);
const packets = await inNamespace<FirstPacket[]>("first_packet.ts", [
  "--json",
  ...growing.map(({ services }) => String(services)),
]);
const [bare, fewest] = packets as [FirstPacket, FirstPacket];
table("First packet of a connection, UDP from a pod through the node (microseconds, p50 of paired rounds)", [
  ["Services", "p50", "ratio to no rules", "ratio to the smallest cluster"],
  ...packets.map(({ services, p50 }) => [
    services === null ? "no rules" : String(services),
    p50.toFixed(1),
    (p50 / bare.p50).toFixed(2),
    (p50 / fewest.p50).toFixed(2),
  ]),
]);
if (Deno.args.length === 0) {
  const firstPacket = new Map(packets.map(({ services, p50 }) => [services, p50]));
  const points = (microseconds: (sample: Sample) => number) =>
    growing.map((sample) => [sample.services, microseconds(sample)] as const);
  const chart = growthChart("How cost grows with the cluster (2 endpoints a Service)", [
    { name: "full load", points: points((s) => (s.fold + s.plan + s.render + s.commit) * 1000) },
    { name: "restart", points: points(({ restart }) => restart * 1000) },
    { name: "one Service added", points: points(({ newService }) => newService.p50) },
    { name: "one endpoint changed", points: points(({ change }) => change.plan + change.p50) },
    {
      name: "first packet of a connection",
      points: points(({ services }) => firstPacket.get(services)!),
    },
  ]);
  Deno.writeTextFileSync(new URL("../../fixtures/growth.svg", import.meta.url), chart);
}

async function measure(size: string): Promise<Sample> {
  console.error(`measuring ${size} Services`);
  return await inNamespace<Sample>("one_size.ts", [size]);
}

/** The JSON that `script` prints in a process and a network namespace of its own. */
async function inNamespace<T>(script: string, args: readonly string[]): Promise<T> {
  const user = Deno.uid() === 0 ? [] : ["--map-root-user"];
  const path = new URL(script, import.meta.url).pathname;
  const enter = `ip link set lo up && exec "$@"`;
  const flags = imageEntrypoint().filter((flag) => flag.startsWith("--v8-flags="));
  const deno = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", ...flags, path, ...args];
  const { success, stdout } = await new Deno.Command("unshare", {
    args: [...user, "--net", "--", "sh", "-c", enter, "sh", ...deno],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${script} ${args.join(" ")} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function ms(milliseconds: number): string {
  return milliseconds.toFixed(milliseconds < 10 ? 1 : 0);
}

function sizeText({ services, endpoints }: Pick<Sample, "services" | "endpoints">): string {
  return endpoints === 2 ? String(services) : `${services} with ${endpoints} endpoints`;
}
