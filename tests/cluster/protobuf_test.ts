// Objects that a real kube-apiserver sends in protobuf are the objects that it sends in JSON: in lists, pages, streamed lists,
// watches and errors.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { errorFraming, framingFor } from "../../src/ingest/framing.ts";
import type { Encoding } from "../../src/ingest/reflector_state.ts";
import { resources } from "../../src/ingest/resources.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { joinedPages } from "../support/body_pieces.ts";
import { ApiError, ControlPlane } from "../support/cluster/control_plane.ts";
import { planeTest } from "../support/cluster/scene.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { projected, sortedEvents } from "../support/projected.ts";
import { joinedChunks } from "../../src/byte_chunks.ts";
import { type Json } from "../../src/ingest/protobuf_encoder.ts";
import { type Manifest, manifestOf, nodeManifest } from "../support/scenario/scenario.ts";
import { scenarioFiles } from "../support/scenario/scenario_files.ts";

requirePrivateNamespace();

const ALL = resources("node-a");
const FIXTURES = new URL("../../fixtures/api/streams/", import.meta.url);
/** Whether to write the streams to fixtures. */
const REWRITES = Deno.env.get("REWRITE") === "1";
const META = { namespace: "shop", labels: { app: "web", "kubernetes.io/service-name": "full", empty: "" } };
const NOTED = {
  annotations: { note: "é", "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z" },
};

/** Objects with every field that is read, and fields that are not. */
const FULL: Json[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...META, ...NOTED, name: "full", finalizers: ["test/hold"] },
    spec: {
      type: "LoadBalancer",
      selector: { app: "web", tier: "" },
      externalIPs: ["192.0.2.7", "fd00::7"],
      loadBalancerSourceRanges: ["10.0.0.0/8"],
      externalTrafficPolicy: "Local",
      internalTrafficPolicy: "Local",
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 77 } },
      ipFamilyPolicy: "PreferDualStack",
      publishNotReadyAddresses: true,
      trafficDistribution: "PreferClose",
      ports: [
        { name: "http", port: 80, protocol: "TCP", targetPort: "web", appProtocol: "http" },
        { name: "dns", port: 53, protocol: "UDP", targetPort: 5353 },
      ],
    },
    status: {
      loadBalancer: {
        ingress: [
          { ip: "192.0.2.9", ipMode: "Proxy", ports: [{ port: 80, protocol: "TCP" }] },
          { hostname: "host.example" },
        ],
      },
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...META, ...NOTED, name: "full-a", ownerReferences: [owner("full")] },
    addressType: "IPv6",
    ports: [{ name: "", port: 8080, protocol: "SCTP", appProtocol: "h2c" }, { name: "any" }],
    endpoints: [
      {
        addresses: ["fd00::a", "fd00::b"],
        conditions: { ready: false, serving: true, terminating: true },
        hostname: "a",
        nodeName: "node-b",
        zone: "z",
        targetRef: { kind: "Pod", namespace: "shop", name: "web-1", uid: "7" },
        hints: { forZones: [{ name: "z" }], forNodes: [{ name: "node-b" }] },
      },
      { addresses: ["fd00::c"] },
    ],
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...META, name: "empty-a" },
    addressType: "IPv4",
    ports: [],
    endpoints: [],
  },
  {
    ...nodeManifest(),
    spec: { ...nodeManifest()["spec"] as Json, taints: [{ key: "a", effect: "NoSchedule" }, taint("b")] },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "full" },
    spec: { cidrs: ["10.99.0.0/24", "fd99::/120"] },
  },
];

function owner(name: string): Json {
  return { apiVersion: "v1", kind: "Service", name, uid: "5", controller: true };
}

