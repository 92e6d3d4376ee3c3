// What the state has of each Service: its object, its slices and its rules. Why one table, and not a map for each? An event finds all of it
// by one look-up, by namespace and name, so no text of both is made for it. `place_index.ts` says what a Map costs.

import { assert } from "../invariant.ts";
import type { EndpointSlice, ObjectKey, Service } from "../kube/objects.ts";
import { partsOfService, type ServiceName, serviceName } from "../kube/service_name.ts";
import { isForProxy } from "../kube/service_proxy_name.ts";
import { type Kept, Moments, type ReadByKey } from "./kept_map.ts";
import { hashOfKey, hashOfPair, PlaceIndex } from "./place_index.ts";
import type { ServiceProgram } from "./service_program.ts";
import { SmallMap } from "./small_map.ts";

/** Namespace and name of a Service. */
type ServiceKey = Pick<ObjectKey, "namespace" | "name">;

/** What there is of one Service. The table alone changes it. */
export interface ServiceEntry {
  readonly name: ServiceName;
  /** Its object, whichever proxy it is for. */
  readonly object: Service | undefined;
  /** Its slices by name, also while the Service itself is unknown; undefined where there are none. */
  readonly slices: SmallMap<string, EndpointSlice> | undefined;
  /** undefined for a Service without rules. */
  readonly program: ServiceProgram | undefined;
}

/** An entry as the table has it. */
class Entry implements ServiceEntry {
  object: Service | undefined = undefined;
  slices: SmallMap<string, EndpointSlice> | undefined = undefined;
  program: ServiceProgram | undefined = undefined;

  constructor(readonly namespace: string, readonly short: string, readonly name: ServiceName) {}

  get isEmpty(): boolean {
    return this.object === undefined && this.slices === undefined && this.program === undefined;
  }
}

