// Every object that exists, by `describeKey`. Services are kept by their names alone, and slices by no text at all. Why? All that the state
// has of a Service is kept by that text: a second one for each object would be made, hashed and kept for this map alone.

import {
  describeKey,
  type EndpointSlice,
  type KubeObject,
  type ObjectKey,
  readDescribed,
} from "../kube/objects.ts";
import { nameOfService, readServiceName, type ServiceName } from "../kube/service_name.ts";
import { type Kept, KeptMap, Moments, type ReadByKey } from "./kept_map.ts";
import { SliceTable } from "./slice_table.ts";

const SERVICE = "Service ";
const SLICE = "EndpointSlice ";

/** The objects. */
export class ObjectMap implements ReadonlyMap<string, KubeObject> {
  readonly #services = new KeptMap<ServiceName, KubeObject>();
  readonly #slices = new KeptSlices();
  readonly #others = new KeptMap<string, KubeObject>();

  get size(): number {
    return this.#services.size + this.#slices.size + this.#others.size;
  }

  get(described: string): KubeObject | undefined {
    return read(this.#services, this.#slices, this.#others, described);
  }

  has(described: string): boolean {
    return this.get(described) !== undefined;
  }

  /** As {@link get}, without a text for the key. */
  at(key: ObjectKey): KubeObject | undefined {
    if (isService(key)) return this.#services.get(nameOfService(key));
    return key.kind === "EndpointSlice" ? this.#slices.at(key) : this.#others.get(describeKey(key));
  }

  /** Puts `object` in place of what has `key`, and returns that; undefined removes it. `name` is that of a Service, where it is at hand. */
  put(key: ObjectKey, object: KubeObject | undefined, name?: ServiceName): KubeObject | undefined {
    if (isService(key)) return replace(this.#services, name ?? nameOfService(key), object);
    if (key.kind === "EndpointSlice") {
      return this.#slices.put(key, object?.kind === "EndpointSlice" ? object : undefined);
    }
    return replace(this.#others, describeKey(key), object);
  }

  *entries(): MapIterator<[string, KubeObject]> {
    for (const [name, service] of this.#services) yield [SERVICE + name, service];
    for (const slice of this.#slices.values()) yield [describeSlice(slice), slice];
    yield* this.#others;
  }

  *keys(): MapIterator<string> {
    for (const [key] of this) yield key;
  }

  *values(): MapIterator<KubeObject> {
    yield* this.#services.values();
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
    const [services, slices, others] = [this.#services.keep(), this.#slices.keep(), this.#others.keep()];
    return {
      get: (described) => read(services, slices, others, described),
      keys: () => [...[...services.keys()].map((name) => SERVICE + name), ...slices.keys(), ...others.keys()],
      [Symbol.dispose]: () => [services, slices, others].forEach((kept) => kept[Symbol.dispose]()),
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

  *keys(): Generator<string> {
    for (const slice of this.values()) yield describeSlice(slice);
  }

  keep(): Kept<string, EndpointSlice> {
    return this.#moments.keep(this);
  }
}

/** A Service without a namespace, which no server has, is among the others. */
function isService({ kind, namespace }: ObjectKey): boolean {
  return kind === "Service" && namespace !== "";
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
  if (described.startsWith(SLICE)) return slices.get(described);
  const service = described.startsWith(SERVICE)
    ? services.get(readServiceName(described.slice(SERVICE.length)))
    : undefined;
  return service ?? others.get(described);
}

function replace<Key>(
  map: KeptMap<Key, KubeObject>,
  key: Key,
  object: KubeObject | undefined,
): KubeObject | undefined {
  const before = map.get(key);
  if (object !== undefined) map.set(key, object);
  else if (before !== undefined) map.delete(key);
  return before;
}
