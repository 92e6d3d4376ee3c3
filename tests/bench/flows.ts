// How long the loop is blocked while flows are looked for in a large table of connections: by one call of the kernel, as up to 0.6.0,
// and beside the loop.
//
//   deno task bench:flows [FLOWS]

import { Conntrack, type FlowsDeleted } from "../../src/kernel/conntrack.ts";
import { beginFlows } from "../support/many_flows.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const FLOWS = Number(Deno.args[0] ?? 120_000);
const ROUNDS = 9;
const [NO_FLOW, FEW, MANY] = ["10.96.0.1", "10.96.0.2", "10.96.0.3"];

/** CPU time of the loop's thread in milliseconds (proc_pid_schedstat(5)), with the kernel's work in its calls; other programs do not count. */
const cpu = () => Number(Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`).split(" ")[0]) / 1e6;

/** Milliseconds of the loop's thread in the longest piece, and by the clock until the last one. */
interface Round {
  readonly longest: number;
  readonly whole: number;
}

async function round(conntrack: Conntrack, address: string, beside: boolean): Promise<Round> {
  const begun = performance.now();
  let [longest, at] = [0, cpu()];
  const pieces: Iterable<FlowsDeleted> = conntrack.deleteStale([{
    family: "ip",
    address,
    port: 53,
    serves: () => true,
  }], beside);
  for (const _ of pieces) {
    longest = Math.max(longest, cpu() - at);
    await new Promise((resolve) => setTimeout(resolve, 5));
    at = cpu();
  }
  longest = Math.max(longest, cpu() - at);
  return { longest, whole: performance.now() - begun };
}

beginFlows(FLOWS, (i) => i % 1000 === 0 ? FEW! : MANY!);
using conntrack = new Conntrack();
const rows: string[][] = [];
for (const [what, address] of [["none", NO_FLOW], ["one in 1,000", FEW], ["nearly all", MANY]] as const) {
  for (const beside of [false, true]) {
    const rounds: Round[] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await round(conntrack, address!, beside));
    const median = (of: (one: Round) => number) => percentile(rounds.map(of), 0.5).toFixed(1);
    const most = Math.max(...rounds.map(({ longest }) => longest)).toFixed(1);
    rows.push([
      what,
      beside ? "beside the loop" : "in the loop",
      median(({ longest }) => longest),
      most,
      median(({ whole }) => whole),
    ]);
  }
}
table(
  `${FLOWS} flows: CPU time of the loop's thread in its longest piece, and all of the time, in milliseconds`,
  [
    ["flows that match", "the kernel works", "piece p50", "piece max", "whole p50"],
    ...rows,
  ],
);
