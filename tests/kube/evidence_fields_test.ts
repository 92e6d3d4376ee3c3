// Fields that decide no rule: they are kept, pruned and checked, cost no object when they are wrong, and change no rule.

import assert from "node:assert/strict";
import { historyOf } from "../../src/history/history.ts";
import { recordText } from "../../src/history/record_words.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { KEPT_ANNOTATIONS } from "../../src/kube/evidence_fields.ts";
import { type KubeObject, objectKey } from "../../src/kube/objects.ts";
import { STORED_OBJECT } from "../../src/kube/stored_shapes.ts";
import { checkedRecord } from "../../src/ledger/record_shape.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { committedPast } from "../support/past.ts";

const TIME = "2026-11-23T09:26:10.000Z";

const meta = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ name, namespace: "shop", uid: "u", resourceVersion: "7", creationTimestamp: "2026-11-01T00:00:00Z" },
  ...more,
});

const SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: meta("web", {
    annotations: {
      "kubectl.kubernetes.io/last-applied-configuration": "{secret}",
      "kubernetes.io/change-cause": "ticket 7",
      "meta.helm.sh/release-name": "x".repeat(2000),
    },
    deletionTimestamp: "2026-11-02T00:00:00Z",
    managedFields: [
      {
        manager: "kubectl-edit",
        operation: "Update",
        time: "2026-11-02T09:00:00Z",
        fieldsV1: { "f:spec": {} },
      },
      { manager: "helm", operation: "Apply", time: "2026-11-01T09:00:00Z" },
    ],
  }),
  spec: {
    clusterIP: "10.96.0.1",
    selector: { tier: "front", app: "web" },
    ports: [{ port: 80, protocol: "TCP" }],
  },
};

const SLICE = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: meta("web-a", { labels: { "kubernetes.io/service-name": "web" } }),
  addressType: "IPv4",
  endpoints: [{
    addresses: ["10.244.0.1"],
    targetRef: { kind: "Pod", name: "web-1", namespace: "shop", uid: "u1", resourceVersion: "9" },
  }],
  ports: [{ port: 8080, protocol: "TCP" }],
};

function decoded(value: unknown): KubeObject {
  const result = decodeObject(value);
  assert.ok(result.ok, JSON.stringify(result));
  return result.object;
}

const event = (value: KubeObject): EventRecord => ({
  ...{ kind: "event", key: objectKey(value), value, resourceVersion: "7", time: TIME },
});

Deno.test("selector, pod, manager, deletion and the listed annotations are kept, and nothing else", () => {
  const { metadata, spec } = decoded(SERVICE) as KubeObject & { kind: "Service" };
  assert.deepEqual(metadata.annotations, { "kubernetes.io/change-cause": "ticket 7" });
  assert.deepEqual(metadata.managedFields, [{ manager: "kubectl-edit" }]);
  assert.equal(metadata.deletionTimestamp, "2026-11-02T00:00:00Z");
  assert.equal(JSON.stringify(spec.selector), '{"app":"web","tier":"front"}');
  const { endpoints } = decoded(SLICE) as KubeObject & { kind: "EndpointSlice" };
  assert.deepEqual(endpoints[0]!.targetRef, { kind: "Pod", name: "web-1" });
  assert.ok(Object.values(KEPT_ANNOTATIONS).every((reason) => reason.length > 10), "each has a reason");
});

Deno.test("wrong values of these fields are left out alone, and the ledger can store the rest", () => {
  for (const wrong of [null, 7, "text", [], [7], { a: 7 }, [{ manager: 7 }], { kind: "Pod" }]) {
    const service = decoded({
      ...SERVICE,
      metadata: {
        ...SERVICE.metadata,
        managedFields: wrong,
        deletionTimestamp: wrong === "text" ? 7 : wrong,
      },
      spec: { ...SERVICE.spec, selector: wrong },
    });
    const slice = decoded({ ...SLICE, endpoints: [{ addresses: ["10.244.0.1"], targetRef: wrong }] });
    assert.deepEqual(
      [STORED_OBJECT(service), STORED_OBJECT(slice)],
      [undefined, undefined],
      JSON.stringify(wrong),
    );
    assert.ok(slice.kind === "EndpointSlice" && slice.endpoints.length === 1);
  }
});

Deno.test("an event that changes only these fields is recorded, and commits nothing", () => {
  const other = decoded({
    ...SERVICE,
    metadata: meta("web", { resourceVersion: "8", managedFields: [{ manager: "argocd", time: TIME }] }),
    spec: { ...SERVICE.spec, selector: { app: "webb" } },
  });
  const pod = decoded({
    ...SLICE,
    endpoints: [{ ...SLICE.endpoints[0], targetRef: { kind: "Pod", name: "web-2" } }],
  });
  const past = committedPast([[event(decoded(SLICE)), event(decoded(SERVICE))], [event(other)], [
    event(pod),
  ]]);
  const kinds = [...past.records()].map(({ record }) => record.kind);
  assert.deepEqual(kinds, ["event", "event", "commit", "event", "event"]);
  const [element] = [...historyOf(past).blame("10.244.0.1", "@2")];
  assert.equal(element?.target, "Pod shop/web-1");
});

Deno.test("an event names who changed the object, and since when it is to go", () => {
  assert.equal(
    recordText(event(decoded(SERVICE))),
    "Service shop/web  by kubectl-edit  to be deleted since 2026-11-02T00:00:00Z",
  );
  const record = event(decoded(SLICE));
  assert.equal(recordText(record), "EndpointSlice shop/web-a");
  assert.equal(checkedRecord(record, 0), record);
});
