// The rules that a first packet meets, one by one: what each costs, beside a node without rules, one with connection tracking
// alone, and one with a single DNAT rule. Each variant is a node of its own that lacks one rule; all exist at the same time.

import { FROM_OUTSIDE } from "../../src/fold/outside_chains.ts";
import { skeleton } from "../../src/fold/skeleton.ts";
import { trace } from "../../src/history/trace.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { Address } from "../../src/nft/data_type.ts";
import { assembled } from "../../src/nft/objects.ts";
import type { Ruleset, Table } from "../../src/nft/ruleset.ts";
import { rulesetText, ruleText } from "../../src/nft/text.ts";
import { ADDRESSES, type HostName, Lab } from "../support/lab/lab.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { median, packetTimes, type Path } from "./packet_times.ts";
import { table } from "./table.ts";

const SERVER = { address: "10.244.2.5", port: 5353 };
const OURS = "all rules";
/** Chains behind the base chains that packets from other hosts meet. */
const OUTSIDE: ReadonlySet<string> = new Set([FROM_OUTSIDE, "nodeports"]);

/** A packet, and the Service that it is for. */
interface Case {
  readonly name: string;
  readonly service: string;
  readonly host: HostName;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

const POD = { host: "pod-1", source: "10.244.1.5", port: 53 } as const;
const CLIENT = { host: "outside", source: "203.0.113.2" } as const;
const ENDPOINT = `${SERVER.address}@node-b`;
const OPEN = "type=LoadBalancer ips=10.95.0.1 ports=dns:53/udp:30053";
const CASES: readonly Case[] = [
  {
    ...{ name: "cluster IP, one endpoint", service: `ips=10.95.0.1 ports=dns:53/udp|${ENDPOINT}` },
    ...{ ...POD, destination: "10.95.0.1" },
  },
  {
    ...{ name: "cluster IP, two endpoints" },
    service: `ips=10.95.0.1 ports=dns:53/udp|${ENDPOINT} 10.244.2.6@node-b`,
    ...{ ...POD, destination: "10.95.0.1" },
  },
  {
    ...{ name: "cluster IP, ClientIP affinity" },
    service: `ips=10.95.0.1 ports=dns:53/udp affinity=60|${ENDPOINT} 10.244.2.6@node-b`,
    ...{ ...POD, destination: "10.95.0.1" },
  },
  {
    ...{ name: "external IP", service: `${OPEN} external-ips=198.51.100.10|${ENDPOINT}` },
    ...{ ...CLIENT, destination: "198.51.100.10", port: 53 },
  },
  {
    ...{ name: "source ranges" },
    service: `${OPEN} balancer=198.51.100.20 ranges=203.0.113.0/24,192.0.2.0/24|${ENDPOINT}`,
    ...{ ...CLIENT, destination: "198.51.100.20", port: 53 },
  },
  {
    ...{ name: "NodePort", service: `${OPEN}|${ENDPOINT}` },
    ...{ ...CLIENT, destination: ADDRESSES.node.ip[0]!, port: 30_053 },
  },
];

/** All rules, with counters on the elements that packets end at. */
const COUNTED = `${OURS}, counted`;
const countingSets = new Map(
  skeleton({ ...DEFAULT_PROXY_CONFIG, countConnections: true })[0]!.sets.map((set) => [set.name, set]),
);

/** Prints a table for each kind of frontend, among `services` others. */
export function printRuleCosts(services: number, turns: number): void {
  for (const one of CASES) {
    const variants = variantsOf(one, clusterOf(services, one));
    const labs = new Map([...variants.keys()].map((name) => [name, new Lab()]));
    const paths = new Map<string, Path>();
    for (const [name, { text, direct }] of variants) {
      const lab = labs.get(name)!;
      load(lab, text);
      const to = direct ? { destination: SERVER.address, port: SERVER.port } : {};
      paths.set(name, { ...one, ...to, lab });
    }
    print(one, services, packetTimes(paths, turns));
    for (const lab of labs.values()) lab[Symbol.dispose]();
  }
}

function load(lab: Lab, text: string): void {
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, text);
  lab.run("node", `nft -f ${file}`);
  Deno.removeSync(file);
}