function taint(key: string): Json {
  return { key, effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
}

/** Gives the server every object of the scenarios that it takes, each in a namespace of its scenario, and {@link FULL}. */
async function fill(plane: ControlPlane): Promise<void> {
  const files = scenarioFiles().map(({ name, scenario }) => {
    const namespace = name.replaceAll("_", "-");
    const objects = scenario.objects.filter(({ kind }) => kind !== "service-cidr").map(manifestOf).map(
      withoutAddress,
    );
    return {
      namespace,
      objects: objects.map(({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, namespace } })),
    };
  });
  let taken = 0;
  for (const { namespace, objects } of [...files, { namespace: "shop", objects: FULL }]) {
    await plane.call("POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
    });
    for (const object of objects as Json[]) taken += await put(plane, object);
  }
  assert.ok(taken > 70, `the server takes most of the objects: ${taken}`);
}

/** A Service to which the server gives a cluster IP: those of the scenarios repeat. */
function withoutAddress(object: Manifest): Manifest {
  const spec = object["spec"] as Json | undefined;
  if (spec?.["clusterIP"] === undefined || spec["clusterIP"] === "None") return object;
  return { ...object, spec: { ...spec, clusterIP: undefined, clusterIPs: undefined } };
}

/** Makes an object and its status; 0 where the server refuses it. */
async function put(plane: ControlPlane, object: Json): Promise<number> {
  const { kind, metadata: { name, namespace }, status } = object as Json & { metadata: Json };
  const { path } = ALL.find((one) => one.kind === kind)!;
  const folder = namespace === undefined ? path : path.replace(/\/(\w+)$/, `/namespaces/${namespace}/$1`);
  try {
    const made = await plane.call("POST", folder, object);
    if (status !== undefined) await plane.call("PUT", `${folder}/${name}/status`, { ...made, status });
    return 1;
  } catch (error) {
    // Objects of scenarios claim the same NodePorts.
    if (error instanceof ApiError && namespace !== "shop") return 0;
    throw error;
  }
}

/** A server sends what a test waits for within this time. */
const ANSWER_MILLISECONDS = 120_000;

/** The values of an answer up to the one that `isLast`, its content type, and its length in bytes. */
async function values(
  client: ApiClient,
  path: string,
  query: Record<string, string>,
  encoding: Encoding,
  isLast: (value: unknown) => boolean = () => false,
) {
  const signal = AbortSignal.timeout(ANSWER_MILLISECONDS);
  const { status, headers, body } = await client.get(path, query, signal, { encoding });
  const type = headers.get("content-type") ?? "";
  const framing = status === 200 ? framingFor(type, "watch" in query) : errorFraming(type);
  const read: unknown[] = [];
  const chunks: Uint8Array[] = [];
  const reader = body!.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new Error(`${path} ${JSON.stringify(query)} in ${encoding}: ${JSON.stringify(read.at(-1))}`, {
        cause,
      });
    });
    read.push(...done ? framing.end() : framing.push(value));
    if (value !== undefined) chunks.push(value);
    if (done || read.some(isLast)) break;
  }
  await reader.cancel();
  return { read: joinedPages(read) as Json[], type, bytes: joinedChunks(chunks) };
}

/** A list in both encodings, of one version: the API server itself writes objects now and then, and a list has the version of all. */
async function bothLists(client: ApiClient, path: string) {
  const versionOf = ({ read }: Awaited<ReturnType<typeof values>>) =>
    (read[0] as { metadata: Json }).metadata["resourceVersion"];
  for (;;) {
    const json = await values(client, path, {}, "json");
    const protobuf = await values(client, path, {}, "protobuf");
    if (versionOf(json) === versionOf(protobuf)) return [json, protobuf] as const;
  }
}

