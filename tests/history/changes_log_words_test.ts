// The text about changes.

import assert from "node:assert/strict";
import { changesAbout } from "../../src/history/changes_log.ts";
import { loggedLines } from "../../src/history/changes_log_words.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { pastOf, secondsOf, timeAt } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

Deno.test("one line where one is enough, in the object's own terms", () => {
  const lines = [...changesAbout(webPast(), 13, {})].flatMap((change) => loggedLines(change, secondsOf));
  assert.deepEqual(lines, [
    "@12  06  Service shop/gone gone",
    "@11  06  Service shop/cart appeared: ClusterIP 10.96.0.2 http:80/TCP  (@13 after 0 ms)",
    "@9  05  Service shop/web  externalTrafficPolicy: Cluster -> Local  (@10 after 0 ms)",
    "@7  04  EndpointSlice shop/web-a  (@8 after 0 ms)",
    "    + 10.244.0.1 ready on node-a",
    "    10.244.0.2 on node-b: not ready -> ready",
    "@5  03  EndpointSlice shop/web-a  10.244.0.2 on node-b: ready -> not ready  (@6 after 0 ms)",
    "@3  02  EndpointSlice shop/web-a  - 10.244.0.1 ready on node-a  (@4 after 0 ms)",
    "@1  01  EndpointSlice shop/web-a appeared  (@2 after 0 ms)",
    "    + 10.244.0.1 ready on node-a",
    "    + 10.244.0.2 ready on node-b",
    "@0  01  Service shop/web appeared: NodePort 10.96.0.1 http:80/TCP  (@2 after 0 ms)",
  ]);
});

Deno.test("other records say what happened; a configuration also which endpoints it concerned", () => {
  const records: LedgerRecord[] = [
    { kind: "config", time: timeAt(0), version: "1", nodeName: "node-b" },
    {
      ...appears(service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" })),
      time: timeAt(1),
    },
    { ...appears(slice("shop/web-a http:8080/tcp 10.0.0.1@node-a")), time: timeAt(1) },
    { kind: "config", time: timeAt(2), version: "1", nodeName: "node-a" },
    {
      ...{
        kind: "commit",
        time: timeAt(600),
        from: 0,
        through: 3,
        digest: "00".repeat(32),
        outcome: "committed",
      },
      ...{ changes: [], changesOmitted: 0, operations: 9, microseconds: 1500, generation: 1 },
    },
    { kind: "drift", time: timeAt(700), process: "nft", pid: 7, changes: ["x"], response: "y" },
  ];
  const past = pastOf(records);
  const lines = (kind?: LedgerRecord["kind"]) =>
    [...changesAbout(past, 5, kind === undefined ? {} : { kind })].flatMap((change) =>
      loggedLines(change, secondsOf)
    );
  assert.deepEqual(lines(), [
    "@5  40  drift: nft (process 7): x; y",
    "@3  02  shop/web: by the configuration  + 10.0.0.1:8080 gets traffic  (@4)",
    "@3  02  configuration of node node-a, version 1  (@4)",
    "@2  01  EndpointSlice shop/web-a appeared  + 10.0.0.1 ready on node-a  (@4)",
    "@1  01  Service shop/web appeared: ClusterIP 10.96.0.1 http:80/TCP  (@4)",
    "@0  00  configuration of node node-b, version 1",
  ]);
  assert.deepEqual(lines("commit"), ["@4  00  commit of @0 to @3: 9 operations in 1.5 ms"]);
});
