// Every object that exists, by `describeKey`. Services are in the table of all that there is of each, and slices are kept by no text: see
// `place_index.ts`.

import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  type ObjectKey,
  readDescribed,
} from "../kube/objects.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import { type Kept, KeptMap, Moments, type ReadByKey } from "./kept_map.ts";
import type { ServiceTable } from "./service_table.ts";
import { SliceTable } from "./slice_table.ts";

const SERVICE = "Service ";
const SLICE = "EndpointSlice ";

/** The objects. */
export class ObjectMap implements ReadonlyMap<string, KubeObject> {
  readonly #services: ServiceTable;
  readonly #slices = new KeptSlices();
  readonly #others = new KeptMap<string, KubeObject>();

  constructor(services: ServiceTable) {
    this.#services = services;
  }

  /** How many there are. They are counted. */
  get size(): number {
    return this.#services.objects.size + this.#slices.size + this.#others.size;
  }

  get(described: string): KubeObject | undefined {
    return read(this.#services.objects, this.#slices, this.#others, described);
  }

  has(described: string): boolean {
    return this.get(described) !== undefined;
  }

  /** As {@link get}, without a text for the key. */
  at(key: ObjectKey): KubeObject | undefined {
    if (key.kind === "Service") return this.#services.find(key)?.object;
    return key.kind === "EndpointSlice" ? this.#slices.at(key) : this.#others.get(describeKey(key));
  }

  /** Puts `object` in place of what has `key`, and returns that; undefined removes it. */
  put(key: ObjectKey, object: KubeObject | undefined): KubeObject | undefined {
    if (key.kind === "EndpointSlice") {
      return this.#slices.put(key, object?.kind === "EndpointSlice" ? object : undefined);
    }
    const before = this.at(key);
    if (key.kind === "Service") {
      this.#services.setObject(this.#services.at(key), object?.kind === "Service" ? object : undefined);
    } else if (object !== undefined) this.#others.set(describeKey(key), object);
    else if (before !== undefined) this.#others.delete(describeKey(key));
    return before;
  }

  *entries(): MapIterator<[string, KubeObject]> {
    for (const [name, service] of this.#services.objects) yield [describeName(name), service];
    yield* this.#slices.entries();
    yield* this.#others;
  }

  *keys(): MapIterator<string> {
    for (const [key] of this) yield key;
  }

  *values(): MapIterator<KubeObject> {
    yield* this.#services.objects.values();
    yield* this.#slices.values();
    yield* this.#others.values();
  }

  forEach(use: (object: KubeObject, key: string, map: ReadonlyMap<string, KubeObject>) => void): void {
    for (const [key, object] of this) use(object, key, this);
  }

  [Symbol.iterator](): MapIterator<[string, KubeObject]> {
    return this.entries();
  }

  /** The objects as they are now, whatever changes later. */
  keep(): Kept<string, KubeObject> {
    const all = [this.#services.objects.keep(), this.#slices.keep(), this.#others.keep()] as const;
    const [services, slices, others] = all;
    return {
      get: (described) => read(services, slices, others, described),
      entries: () => {
        const entries: (readonly [string, KubeObject])[] = [];
        for (const [name, service] of services.entries()) entries.push([describeName(name), service]);
        return entries.concat([...slices.entries()], [...others.entries()]);
      },
      [Symbol.dispose]: () => all.forEach((kept) => kept[Symbol.dispose]()),
    };
  }
}

/** Slices that can be kept as {@link KeptMap} keeps its entries, by `describeKey`. */
class KeptSlices implements ReadByKey<string, EndpointSlice> {
  readonly #table = new SliceTable();
  readonly #moments = new Moments<string, EndpointSlice>();

  get size(): number {
    return this.#table.size;
  }

  get(described: string): EndpointSlice | undefined {
    return this.#table.get(readDescribed(described, "EndpointSlice"));
  }

  at(key: ObjectKey): EndpointSlice | undefined {
    return this.#table.get(key);
  }

  put(key: ObjectKey, slice: EndpointSlice | undefined): EndpointSlice | undefined {
    const before = this.#table.put(key, slice);
    if (this.#moments.any && before !== slice) {
      const described = describeKey(key);
      this.#moments.changes(described, before);
      if (slice === undefined) this.#moments.removed(described);
    }
    return before;
  }

  values(): Iterable<EndpointSlice> {
    return this.#table.values();
  }

  *entries(): Generator<[string, EndpointSlice]> {
    for (const slice of this.values()) yield [describeSlice(slice), slice];
  }

  keep(): Kept<string, EndpointSlice> {
    return this.#moments.keep(this);
  }
}

function describeName(name: ServiceName): string {
  return SERVICE + (name.startsWith("/") ? name.slice(1) : name);
}

function describeSlice({ metadata: { namespace = "", name } }: EndpointSlice): string {
  return describeKey({ kind: "EndpointSlice", namespace, name });
}

function read(
  services: Pick<ReadByKey<ServiceName, KubeObject>, "get">,
  slices: Pick<ReadByKey<string, EndpointSlice>, "get">,
  others: Pick<ReadByKey<string, KubeObject>, "get">,
  described: string,
): KubeObject | undefined {
  if (described.startsWith(SERVICE)) {
    const named = described.slice(SERVICE.length);
    return services.get(readServiceName(named.includes("/") ? named : `/${named}`));
  }
  return described.startsWith(SLICE) ? slices.get(described) : others.get(described);
}