async function checkLists(client: ApiClient): Promise<void> {
  for (const { path, kind, apiVersion } of ALL) {
    const [json, protobuf] = await bothLists(client, path);
    assert.equal(protobuf.type, "application/vnd.kubernetes.protobuf");
    assert.deepEqual(protobuf.read, [projected(json.read[0]!)]);
    const items = (json.read[0] as { items: Json[] }).items;
    const others = (protobuf.read[0] as { items: Json[] }).items;
    assert.ok(items.length > 0, kind);
    items.forEach((item, i) => {
      const [one, other] = [item, others[i]!].map((item) => decodeObject({ ...item, kind, apiVersion }));
      assert.deepEqual(other, one);
    });
    assert.ok(protobuf.bytes.length < 0.7 * json.bytes.length, `${kind}: ${protobuf.bytes.length} bytes`);

    const page = await values(client, path, { limit: "1" }, "protobuf");
    const { metadata } = page.read[0] as { metadata: Json };
    const rest = items.length - 1;
    assert.deepEqual(
      [metadata["remainingItemCount"], "continue" in metadata],
      rest > 0 ? [rest, true] : [undefined, false],
    );

    const stream = {
      watch: "1",
      sendInitialEvents: "true",
      resourceVersionMatch: "NotOlderThan",
      allowWatchBookmarks: "true",
    };
    const isEnd = (value: unknown) => (value as Json)["type"] === "BOOKMARK";
    const lines = await values(client, path, stream, "json", isEnd);
    const frames = await values(client, path, stream, "protobuf", isEnd);
    assert.equal(frames.type, "application/vnd.kubernetes.protobuf;stream=watch");
    if (REWRITES) {
      Deno.writeFileSync(new URL(`${kind}.ndjson`, FIXTURES), lines.bytes);
      Deno.writeFileSync(new URL(`${kind}.protobuf`, FIXTURES), frames.bytes);
    }
    const expected = lines.read.map(({ type, object }) => ({ type, object: projected(object as Json) }));
    assert.deepEqual(sortedEvents(frames.read), sortedEvents(expected));
    const end = frames.read.at(-1) as { object: { metadata: Json } };
    assert.deepEqual(end.object.metadata["annotations"], { "k8s.io/initial-events-end": "true" });
  }
}

async function checkChanges(plane: ControlPlane, client: ApiClient): Promise<void> {
  const services = "/api/v1/services";
  const { read: [list] } = await values(client, services, {}, "protobuf");
  const { resourceVersion } = (list as { metadata: Json }).metadata;
  const one = "/api/v1/namespaces/shop/services/full";
  await plane.call("PATCH", one, {
    metadata: { labels: { x: "y" } },
    spec: { sessionAffinity: "None", sessionAffinityConfig: null },
  });
  await plane.call("DELETE", one);
  await plane.call("PATCH", one, { metadata: { finalizers: null } });
  const watch = { watch: "1", resourceVersion: String(resourceVersion) };
  const isEnd = (value: unknown) => (value as Json)["type"] === "DELETED";
  const lines = await values(client, services, watch, "json", isEnd);
  const frames = await values(client, services, watch, "protobuf", isEnd);
  assert.deepEqual(frames.read.map(({ type }) => type), ["MODIFIED", "MODIFIED", "DELETED"]);
  assert.deepEqual(
    frames.read,
    lines.read.map(({ type, object }) => ({ type, object: projected(object as Json) })),
  );

  await plane.compact();
  for (
    const [path, query] of [
      ["/api/v1/nothing", {}],
      [services, { watch: "1", resourceVersion: "1" }],
      [services, { continue: "wrong" }],
      [services, { watch: "1", sendInitialEvents: "true" }],
    ] as const
  ) {
    const [said, same] = [
      await values(client, path, query, "json", () => true),
      await values(client, path, query, "protobuf", () => true),
    ];
    const status = (value: unknown) => {
      const found = typeof value === "string" ? parsed(value) : value;
      const { message, reason, code } = ((found as Json)["object"] ?? found) as Json;
      return { message, reason, code };
    };
    assert.deepEqual(status(same.read[0]), status(said.read[0]), JSON.stringify(query));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

planeTest("lists, pages, streams, changes and errors are the same in protobuf as in JSON", async (plane) => {
  await fill(plane);
  using client = new ApiClient(plane.kubeconfig());
  await checkLists(client);
  await checkChanges(plane, client);
});
