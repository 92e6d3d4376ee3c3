// Packets to every kind of frontend, through the rules that each proxy left: what a proxy adds to the first packet of a flow,
// and to those after it, beside a node that only tracks connections and one with a single DNAT rule.

import { Lab } from "../../support/lab/lab.ts";
import { median, type PacketTimes, packetTimes, type Path } from "../packet_times.ts";
import { table } from "../table.ts";
import { type BenchFrontend, direct, oneRule, routeClients, TRACKING } from "./frontends.ts";

const TURNS = 150;
const [NONE, TRACKED, DNAT] = ["no proxy", "tracking alone", "one DNAT rule"] as const;

/** Prints a table for each of `frontends`. `labs` has a node for each proxy, and one for {@link NONE}. */
export function printPaths(labs: ReadonlyMap<string, Lab>, frontends: readonly BenchFrontend[]): void {
  using tracked = new Lab();
  using dnat = new Lab();
  load(tracked, TRACKING);
  const all = new Map([[NONE, labs.get(NONE)!], [TRACKED, tracked], [DNAT, dnat], ...labs]);
  for (const lab of all.values()) routeClients(lab);
  for (const frontend of frontends) {
    dnat.run("node", "nft flush ruleset");
    load(dnat, oneRule(frontend));
    const paths = [...all].map(([name, lab]): [string, Path] => {
      const { name: _, ...path } = name === NONE || name === TRACKED ? direct(frontend) : frontend;
      return [name, { ...path, lab }];
    });
    print(frontend.name, packetTimes(new Map(paths), TURNS));
  }
}

function load(lab: Lab, rules: string): void {
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, rules);
  lab.run("node", `nft -f ${file}`);
  Deno.removeSync(file);
}

function print(name: string, times: ReadonlyMap<string, PacketTimes>): void {
  const first = (node: string) => median(times.get(node)!.first);
  const later = (node: string) => median(times.get(node)!.later);
  const peer = "kube-proxy nftables";
  const share = (node: string, base: string) =>
    ((first(node) - first(base)) / (first(peer) - first(base))).toFixed(2);
  table(`${name}: microseconds p50, nodes in turns`, [
    [
      ...["node", "first packet", "added, of what kube-proxy adds", "the same beside tracking alone"],
      ...["established", "of one DNAT rule", "of kube-proxy"],
    ],
    ...[...times.keys()].map((node) => [
      node,
      first(node).toFixed(2),
      share(node, NONE),
      share(node, TRACKED),
      later(node).toFixed(2),
      (later(node) / later(DNAT)).toFixed(3),
      (later(node) / later(peer)).toFixed(3),
    ]),
  ]);
}