function print(one: Case, services: number, times: ReturnType<typeof packetTimes>): void {
  const first = (name: string) => median(times.get(name)!.first);
  const later = (name: string) => median(times.get(name)!.later);
  const [bare, dnat] = [first("no rules"), first("one DNAT rule")];
  table(
    `${one.name}, among ${services} Services: microseconds p50; of the added time, the share of one DNAT rule's`,
    [
      ["node", "first packet", "added", "to one DNAT rule", "without it, all rules take less", "established"],
      ...[...times.keys()].map((name) => [
        name,
        first(name).toFixed(2),
        (first(name) - bare).toFixed(2),
        ((first(name) - bare) / (dnat - bare)).toFixed(2),
        name.startsWith("without ") ? (first(OURS) - first(name)).toFixed(2) : "",
        (later(name) / later("one DNAT rule")).toFixed(3),
      ]),
    ],
  );
}

function clusterOf(services: number, { service }: Case): Ruleset {
  const place = (i: number) => `${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  const [fields, endpoints] = service.split("|");
  const lines = Array.from(
    { length: services },
    (_, i) =>
      `service shop/s${i} ips=10.${place(i)} ports=dns:53/udp\n` +
      `slice shop/s${i}-a ports=dns:5353/udp 11.${place(i)}@ 12.${place(i)}@`,
  );
  const text = [
    "service-cidr all cidrs=10.96.0.0/12",
    `service shop/target ${fields}`,
    `slice shop/target-a ports=dns:${SERVER.port}/udp ${endpoints}`,
    ...lines,
  ];
  const objects = decodeAll([nodeManifest(), ...parseScenario(text.join("\n")).objects.map(manifestOf)]);
  const cidrs = ["10.244.0.0/16", "fd00:10:244::/48"];
  const config = { ...DEFAULT_PROXY_CONFIG, detectLocal: { mode: "ClusterCIDR", cidrs } } as const;
  const { tables, desired } = stateOf(config, objects);
  const elements = new Map([...desired].filter(([path]) => path.startsWith("ip ")));
  return assembled({ tables: tables.filter(({ family }) => family === "ip"), elements });
}

/** The nodes by name: their rules as text, and whether packets go to the server itself. */
function variantsOf(one: Case, ruleset: Ruleset): Map<string, { text: string; direct: boolean }> {
  const [ours] = ruleset.tables as [Table];
  const hook = "type nat hook prerouting priority -100";
  const dnat = `ip daddr ${one.destination} udp dport ${one.port} dnat to ${SERVER.address}:${SERVER.port}`;
  const tableOf = (head: string, rule: string) =>
    `table ip one {\n chain first {\n ${head};\n ${rule}\n }\n}\n`;
  const outcomes = (table: Table) => {
    const packet = { ...one, protocol: "udp" } as const;
    const { source, destination } = packet;
    const addresses = ADDRESSES.node.ip as readonly Address[];
    return JSON.stringify(
      trace({ ...ruleset, tables: [table] }, {
        ...packet,
        source: source as Address,
        destination: destination as Address,
      }, addresses).outcomes,
    );
  };
  const all = outcomes(ours);
  const text = (table: Table) => rulesetText({ ...ruleset, tables: [table] });
  const fewer = ours.chains.filter(({ name, hook }) => OUTSIDE.has(name) || hook && hook.hook !== "output")
    .flatMap((chain) => chain.rules.map((rule, i) => ({ chain, rule, i })))
    .map(({ chain, rule, i }) => {
      const rules = chain.rules.filter((_, at) => at !== i);
      const chains = ours.chains.flatMap((other) => {
        if (other !== chain) return [other];
        return rules.length === 0 ? [] : [{ ...chain, rules }];
      });
      const name = `without ${chain.name}: ${ruleText("ip", { statements: rule.statements })}`;
      return { name, table: { ...ours, chains } };
    })
    // A rule that decides where this packet goes cannot be left out.
    .filter(({ table }) => outcomes(table) === all);
  return new Map<string, { text: string; direct: boolean }>([
    ["no rules", { text: "", direct: true }],
    ["connection tracking", {
      text: tableOf("type filter hook forward priority 0", "ct state invalid drop"),
      direct: true,
    }],
    ["one DNAT rule", { text: tableOf(hook, dnat), direct: false }],
    [OURS, { text: text(ours), direct: false }],
    [COUNTED, {
      text: text({ ...ours, sets: ours.sets.map((set) => countingSets.get(set.name) ?? set) }),
      direct: false,
    }],
    ...fewer.map(({ name, table }) => [name, { text: text(table), direct: false }] as const),
  ]);
}
