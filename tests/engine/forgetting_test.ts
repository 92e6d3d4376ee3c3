// One run of forgetting: what it counts, and what it does where connection tracking cannot be read. When runs are made is in
// running_proxy_test.ts.

import assert from "node:assert/strict";
import {
  type FlowPorts,
  forgetRest,
  forgetsAt,
  forgetWhereDue,
  gatherFlows,
  newForgetting,
} from "../../src/engine/forgetting.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import type { UdpFrontend } from "../../src/fold/service_program.ts";
import type { FlowsDeleted } from "../../src/kernel/conntrack.ts";
import { SystemError } from "../../src/kernel/system_error.ts";

const FRONTEND = {
  family: "ip",
  address: undefined,
  port: 30053,
  serving: [],
} as const satisfies UdpFrontend;

/** Ports that record warnings and what is counted. */
function recording(stale: () => Iterable<FlowsDeleted>) {
  const warnings: string[] = [];
  const counts: unknown[] = [];
  const ports: FlowPorts = {
    conntrack: { deleteStale: stale, deleteUnanswered: () => [] },
    meter: { forgot: (...counted) => void counts.push(counted) },
    warn: (text) => void warnings.push(text),
  };
  return { ports, warnings, counts };
}

function waiting() {
  const forgetting = newForgetting();
  assert.equal(forgetsAt(forgetting), Infinity);
  gatherFlows(forgetting, { kind: "forget-flows", frontends: new Map([["one", FRONTEND]]) });
  return forgetting;
}

Deno.test("the pieces of each family are counted together when the run ends", () => {
  const piece = (family: "ip" | "ip6", deleted: number) => ({
    family,
    listed: 9,
    deleted,
    microseconds: 8000,
  });
  const { ports, counts } = recording(() => [piece("ip", 2), piece("ip", 3), piece("ip6", 4)]);
  const forgetting = waiting();
  forgetWhereDue(forgetting, emptyState(), ports, 0);
  assert.deepEqual(counts, []);
  assert.equal(forgetsAt(forgetting), 32, "two pieces, and a pause as long");
  forgetWhereDue(forgetting, emptyState(), ports, 31);
  assert.deepEqual(counts, []);
  forgetWhereDue(forgetting, emptyState(), ports, 32);
  assert.deepEqual(counts, [["ip", 5, 16_000], ["ip6", 4, 8000]]);
  assert.equal(forgetsAt(forgetting), Infinity);
});

Deno.test("connection tracking that cannot be read is a warning, and the next run tries again", () => {
  let runs = 0;
  const { ports, warnings } = recording(() => {
    if (++runs === 1) throw new SystemError("netlink dump", 1);
    return [];
  });
  const forgetting = waiting();
  forgetRest(forgetting, emptyState(), ports);
  assert.match(warnings.join(), /stale UDP flows stay until they time out: netlink dump/);
  gatherFlows(forgetting, { kind: "forget-flows", frontends: new Map([["one", FRONTEND]]) });
  forgetRest(forgetting, emptyState(), ports);
  assert.deepEqual([runs, warnings.length], [2, 1]);
});
