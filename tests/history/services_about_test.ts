// Which Services and endpoints a subject means.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf } from "../../src/history/directory.ts";
import { findSubject, isNameProblem } from "../../src/history/names.ts";
import { servicesOfState } from "../../src/history/services.ts";
import { isEndpointOf, isServiceOf } from "../../src/history/services_about.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const STATE = emptyState();
[
  service("shop/web 10.96.0.1 http:80/tcp https:443/tcp"),
  service("shop/six fd00:96::1 http:80/tcp"),
  slice("shop/web-a http:8080/tcp https:8443/tcp 10.0.0.1@node-a 10.0.1.2@node-b"),
  slice("shop/six-a http:8080/tcp fd00::1@node-a"),
  {
    kind: "Node",
    metadata: { name: "node-b", labels: { "topology.kubernetes.io/zone": "zone-1" } },
    spec: {},
    status: { addresses: [] },
  } as const,
].forEach((object, i) => foldRecord(STATE, offsetOf(i), appears(object)));

function meant(text: string): string[] {
  const subject = findSubject(directoryOf(STATE), text);
  assert.ok(!isNameProblem(subject), text);
  return servicesOfState(STATE).filter((one) => isServiceOf(subject, one)).flatMap((
    { service, endpoints },
  ) => [
    service,
    ...endpoints.filter((one) => isEndpointOf(subject, service, one)).map(({ endpoint }) => endpoint),
  ]);
}

Deno.test("by Service, port, address of a frontend or an endpoint, block, node and zone", () => {
  const cases: [string, string[]][] = [
    ["web", ["shop/web", "10.0.0.1:8080", "10.0.1.2:8080", "10.0.0.1:8443", "10.0.1.2:8443"]],
    ["web:https", ["shop/web", "10.0.0.1:8443", "10.0.1.2:8443"]],
    ["10.96.0.1", ["shop/web"]],
    ["10.96.0.1:81", []],
    ["010.0.0.1", ["shop/web", "10.0.0.1:8080", "10.0.0.1:8443"]],
    ["10.0.0.1:8443", ["shop/web", "10.0.0.1:8443"]],
    ["10.0.1.0/24", ["shop/web", "10.0.1.2:8080", "10.0.1.2:8443"]],
    ["node-a", ["shop/six", "[fd00::1]:8080", "shop/web", "10.0.0.1:8080", "10.0.0.1:8443"]],
    ["zone-1", ["shop/web", "10.0.1.2:8080", "10.0.1.2:8443"]],
    ["fd00::/64", ["shop/six", "[fd00::1]:8080"]],
  ];
  for (const [text, found] of cases) assert.deepEqual(meant(text), found, text);
});
