// Which records changed which Service as service_view.ts shows it. Between two of them a Service looks the same, so the
// page works out only those Services that differ from the moment that it showed before.

import { ownerOf } from "../fold/fold.ts";
import type { Contests } from "../history/packet_words.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import type { KubeObject } from "../kube/objects.ts";
import { nameOfService, readServiceName, type ServiceName } from "../kube/service_name.ts";
import { sameValue } from "../kube/equality.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { lastAt } from "./past_map.ts";
import type { Moment } from "./moment.ts";

/** The records that changed Services. */
export class ServiceMoments {
  readonly #offsets = new Map<ServiceName, number[]>();
  /** Records that may have changed every Service. */
  #everywhere: number[] = [];
  #sorted: readonly ServiceName[] | undefined;

  /** No record, and the Services `names`. */
  constructor(names: Iterable<ServiceName>) {
    for (const name of names) this.#offsets.set(name, []);
  }

  /** Notes what the record at `offset` changed. `contests` are the claims to frontends before and after it. */
  note(offset: number, record: LedgerRecord, moment: Moment, contests: readonly Contests[]): void {
    if (changesAll(record, moment)) this.#everywhere.push(offset);
    for (const name of withRivals(servicesIn(moment), contests)) this.#offsetsOf(name).push(offset);
  }

  /** The window begins with the record at `first` from now on. A Service without a later record stays where `isThere` says so. */
  forgetBefore(first: number, isThere: (name: ServiceName) => boolean): void {
    this.#everywhere = this.#everywhere.filter((offset) => offset >= first);
    for (const [name, offsets] of this.#offsets) {
      offsets.splice(0, lastAt(offsets, first - 1) + 1);
      if (offsets.length === 0 && !isThere(name)) this.#offsets.delete(name);
    }
    this.#sorted = undefined;
  }

  /** All Services that ever were there, by name. */
  get names(): readonly ServiceName[] {
    return this.#sorted ??= [...this.#offsets.keys()].sort();
  }

  /** The records that changed `name` itself, in order. */
  of(name: ServiceName): readonly number[] {
    return this.#offsets.get(name) ?? [];
  }

  /** The offsets from which, and before which, `name` looks as it does at `at`. */
  unchangedAround(name: ServiceName, at: number): { readonly from: number; readonly before: number } {
    let [from, before] = [-Infinity, Infinity];
    for (const offsets of [this.of(name), this.#everywhere]) {
      const last = lastAt(offsets, at);
      from = Math.max(from, offsets[last] ?? -Infinity);
      before = Math.min(before, offsets[last + 1] ?? Infinity);
    }
    return { from, before };
  }

  #offsetsOf(name: ServiceName): number[] {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const made: number[] = [];
    this.#offsets.set(name, made);
    this.#sorted = undefined;
    return made;
  }
}

/** Whether a record may have changed every Service: what the node is, or rules that follow from more than one object. */
function changesAll(record: LedgerRecord, { elements, surroundings }: Moment): boolean {
  if (surroundings !== undefined && !sameValue(surroundings.before.node, surroundings.after.node)) {
    return true;
  }
  const ofService = record.kind === "event" &&
    (record.key.kind === "Service" || record.key.kind === "EndpointSlice");
  return !ofService && elements.length > 0;
}

/** The Services that the object, the elements and the surroundings of a moment belong to. */
function servicesIn({ elements, object, surroundings }: Moment): Set<ServiceName> {
  const found = new Set<ServiceName>();
  const add = (name: ServiceName | undefined) => name !== undefined && found.add(name);
  add(serviceOf(object?.before?.object));
  add(serviceOf(object?.after?.object));
  for (const { before, after } of elements) {
    for (const one of [before, after]) {
      if (one?.comment !== undefined) add(readServiceName(serviceOfComment(one.comment)));
    }
  }
  if (surroundings === undefined) return found;
  const [before, after] = [surroundings.before.aside, surroundings.after.aside];
  for (const name of [...before.keys(), ...after.keys()]) {
    if (before.get(name) !== after.get(name)) found.add(name);
  }
  return found;
}

/** The Service that an object is, or belongs to. */
function serviceOf(object: KubeObject | undefined): ServiceName | undefined {
  if (object?.kind === "EndpointSlice") return ownerOf(object);
  if (object?.kind !== "Service") return undefined;
  return nameOfService(object.metadata);
}

/** `names`, and the Services that claim a frontend which one of them claims too: each names the holder. */
function withRivals(names: Set<ServiceName>, contests: readonly Contests[]): Set<ServiceName> {
  for (const { contested, claims } of contests) {
    for (const claim of contested) {
      const claimants = claims.get(claim) ?? [];
      if (claimants.some((name) => names.has(name))) claimants.forEach((name) => names.add(name));
    }
  }
  return names;
}
