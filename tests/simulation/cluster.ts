// The storage of the simulated API server: its objects, the changes by resourceVersion until they are compacted, and a backup
// for restores.

import type { Chance } from "./chance.ts";

/** An object of the API. */
export interface Stored {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    /** Of this creation: another object with the same name has another uid. */
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
  /** The object after the change; after a deletion its last value. */
  readonly object: Stored;
}

const BORN = "2026-01-01T00:00:00Z";

/** `Service shop/web`. */
export function keyOf({ kind, metadata }: Wanted): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

/** Only its methods change it. */
export class Cluster {
  readonly objects = new Map<string, Stored>();
  /** The changes since {@link compacted}. */
  history: Change[] = [];
  version = 1000;
  /** Changes up to this version are compacted. */
  compacted = 1000;
  /** The uids of all objects that were ever deleted. A proxy may delete the rules of no other object. */
  readonly deleted = new Set<string>();
  #created = 0;
  /** The newest version that a restore has lost. */
  #lost = 0;
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

  /** All objects of `kind`, in the order of a server's list. */
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

  /** Restores the backup; versions continue from it. False where there is no backup, or no change since. */
  restore(): boolean {
    const backup = this.#backup;
    if (backup === undefined || backup.version === this.version) return false;
    const kept = new Set([...backup.objects.values()].map(({ metadata }) => metadata.uid));
    for (const { metadata } of this.objects.values()) {
      if (!kept.has(metadata.uid)) this.deleted.add(metadata.uid);
    }
    this.#lost = Math.max(this.#lost, this.version);
    this.objects.clear();
    for (const [key, object] of backup.objects) this.objects.set(key, object);
    this.version = backup.version;
    this.compact();
    return true;
  }

  /** No version that a restore has lost will come again: as with etcdutl's `--bump-revision` and `--mark-compacted`. */
  raise(): void {
    if (this.version > this.#lost) return;
    this.version = this.#lost + 1;
    this.compact();
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

/** A random value of Service `number`, or of its slice. */
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

/** A slice whose Service does not exist: it makes lists longer, and adds no rules. */
export function idleSlice(number: number): Wanted {
  return slice(`idle${number}-a`, `idle${number}`, ["10.245.0.1"]);
}

/** `object` with a value that no program can decode, under the same name. */
export function undecodable(object: Stored): Wanted {
  const { kind, apiVersion, metadata: { name, namespace, labels } } = object;
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(labels ? { labels } : {}) };
  return { kind, apiVersion, metadata, spec: 7, endpoints: "none" };
}
