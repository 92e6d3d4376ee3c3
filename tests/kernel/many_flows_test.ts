// A large table of connections: the kernel walks over it on another thread, so the loop is not blocked.

import assert from "node:assert/strict";
import {
  forgetRest,
  forgetsAt,
  forgetWhereDue,
  gatherFlows,
  newForgetting,
} from "../../src/engine/forgetting.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import type { UdpFrontend } from "../../src/fold/service_program.ts";
import { Conntrack, type FlowsDeleted } from "../../src/kernel/conntrack.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { FLOWS_WALKED_AT_ONCE } from "../../src/limits/commits.ts";
import { beginFlows } from "../support/many_flows.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const SMALL = "10.96.0.3";
const LARGE = "10.96.0.2";
const flowsTo = (address: string) => [{ family: "ip", address, port: 53, serves: () => false } as const];
const turn = () => new Promise((resolve) => setTimeout(resolve));
const frontend = (address: string): UdpFrontend => ({
  family: "ip",
  address: parseAddress(address),
  port: 53,
  serving: [],
});
const total = (pieces: readonly FlowsDeleted[]) => pieces.reduce((sum, { deleted }) => sum + deleted, 0);

Deno.test("in a large table flows are looked for beside the loop, and all that are unwanted are deleted", async () => {
  // Every hundredth flow is to the small frontend.
  beginFlows(FLOWS_WALKED_AT_ONCE + 5000, (i) => i % 100 === 0 ? SMALL : LARGE);
  using conntrack = new Conntrack();
  const pieces: FlowsDeleted[] = [];
  for (const piece of conntrack.deleteStale(flowsTo(SMALL), true)) {
    pieces.push(piece);
    await turn();
  }
  // A later piece may wait too, with what it deleted before.
  assert.deepEqual([pieces[0]!.waits, pieces[0]!.deleted, total(pieces)], [true, 0, 250]);

  const left = conntrack.deleteStale(flowsTo(LARGE), true);
  assert.equal(left.next().value?.waits, true);
  left.return();
  await turn();

  const warnings: string[] = [];
  let forgot = 0;
  const ports = {
    conntrack,
    meter: { forgot: (_: string, flows: number) => void (forgot += flows) },
    warn: (text: string) => void warnings.push(text),
  };
  beginFlows(50, () => "10.96.0.4");
  const forgetting = newForgetting();
  const ask = (address: string) =>
    gatherFlows(forgetting, { kind: "forget-flows", frontends: new Map([[address, frontend(address)]]) });
  ask("10.96.0.4");
  let [now, pauses] = [0, 0];
  await until("a run that waits ends", () => {
    forgetWhereDue(forgetting, emptyState(), ports, now);
    const next = forgetsAt(forgetting);
    if (next === Infinity) return true;
    if (next > now) pauses++;
    now = next;
    return false;
  });
  assert.equal(forgot, 50);
  assert.ok(pauses > 0, "the loop goes on while the kernel works");
  ask(LARGE);
  forgetWhereDue(forgetting, emptyState(), ports, forgetsAt(forgetting));
  assert.ok(forgetting.run !== undefined, "it waits for the kernel");
  forgetRest(forgetting, emptyState(), ports);
  assert.deepEqual(
    [forgot, forgetsAt(forgetting), warnings],
    [50 + 24_750, Infinity, []],
    "the end waits for nothing",
  );
  await turn();
});
