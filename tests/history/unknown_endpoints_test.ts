// Which endpoints of a Service are not known before a controller has written its slices.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { unknownEndpoints } from "../../src/history/unknown_endpoints.ts";
import { describeKey, type KubeObject, objectKey, type Service } from "../../src/kube/objects.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const SELECTOR = { app: "web" };
const WEB = service("shop/web 10.96.0.1 http:80/tcp", undefined, { selector: SELECTOR });
const SLICE = slice("shop/web-a http:8080/tcp 10.244.0.1");

function unknown(
  known: KubeObject[],
  applied: Service,
  targetPort = 8080,
  further: KubeObject[] = [],
): string[] {
  const state = emptyState();
  known.forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  const manifests = new Map([
    [describeKey(objectKey(applied)), { targetPorts: new Map([["http", targetPort]]) }],
  ]);
  return unknownEndpoints(state, applied, { objects: [applied, ...further], manifests });
}

Deno.test("what is written anew: another selector, a renamed port, another target port", () => {
  const known = [WEB, SLICE];
  const withSpec = (spec: Partial<Service["spec"]>) => ({ ...WEB, spec: { ...WEB.spec, ...spec } });
  assert.deepEqual(unknown(known, WEB), []);
  assert.deepEqual(unknown(known, withSpec({ selector: { app: "other" } })), [
    "shop/web: its selector changes, so its endpoints are unknown",
  ]);
  const renamed = withSpec({ ports: [{ name: "web", port: 80 }] });
  assert.deepEqual(unknown(known, renamed), [
    "shop/web: no slice has its port web yet: the endpoints there are unknown",
  ]);
  assert.deepEqual(unknown(known, WEB, 9090), [
    "shop/web: port http gets the target port 9090: its slices will change",
  ]);
  assert.deepEqual(unknown(known, renamed, 8080, [slice("shop/web-b web:8080/tcp 10.244.0.2")]), []);
});

Deno.test("a Service that had no cluster IP has no slices that are known; one without a selector has those of a person", () => {
  const external = service("shop/web  http:80/tcp", undefined, { type: "ExternalName" });
  assert.deepEqual(unknown([external], WEB), ["shop/web: its endpoints are unknown"]);
  assert.deepEqual(unknown([WEB], WEB), [], "it has none, which is known");
  assert.deepEqual(unknown([], { ...WEB, spec: { ...WEB.spec, clusterIP: "None" } }), []);
  const { selector: _, ...spec } = WEB.spec;
  assert.deepEqual(unknown([{ ...WEB, spec }, SLICE], { ...WEB, spec }, 9090), []);
});
