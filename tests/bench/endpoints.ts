// What a change of one endpoint costs in fold and plan, in a Service of 4 endpoints and in a large one, in turns in one process:
// user CPU time, and how many times that of the small one. A Service of 4,000 endpoints is 40 slices of 100, as the controller of
// Kubernetes makes them; other rows have slices of the API's largest size, and more endpoints than slots.
//
//   deno task bench:endpoints [ROUNDS]

import { cpuUsage } from "node:process";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { relist } from "../../src/ingest/relist.ts";
import type { EndpointSlice, KubeObject, Service } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { applyDelta, type MutableElements } from "../../src/plan/delta.ts";
import { plan } from "../../src/plan/plan.ts";
import { appears } from "../support/cluster_notation.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const ROUNDS = Number(Deno.args[0] ?? 60);
const REPEATS = 20;
const SMALL = 4;
const TIME = "2026-01-01T00:00:00.000Z";

/** One row: a Service's fields, and how its endpoints are arranged. */
interface Case {
  readonly spec?: Partial<Service["spec"]>;
  readonly status?: object;
  readonly protocol?: string;
  readonly endpoints?: number;
  readonly inSlice?: number;
  /** Every so many endpoints, one is on the own node. */
  readonly localEvery?: number;
  /** Whether the change comes as a list of both Services. */
  readonly asList?: boolean;
}

const BALANCER = {
  spec: { type: "LoadBalancer" },
  status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
} as const;
const CASES: Readonly<Record<string, Case>> = {
  "cluster IP": {},
  "1 in 40 is local": { localEvery: 40 },
  "load balancer, policy Local": {
    spec: { ...BALANCER.spec, externalTrafficPolicy: "Local" },
    status: BALANCER.status,
    localEvery: 40,
  },
  "UDP": { protocol: "UDP" },
  "ClientIP affinity": { spec: { sessionAffinity: "ClientIP" } },
  "affinity, load balancer": {
    spec: { ...BALANCER.spec, sessionAffinity: "ClientIP" },
    status: BALANCER.status,
  },
  "slices of 1,000": { inSlice: 1000 },
  "5,000 endpoints": { endpoints: 5000 },
  "a list": { asList: true },
};

/** One Service of a case; endpoint 0 changes with each generation. */
class Changing {
  readonly #service: Service;
  readonly #slices: EndpointSlice[];

  constructor(readonly one: Case, readonly number: number, readonly endpoints: number) {
    const { spec = {}, status, protocol = "TCP", inSlice = 100, localEvery = 0 } = one;
    const name = `web-${number}`;
    const [ip, vip] = [`10.96.0.${number + 1}`, `192.0.2.${number + 1}`];
    this.#service = {
      kind: "Service",
      metadata: { namespace: "shop", name },
      spec: {
        type: "ClusterIP",
        clusterIP: ip,
        clusterIPs: [ip],
        ports: [{ name: "http", port: 80, protocol }],
        ...spec,
      },
      ...(status ? { status: { loadBalancer: { ingress: [{ ip: vip }] } } } : {}),
    };
    const pods = Array.from({ length: endpoints }, (_, i) => ({
      addresses: [`10.${128 + number}.${i >> 8}.${i & 255}`],
      conditions: { ready: true },
      nodeName: localEvery > 0 && i % localEvery === 0 ? "node-a" : `node-${i >> 5}`,
    }));
    this.#slices = Array.from({ length: Math.ceil(endpoints / inSlice) }, (_, i): EndpointSlice => ({
      kind: "EndpointSlice",
      metadata: { namespace: "shop", name: `${name}-${i}`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: pods.slice(i * inSlice, (i + 1) * inSlice),
      ports: [{ name: "http", port: 8080, protocol }],
    }));
  }

  /** Its objects. */
  get objects(): KubeObject[] {
    return [this.#service, ...this.#slices];
  }

  /** The slice in the middle with another endpoint, as if it had been read from the wire. */
  next(generation: number): EndpointSlice {
    const at = this.#slices.length >> 1;
    const slice = this.#slices[at]!;
    const pod = { addresses: [`10.200.${generation >> 8}.${generation & 255}`], conditions: { ready: true } };
    const endpoints = structuredClone(slice.endpoints).with(0, { ...pod, nodeName: "node-z" });
    return this.#slices[at] = { ...slice, endpoints };
  }
}

/** The state of one case, with both Services. */
class Node {
  readonly #state = emptyState();
  readonly #committed: MutableElements = new Map();
  #offset = 0;

  constructor(objects: readonly KubeObject[]) {
    this.take([
      { kind: "config", time: TIME, version: "0", nodeName: "node-a" },
      ...objects.map(appears),
    ]);
  }

  /** Folds `records` and plans what they changed. */
  take(records: readonly LedgerRecord[]): void {
    const changes = noChanges();
    for (const record of records) foldRecord(this.#state, this.#offset++ as Offset, record, changes);
    applyDelta(this.#committed, plan(this.#committed, this.#state.desired, changes.touched));
  }

  /** As {@link take}, for a list. */
  list(objects: readonly KubeObject[]): void {
    const events = relist(this.#state.objects, { objects, complete: true, time: TIME });
    this.take(events.map((event) => ({ kind: "event", ...event })));
  }
}

function userMicroseconds(work: () => void): number {
  const before = cpuUsage().user;
  work();
  return (cpuUsage().user - before) / REPEATS;
}

/** Microseconds of a change of each Service. */
function measure(one: Case): [small: number, large: number] {
  const services = [new Changing(one, 0, SMALL), new Changing(one, 1, one.endpoints ?? 4000)];
  const all = () => services.flatMap(({ objects }) => objects);
  const node = new Node(all());
  let generation = 0;
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    services.forEach((service, i) => {
      const prepared = Array.from({ length: REPEATS }, () => {
        const slice = service.next(++generation);
        return one.asList ? all().map((object) => structuredClone(object)) : slice;
      });
      times[i]!.push(userMicroseconds(() => {
        for (const next of prepared) {
          if (Array.isArray(next)) node.list(next);
          else node.take([appears(next)]);
        }
      }));
    });
  }
  // The first half is that of code that is not compiled yet.
  return times.map((list) => percentile(list.slice(ROUNDS >> 1), 0.5)) as [number, number];
}

table("One endpoint replaced, fold and plan (microseconds of user CPU, p50)", [
  ["", `of ${SMALL} endpoints`, "of the large Service", "ratio"],
  ...Object.entries(CASES).map(([name, one]) => {
    const [small, large] = measure(one);
    return [name, small.toFixed(1), large.toFixed(0), (large / small).toFixed(1)];
  }),
]);
