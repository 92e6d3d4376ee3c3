// Answers as an API server does, for a rehearsal: lists of a few Services that no cluster has, and a watch whose changes the caller
// decides.

import type { ApiCalls } from "../ingest/api_client.ts";
import { envelope, frame, type Json } from "../ingest/protobuf_encoder.ts";
import { PROTOBUF } from "../ingest/protobuf_framing.ts";
import { type ApiResource, resources } from "../ingest/resources.ts";
import { type ObjectKind, TRIGGER } from "../kube/objects.ts";

const NAMESPACE = "rehearsal";
/** How many Services there are: of one port, of two for TCP and UDP, and with a NodePort. */
const SERVICES = 6;
/** Addresses for documentation (RFC 5737). */
const [CLUSTER_NETWORK, POD_NETWORK] = ["198.51.100", "192.0.2"];
/** An endpoint has one of so many addresses. */
const POD_ADDRESSES = 200;
const CREATED = "2026-01-01T00:00:00Z";

/** The server. Its changes come with the only watch of EndpointSlices, also those that were made before it began. */
export class RehearsedServer implements ApiCalls {
  readonly server = "https://rehearsal.invalid";
  readonly decompresses = true;
  readonly #resources: readonly ApiResource[];
  #waiting: Uint8Array[] = [];
  #watch: ReadableByteStreamController | undefined;

  /** `node`: the name of the own Node. */
  constructor(readonly node: string) {
    this.#resources = resources(node);
  }

  get: ApiCalls["get"] = (path, query, _signal, { ready } = {}) => {
    ready?.();
    const resource = this.#resources.find((resource) => resource.path === path)!;
    return Promise.resolve(
      query["watch"] === undefined ? listOf(resource, this.node) : this.#watchOf(resource),
    );
  };

  probe(): Promise<Response> {
    return Promise.resolve(new Response());
  }

  /** Changes the endpoints of one Service. `number` is 1 at first, and one more each time. */
  change(number: number): void {
    // The list has the slices of the numbers before.
    const bytes = frame("MODIFIED", sliceOf(number % SERVICES, SERVICES + number));
    if (this.#watch === undefined) this.#waiting.push(bytes);
    else send(this.#watch, bytes);
  }

  replaceConnections(): void {}

  redacted(text: string): string {
    return text;
  }

  [Symbol.dispose](): void {}

  #watchOf({ kind }: ApiResource): Response {
    return answer(`${PROTOBUF};stream=watch`, (body) => {
      if (kind !== "EndpointSlice") return;
      for (const bytes of this.#waiting.splice(0)) send(body, bytes);
      this.#watch = body;
    }, () => {
      if (kind === "EndpointSlice") this.#watch = undefined;
    });
  }
}

function listOf({ kind, apiVersion }: ApiResource, node: string): Response {
  const items = objectsOf(kind, node);
  return answer(PROTOBUF, (body) => {
    send(body, envelope({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion: "1" }, items }));
    body.close();
  });
}

function objectsOf(kind: ObjectKind, node: string): Json[] {
  const numbers = Array.from({ length: SERVICES }, (_, number) => number);
  switch (kind) {
    case "Node":
      return [nodeOf(node)];
    case "ServiceCIDR":
      return [];
    case "EndpointSlice":
      return numbers.map((number) => sliceOf(number, number));
    case "Service":
      return numbers.map(serviceOf);
  }
}

/** An answer whose body is a stream of bytes, as that of a real one is. */
function answer(
  contentType: string,
  start: (body: ReadableByteStreamController) => void,
  cancel = () => {},
): Response {
  const body = new ReadableStream({ type: "bytes", start, cancel });
  return new Response(body, { headers: { "content-type": contentType } });
}

/** The stream takes the buffer of what it is given. */
function send(body: ReadableByteStreamController, bytes: Uint8Array): void {
  body.enqueue(new Uint8Array(bytes));
}

function metadataOf(name: string, version: number): Json {
  return {
    name,
    namespace: NAMESPACE,
    uid: name,
    resourceVersion: String(version),
    creationTimestamp: CREATED,
  };
}

/** The own Node: a configuration may need its pod CIDR. */
function nodeOf(name: string): Json {
  const podCIDR = `${POD_NETWORK}.0/24`;
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: { name, resourceVersion: "1", creationTimestamp: CREATED },
    spec: { podCIDR, podCIDRs: [podCIDR] },
  };
}

function serviceOf(number: number): Json {
  const clusterIP = `${CLUSTER_NETWORK}.${number + 1}`;
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: metadataOf(`service-${number}`, 1),
    spec: {
      type: number % 3 === 2 ? "NodePort" : "ClusterIP",
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ["IPv4"],
      ports: portsOfService(number).map((port) => ({ ...port, targetPort: port.port })),
    },
  };
}

function portsOfService(number: number): Json[] {
  const tcp = { name: "dns-tcp", protocol: "TCP", port: 53 };
  const udp = { name: "dns", protocol: "UDP", port: 53 };
  const web = { name: "", protocol: "TCP", port: 80, ...number % 3 === 2 && { nodePort: 30_000 + number } };
  return number % 3 === 1 ? [udp, tcp] : [web];
}

/** Two or three endpoints, one of them with another address each time, and now and then one that is not ready. */
function sliceOf(service: number, number: number): Json {
  const count = 2 + Math.floor(number / SERVICES) % 2;
  const endpoints = Array.from({ length: count }, (_, i) => {
    const host = i === 0 ? number % POD_ADDRESSES : POD_ADDRESSES + i;
    const ready = i !== 1 || number % 5 !== 0;
    return {
      addresses: [`${POD_NETWORK}.${host}`],
      conditions: { ready, serving: ready, terminating: false },
      nodeName: "other-node",
    };
  });
  return {
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: {
      ...metadataOf(`slice-${service}`, number),
      labels: { "kubernetes.io/service-name": `service-${service}` },
      annotations: { [TRIGGER]: CREATED },
    },
    addressType: "IPv4",
    endpoints,
    ports: portsOfService(service).map(({ name, protocol, port }) => ({ name, protocol, port })),
  };
}
