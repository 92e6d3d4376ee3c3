// Sums what elements have counted into connections by Service. The kernel's counters begin at 0 with each element, and end with it;
// the sums go on. Each connection is in exactly one series: that of its Service, or that of all Services without one. So no rate
// has a connection twice when other Services become the busiest.

import { serviceOfComment } from "../kube/named_services.ts";
import {
  COUNTED_SERVICES_MAX,
  COUNTED_SERVICES_WAITING,
  ENDED_SERIES_MAX,
  FIRST_READINGS_MAX,
  GONE_SCRAPES,
} from "../limits/serving.ts";
import { type ElementCount, type ElementKey, type SetPath, splitSetPath } from "../nft/ruleset.ts";
import type { Transaction } from "../nft/transaction.ts";

/** What became of a connection: an endpoint got it, or it was rejected or dropped for want of one. */
export type ConnectionOutcome = "served" | "refused";

/** Connections by outcome. */
export type ByOutcome = Readonly<Record<ConnectionOutcome, number>>;

/** The series of a scrape. */
export interface ConnectionSeries {
  /** Of the busiest Services, by `namespace/name`. */
  readonly services: ReadonlyMap<string, ByOutcome>;
  /** Of all others. */
  readonly others: ByOutcome;
  /** Elements whose last connections are in no series. */
  readonly uncounted: number;
}

/** One Service. */
interface Tallied {
  readonly name: string;
  total: number;
  /** How many elements are known that count for it. */
  elements: number;
  /** How many scrapes found none. */
  gone: number;
  /** In its own series. */
  readonly shown: Record<ConnectionOutcome, number>;
  /** In no series yet. */
  readonly waiting: Record<ConnectionOutcome, number>;
}

/** What is known of one element. */
interface Known {
  readonly service: Tallied;
  packets: number;
  /** The reading that found it last. */
  reading: number;
}

/** Sums of connections. A reading takes the elements map by map, and deletions may come between its parts. */
export class ConnectionTally {
  readonly #known = new Map<SetPath, Map<ElementKey, Known>>();
  readonly #services = new Map<string, Tallied>();
  /**
   * Where the series of Services that are gone ended. Why not from 0 again? Prometheus
   * sees that a series began again only where it is lower than before.
   */
  readonly #ended = new Map<string, Tallied["shown"]>();
  readonly #others: Record<ConnectionOutcome, number> = { served: 0, refused: 0 };
  /** Maps of which deletions may have been missed. */
  readonly #doubtful = new Set<SetPath>();
  /** Elements of the map that is being read that were deleted meanwhile: parts that are on their way may still have them. */
  readonly #deleted = new Set<ElementKey>();
  #map: SetPath | undefined;
  #isDoubtful = false;
  #reading = 0;
  #uncounted = 0;
  /** How many more readings may find elements that an earlier process made. */
  #firstReadings = 0;
  /** Whether the reading had a map that was not whole. */
  #isPartial = false;
  /** At how many Services those that are gone are forgotten next. */
  #most = COUNTED_SERVICES_WAITING;

  /** `outcomeOf`: what becomes of the connections that the elements of a map count. */
  constructor(readonly outcomeOf: (map: SetPath) => ConnectionOutcome) {}

  /** Until the end of the next whole reading, what elements have counted when they are first seen belongs to the process before this one. */
  beginAfterOther(): void {
    this.#firstReadings = FIRST_READINGS_MAX;
  }

  /** All maps were read. */
  endReading(): void {
    this.#firstReadings = this.#isPartial ? Math.max(0, this.#firstReadings - 1) : 0;
    this.#isPartial = false;
  }

  /** A reading of `map` begins. */
  beginMap(map: SetPath): void {
    this.#map = map;
    this.#reading++;
    this.#deleted.clear();
    this.#isDoubtful = this.#doubtful.delete(map);
  }