/** The Services. */
export class ServiceTable {
  /** The name of this proxy, as the configuration has it. */
  proxyName: string | undefined;
  #entries: (Entry | undefined)[] = [];
  readonly #places = new PlaceIndex((place) => this.#entries[place]!.name);
  readonly #objectsKept = new Moments<ServiceName, Service>();
  readonly #programsKept = new Moments<ServiceName, ServiceProgram>();
  /** The objects of all Services. */
  readonly objects = new KeptView(this, ({ object }) => object, this.#objectsKept);
  /** The Services of this proxy. */
  readonly served = new ServiceView(this, (entry) => this.servedOf(entry));
  readonly slices = new ServiceView(this, ({ slices }) => slices);
  readonly programs = new KeptView(this, ({ program }) => program, this.#programsKept);

  /** What there is of a Service; undefined where there is nothing. */
  find({ namespace, name }: ServiceKey): ServiceEntry | undefined {
    const place = this.#find(namespace, name, hashOfPair(namespace, name));
    return place < 0 ? undefined : this.#entries[place];
  }

  /** As {@link find}. Where there is nothing, an entry that comes into the table once something is set. */
  at(key: ServiceKey): ServiceEntry {
    const { namespace, name } = key;
    return this.find(key) ?? new Entry(namespace, name, serviceName(namespace, name));
  }

  /** As {@link find}, by the name, of which no parts are made. */
  findNamed(name: ServiceName): ServiceEntry | undefined {
    const hash = hashOfKey(name);
    const places = this.#places;
    for (let at = places.first(hash); at >= 0; at = places.next(at, hash)) {
      if (this.#entries[at]!.name === name) return this.#entries[at];
    }
    return places.someBeyond ? this.#entries[places.beyond(name)] : undefined;
  }

  /** As {@link at}, by the name. */
  named(name: ServiceName): ServiceEntry {
    return this.findNamed(name) ?? this.at(partsOfService(name));
  }

  /** The object of a Service, where it is one for this proxy. */
  servedOf({ object }: ServiceEntry): Service | undefined {
    return object !== undefined && isForProxy(object, this.proxyName) ? object : undefined;
  }

  /** What there is of each Service, in the order in which the first of it came; what comes after something went takes its place. */
  *all(): Generator<ServiceEntry> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }

  setObject(entry: ServiceEntry, object: Service | undefined): void {
    const own = this.#own(entry, object === undefined);
    if (own === undefined) return;
    if (this.#objectsKept.any) this.#objectsKept.changes(own.name, own.object);
    own.object = object;
    this.#leaveWhereEmpty(own);
    if (object === undefined && this.#objectsKept.any) this.#objectsKept.removed(own.name);
  }

  /** Sets a slice of a Service, or removes it for undefined. */
  setSlice(entry: ServiceEntry, name: string, slice: EndpointSlice | undefined): void {
    const own = this.#own(entry, slice === undefined);
    if (own === undefined) return;
    if (slice !== undefined) (own.slices ??= new SmallMap()).set(name, slice);
    else if (own.slices?.delete(name) && own.slices.size === 0) own.slices = undefined;
    this.#leaveWhereEmpty(own);
  }

  setProgram(entry: ServiceEntry, program: ServiceProgram | undefined): void {
    const own = this.#own(entry, program === undefined);
    if (own === undefined) return;
    if (this.#programsKept.any) this.#programsKept.changes(own.name, own.program);
    own.program = program;
    this.#leaveWhereEmpty(own);
    if (program === undefined && this.#programsKept.any) this.#programsKept.removed(own.name);
  }

  /** `entry` in the table; undefined where it is in none and is to `remain` so. */
  #own(entry: ServiceEntry, remain: boolean): Entry | undefined {
    assert(entry instanceof Entry, () => `${entry.name} is an entry of the table`);
    if (!entry.isEmpty) return entry;
    if (remain) return undefined;
    const hash = hashOfPair(entry.namespace, entry.short);
    assert(this.#find(entry.namespace, entry.short, hash) < 0, () => `${entry.name} has no other entry`);
    this.#enter(entry, hash);
    return entry;
  }

  #leaveWhereEmpty(entry: Entry): void {
    if (!entry.isEmpty) return;
    const place = this.#find(entry.namespace, entry.short, hashOfPair(entry.namespace, entry.short));
    this.#places.free(place);
    this.#entries[place] = undefined;
    if (!this.#places.isSparse) return;
    const entries = this.#entries;
    this.#entries = [];
    this.#places.clear();
    for (const one of entries) if (one !== undefined) this.#enter(one, hashOfPair(one.namespace, one.short));
  }

  #enter(entry: Entry, hash: number): void {
    const place = this.#places.take();
    this.#entries[place] = entry;
    this.#places.enter(place, hash);
  }

  #find(namespace: string, name: string, hash: number): number {
    const places = this.#places;
    for (let at = places.first(hash); at >= 0; at = places.next(at, hash)) {
      const entry = this.#entries[at]!;
      if (entry.short === name && entry.namespace === namespace) return at;
    }
    return places.someBeyond ? places.beyond(serviceName(namespace, name)) : -1;
  }
}

/** One of the things that a table has of Services, by their names. */
class ServiceView<Value> implements ReadonlyMap<ServiceName, Value> {
  readonly #table: ServiceTable;
  readonly #valueOf: (entry: ServiceEntry) => Value | undefined;

  constructor(table: ServiceTable, valueOf: (entry: ServiceEntry) => Value | undefined) {
    this.#table = table;
    this.#valueOf = valueOf;
  }

  /** How many there are. They are counted. */
  get size(): number {
    let size = 0;
    for (const entry of this.#table.all()) if (this.#valueOf(entry) !== undefined) size++;
    return size;
  }

  get(name: ServiceName): Value | undefined {
    const entry = this.#table.findNamed(name);
    return entry && this.#valueOf(entry);
  }

  has(name: ServiceName): boolean {
    return this.get(name) !== undefined;
  }

  *entries(): MapIterator<[ServiceName, Value]> {
    for (const entry of this.#table.all()) {
      const value = this.#valueOf(entry);
      if (value !== undefined) yield [entry.name, value];
    }
  }

  *keys(): MapIterator<ServiceName> {
    for (const [name] of this) yield name;
  }

  *values(): MapIterator<Value> {
    for (const entry of this.#table.all()) {
      const value = this.#valueOf(entry);
      if (value !== undefined) yield value;
    }
  }

  forEach(use: (value: Value, name: ServiceName, map: ReadonlyMap<ServiceName, Value>) => void): void {
    for (const [name, value] of this) use(value, name, this);
  }

  [Symbol.iterator](): MapIterator<[ServiceName, Value]> {
    return this.entries();
  }
}

/** A view that can be kept as it is at one moment. */
export class KeptView<Value> extends ServiceView<Value> implements ReadByKey<ServiceName, Value> {
  readonly #moments: Moments<ServiceName, Value>;

  constructor(
    table: ServiceTable,
    valueOf: (entry: ServiceEntry) => Value | undefined,
    moments: Moments<ServiceName, Value>,
  ) {
    super(table, valueOf);
    this.#moments = moments;
  }

  /** What there is now, whatever changes later. */
  keep(): Kept<ServiceName, Value> {
    return this.#moments.keep(this);
  }
}
