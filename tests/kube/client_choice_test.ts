// The annotation that has a Service choose endpoints by the client.

import assert from "node:assert/strict";
import { choiceProblem, choosesByClient } from "../../src/kube/client_choice.ts";
import type { Service } from "../../src/kube/objects.ts";
import { service } from "../support/cluster_notation.ts";

const annotated = (text: string | undefined, spec: Partial<Service["spec"]> = {}): Service => {
  const one = service("shop/web 10.96.0.1 http:80/tcp", undefined, spec);
  const annotations = text === undefined ? {} : { "ledgerproxy.io/choice": text };
  return { ...one, metadata: { ...one.metadata, annotations } };
};

Deno.test("endpoints are chosen by the client where the annotation says so, and no affinity keeps clients", () => {
  for (const text of [undefined, "random", "", "Client", "client ", "true"]) {
    assert.equal(choosesByClient(annotated(text)), false);
  }
  assert.equal(choosesByClient(annotated("client")), true);
  assert.equal(choosesByClient(annotated("client", { sessionAffinity: "None" })), true);
  assert.equal(choosesByClient(annotated("client", { sessionAffinity: "ClientIP" })), false);
});

Deno.test("a wrong value and one without effect are reported", () => {
  for (const text of [undefined, "random", "client"]) assert.equal(choiceProblem(annotated(text)), undefined);
  assert.equal(
    choiceProblem(annotated("sh")),
    'ledgerproxy.io/choice is "sh", and not client or random: endpoints are chosen at random',
  );
  assert.equal(
    choiceProblem(annotated("client", { sessionAffinity: "ClientIP" })),
    "ledgerproxy.io/choice has no effect beside sessionAffinity ClientIP, which keeps a client at its endpoint",
  );
});