  /** Takes a part of the map that is being read. */
  take(counts: readonly ElementCount[]): void {
    for (const { set, element, packets } of counts) {
      if (set !== this.#map || this.#deleted.has(element.key)) continue;
      const isOfOther = this.#isOfOther(set, element.key);
      const known = this.#elementOf(set, element);
      // It was replaced, or its counter was reset, and no notice of that came.
      if (packets < known.packets) this.#uncounted++;
      if (!isOfOther) this.#add(known, set, packets < known.packets ? packets : packets - known.packets);
      known.packets = packets;
      known.reading = this.#reading;
    }
  }

  /** The reading of the map ended. `whole`: all elements that were there from the beginning to the end were in its parts. */
  endMap(whole: boolean): void {
    const map = this.#map;
    this.#map = undefined;
    this.#deleted.clear();
    this.#isPartial ||= !whole;
    if (map === undefined || !this.#isDoubtful) return;
    if (!whole) {
      this.#doubtful.add(map);
      return;
    }
    for (const [key, { reading }] of this.#known.get(map) ?? []) {
      if (reading !== this.#reading) this.#lose(map, key);
    }
  }

  /** Elements were deleted that had counted so much. */
  deleted(counts: readonly ElementCount[]): void {
    for (const { set, element, packets } of counts) {
      const isOfOther = this.#isOfOther(set, element.key);
      const known = this.#elementOf(set, element);
      if (isOfOther) this.#uncounted++;
      else this.#add(known, set, Math.max(0, packets - known.packets));
      this.#forget(set, element.key);
    }
    if (this.#services.size <= this.#most) return;
    // No scrape has asked for a long time.
    this.series();
    this.#most = Math.max(COUNTED_SERVICES_WAITING, 2 * this.#services.size);
  }

  /** The rules changed by `transaction`, and no notice of its deletions came: what they had counted since the last reading is lost. */
  unnoticed(transaction: Transaction): void {
    if (this.#known.size === 0) return;
    for (const operation of transaction) {
      if (operation.noun === "table") this.#loseTable(operation.family, operation.table);
      else if (operation.noun === "element" && operation.verb === "delete") {
        this.#lose(operation.set, operation.element.key);
      }
    }
  }

  /** Elements were added that had counted so much already: those were no connections of theirs. */
  added(counts: readonly ElementCount[]): void {
    for (const { set, element, packets } of counts) {
      if (packets === 0 || this.#known.get(set)?.has(element.key)) continue;
      this.#elementOf(set, element).packets = packets;
    }
  }

  /** A map was deleted with its elements, of which no notices come. */
  mapDeleted(map: SetPath): void {
    for (const key of this.#known.get(map)?.keys() ?? []) this.#lose(map, key);
    this.#known.delete(map);
    // Parts that are on their way are of elements that are gone.
    if (map === this.#map) this.#map = undefined;
  }

  /** The kernel dropped notices: a reading shows which elements are gone. */
  missed(): void {
    for (const map of this.#known.keys()) this.#doubtful.add(map);
  }

  /** The series now. */
  series(most = COUNTED_SERVICES_MAX): ConnectionSeries {
    const busiest = new Set(largest(this.#services.values(), most));
    for (const one of this.#services.values()) {
      const to = busiest.has(one) ? one.shown : this.#others;
      for (const outcome of ["served", "refused"] as const) {
        to[outcome] += one.waiting[outcome];
        one.waiting[outcome] = 0;
      }
      one.gone = one.elements === 0 ? one.gone + 1 : 0;
      // A Service that is gone stays for a while if it is among the busiest: scrapes get its last connections.
      if (one.gone > 0 && !busiest.has(one) || one.gone > GONE_SCRAPES) this.#end(one);
    }
    return {
      services: new Map([...busiest].map(({ name, shown }) => [name, { ...shown }])),
      others: { ...this.#others },
      uncounted: this.#uncounted,
    };
  }

  /** Whether what an element has counted may be that of the process before this one. */
  #isOfOther(map: SetPath, key: ElementKey): boolean {
    return this.#firstReadings > 0 && this.#known.get(map)?.has(key) !== true;
  }

  #elementOf(map: SetPath, { key, comment = "" }: ElementCount["element"]): Known {
    let elements = this.#known.get(map);
    if (elements === undefined) this.#known.set(map, elements = new Map());
    let known = elements.get(key);
    if (known === undefined) {
      elements.set(key, known = { service: this.#serviceOf(comment), packets: 0, reading: this.#reading });
      known.service.elements++;
    }
    return known;
  }

  /** The Service of a ServicePort: the comment may be cut, but behind the Service's name. */
  #serviceOf(comment: string): Tallied {
    const name = serviceOfComment(comment);
    let service = this.#services.get(name);
    if (service === undefined) {
      const shown = this.#ended.get(name) ?? { served: 0, refused: 0 };
      this.#ended.delete(name);
      service = { name, total: 0, elements: 0, gone: 0, shown, waiting: { served: 0, refused: 0 } };
      this.#services.set(name, service);
    }
    return service;
  }

  #end({ name, shown }: Tallied): void {
    this.#services.delete(name);
    if (shown.served + shown.refused === 0) return;
    this.#ended.set(name, shown);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= ENDED_SERIES_MAX) return;
      this.#ended.delete(oldest);
    }
  }

  #add({ service }: Known, map: SetPath, connections: number): void {
    service.total += connections;
    service.waiting[this.outcomeOf(map)] += connections;
  }

  #lose(map: SetPath, key: ElementKey): void {
    if (this.#forget(map, key)) this.#uncounted++;
  }

  #loseTable(family: string, table: string): void {
    for (const map of [...this.#known.keys()]) {
      const of = splitSetPath(map);
      if (of.family === family && of.table === table) this.mapDeleted(map);
    }
  }

  /** Returns whether the element was known. */
  #forget(map: SetPath, key: ElementKey): boolean {
    if (map === this.#map) this.#deleted.add(key);
    const elements = this.#known.get(map);
    const known = elements?.get(key);
    if (known === undefined) return false;
    known.service.elements--;
    return elements!.delete(key);
  }
}

/** The `most` Services with the most connections, none without any. */
function largest(services: Iterable<Tallied>, most: number): Tallied[] {
  const found: Tallied[] = [];
  for (const one of services) {
    if (one.total === 0 || found.length === most && !isBusier(one, found.at(-1)!)) continue;
    const at = found.findIndex((other) => isBusier(one, other));
    found.splice(at < 0 ? found.length : at, 0, one);
    found.length = Math.min(found.length, most);
  }
  return found;
}

function isBusier(one: Tallied, other: Tallied): boolean {
  return one.total > other.total || one.total === other.total && one.name < other.name;
}
