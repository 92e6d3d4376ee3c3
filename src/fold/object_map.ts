// Every object that exists, by `describeKey`. Services are kept by their names alone. Why? All that the state has of a Service is kept by
// that text: a second one for each Service would be made, hashed and kept for this map alone.

import { describeKey, type KubeObject, type ObjectKey } from "../kube/objects.ts";
import { nameOfService, readServiceName, type ServiceName } from "../kube/service_name.ts";
import { type Kept, KeptMap, type ReadByKey } from "./kept_map.ts";

const SERVICE = "Service ";

/** The objects. */
export class ObjectMap implements ReadonlyMap<string, KubeObject> {
  readonly #services = new KeptMap<ServiceName, KubeObject>();
  readonly #others = new KeptMap<string, KubeObject>();

  get size(): number {
    return this.#services.size + this.#others.size;
  }

  get(key: string): KubeObject | undefined {
    return read(this.#services, this.#others, key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Puts `object` in place of what has `key`, and returns that; undefined removes it. `name` is that of a Service, where it is at hand. */
  put(key: ObjectKey, object: KubeObject | undefined, name?: ServiceName): KubeObject | undefined {
    return key.kind === "Service" && key.namespace !== ""
      ? replace(this.#services, name ?? nameOfService(key), object)
      : replace(this.#others, describeKey(key), object);
  }

  *entries(): MapIterator<[string, KubeObject]> {
    for (const [name, service] of this.#services) yield [SERVICE + name, service];
    yield* this.#others;
  }

  *keys(): MapIterator<string> {
    for (const [key] of this) yield key;
  }

  *values(): MapIterator<KubeObject> {
    yield* this.#services.values();
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
    const [services, others] = [this.#services.keep(), this.#others.keep()];
    return {
      get: (key) => read(services, others, key),
      keys: () => [...[...services.keys()].map((name) => SERVICE + name), ...others.keys()],
      [Symbol.dispose]: () => [services, others].forEach((kept) => kept[Symbol.dispose]()),
    };
  }
}

function read(
  services: Pick<ReadByKey<ServiceName, KubeObject>, "get">,
  others: Pick<ReadByKey<string, KubeObject>, "get">,
  key: string,
): KubeObject | undefined {
  const service = key.startsWith(SERVICE)
    ? services.get(readServiceName(key.slice(SERVICE.length)))
    : undefined;
  return service ?? others.get(key);
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
