// What the simulated API server keeps: objects as the API has them, every change by its resourceVersion until it is compacted
// away, and a backup that it may be restored from.

import type { Chance } from "./chance.ts";

/** An object of the API. */
export interface Stored {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    /** Of this creation of it: another when the name is used again. */
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** An object before it is stored. */
export interface Wanted {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
  readonly [field: string]: unknown;
}

/** One step of the history. */
export interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** As it is now, or last was. */
  readonly object: Stored;
}

const BORN = "2026-01-01T00:00:00Z";

/** `Service shop/web`. */
export function keyOf({ kind, metadata }: Wanted): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

/** Changed by its methods alone. */
export class Cluster {
  readonly objects = new Map<string, Stored>();
  /** What happened since {@link compacted}. */
  history: Change[] = [];
  version = 1000;
  /** What happened up to here is forgotten. */
  compacted = 1000;
  /** Every creation of an object that was ever deleted: of nothing else a proxy may lose the rules. */
  readonly deleted = new Set<string>();
  #created = 0;
  #backup: { readonly objects: ReadonlyMap<string, Stored>; readonly version: number } | undefined;

  put(wanted: Wanted): void {
    const key = keyOf(wanted);
    const before = this.objects.get(key);
    const metadata = {
      ...wanted.metadata,
      uid: before?.metadata.uid ?? `uid-${++this.#created}`,
      resourceVersion: String(++this.version),
      creationTimestamp: BORN,
    };
    const object = { ...wanted, metadata } as Stored;
    this.objects.set(key, object);
    this.history.push({ version: this.version, type: before ? "MODIFIED" : "ADDED", object });
  }

  remove(key: string): void {
    const before = this.objects.get(key);
    if (before === undefined) return;
    this.objects.delete(key);
    this.deleted.add(before.metadata.uid);
    const metadata = { ...before.metadata, resourceVersion: String(++this.version) };
    this.history.push({ version: this.version, type: "DELETED", object: { ...before, metadata } });
  }

  /** All of `kind`, in the order in which a server lists them. */
  list(kind: string): Stored[] {
    return [...this.objects].filter(([, object]) => object.kind === kind).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([, object]) => object);
  }

  compact(): void {
    this.compacted = this.version;
    this.history = [];
  }

  backUp(): void {
    this.#backup = { objects: new Map(this.objects), version: this.version };
  }

  /** Puts back what was backed up; versions count on from there. False where there is no backup, or nothing since. */
  restore(): boolean {
    const backup = this.#backup;
    if (backup === undefined || backup.version === this.version) return false;
    const kept = new Set([...backup.objects.values()].map(({ metadata }) => metadata.uid));
    for (const { metadata } of this.objects.values()) {
      if (!kept.has(metadata.uid)) this.deleted.add(metadata.uid);
    }
    this.objects.clear();
    for (const [key, object] of backup.objects) this.objects.set(key, object);
    this.version = backup.version;
    this.compact();
    return true;
  }
}

const HEADLESS_FREE = { type: "ClusterIP", ipFamilies: ["IPv4"] };

function service(name: string, number: number, ports: readonly object[], spec: object): Wanted {
  const clusterIP = `10.96.${number >> 8}.${number & 255}`;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name },
    spec: { ...HEADLESS_FREE, clusterIP, clusterIPs: [clusterIP], ports, ...spec },
    status: { loadBalancer: {} },
  };
}

function slice(name: string, service: string, addresses: readonly string[]): Wanted {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }, { name: "dns", port: 53, protocol: "UDP" }],
  };
}

/** The own node and the range of cluster IPs. */
export const FIXTURES: readonly Wanted[] = [
  {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a" },
    spec: { podCIDRs: ["10.244.0.0/24"] },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "kubernetes" },
    spec: { cidrs: ["10.96.0.0/16"] },
  },
];

/** Some state of Service `number`, or of its slice. */
export function someObject(chance: Chance, number: number): Wanted {
  const name = `s${number}`;
  if (!chance.once(3)) {
    const hosts = Array.from({ length: 6 }, (_, i) => `10.244.${number}.${i + 1}`);
    return slice(`${name}-a`, name, chance.some(hosts, chance.below(5)));
  }
  const http = { name: "http", port: 80, protocol: "TCP" };
  const ports = chance.once(2) ? [http] : [http, { name: "dns", port: 53, protocol: "UDP" }];
  return service(name, number + 1, ports, chance.once(4) ? { sessionAffinity: "ClientIP" } : {});
}

/** A slice of a Service that is not there: it makes lists long and rules no longer. */
export function idleSlice(number: number): Wanted {
  return slice(`idle${number}-a`, `idle${number}`, ["10.245.0.1"]);
}

/** `object` as no program can read it, under its own name. */
export function undecodable(object: Stored): Wanted {
  const { kind, apiVersion, metadata: { name, namespace, labels } } = object;
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(labels ? { labels } : {}) };
  return { kind, apiVersion, metadata, spec: 7, endpoints: "none" };
}
