// The Services of a ledger that is followed. After a record only the Services that it can have changed are read again: a cluster has
// thousands, and a commit changes one or two.

import type { ClusterState } from "../fold/cluster_state.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import type { JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import { knownPast } from "./last_changes.ts";
import type { Subject } from "./names.ts";
import { causeOfEntry, type JournalCause } from "./outages.ts";
import type { Past } from "./past.ts";
import { endpointKey, servicesOfState, type ServiceState } from "./services.ts";
import { isServiceOf } from "./services_about.ts";

/** The Services after one record and the next; reads only those again that a record can have changed. */
export class FollowedServices {
  readonly #past: Past;
  /** Id of the ledger, and the last record that was looked at. */
  #ledger = "";
  #through = -1;
  readonly #shown = new Map<ServiceName, ServiceState>();
  #services: readonly ServiceState[] = [];
  /** The Services whose past was looked up, and what is known of it. */
  readonly #asked = new Set<ServiceName>();
  readonly #changed = new Map<string, JournalCause>();
  readonly #since = new Map<string, JournalCause>();
  /** Services that claim what others claim too, and those that are set aside, after the last record. */
  #contesting = new Set<ServiceName>();
  #aside: ReadonlyMap<ServiceName, string> = new Map();

  constructor(past: Past) {
    this.#past = past;
  }

  /**
   * The Services that `subject` means in `state`, by name; all for undefined. `subject` is the same in each call. Since when endpoints
   * get traffic is known where there is one. Returns the same list where no record can have changed one. Throws LedgerDamage.
   */
  at(state: ClusterState, subject: Subject | undefined): readonly ServiceState[] {
    // To read the journal folds what was written meanwhile, into the same state: that is looked at the next time.
    const through = state.folded;
    try {
      const changed = this.#changedSince(state, subject !== undefined);
      if (changed?.size !== 0) this.#follow(state, subject, changed ?? this.#allNames(state));
      [this.#ledger, this.#through] = [this.#past.id(), through];
      return this.#services;
    } catch (error) {
      // Where retention removes what it reads it is asked again, and begins anew.
      this.#ledger = "";
      throw error;
    }
  }

  #follow(state: ClusterState, subject: Subject | undefined, names: ReadonlySet<ServiceName>): void {
    this.#readAgain(state, subject, subject?.kind === "service" ? new Set([subject.service]) : names);
    this.#services = [...this.#shown.keys()].sort().map((name) => this.#shown.get(name)!);
  }

  /** The Services that the records up to `state` can have changed since the last call; undefined for all. `endpoints`: see {@link at}. */
  #changedSince(state: ClusterState, endpoints: boolean): Set<ServiceName> | undefined {
    // Of records that retention has removed it is not known what they changed.
    const isAnother = this.#ledger !== this.#past.id() || state.folded < this.#through ||
      this.#past.first() > this.#through + 1;
    if (isAnother) this.#forget();
    const names = new Set(this.#contesting);
    this.#contesting = contesting(state);
    for (const name of this.#contesting) names.add(name);
    for (const name of differing(this.#aside, state.aside)) names.add(name);
    this.#aside = new Map(state.aside);
    if (isAnother) return undefined;
    let all = false;
    for (const entry of journalFrom(this.#past, this.#through + 1, state.folded, { details: false })) {
      this.#note(entry, endpoints);
      if (entry.service !== "") names.add(readServiceName(entry.service));
      // Which endpoints are local, and their zones.
      all ||= entry.kind === "config" || entry.object.startsWith("Node ");
    }
    return all ? undefined : names;
  }

  #forget(): void {
    for (const kept of [this.#shown, this.#asked, this.#changed, this.#since]) kept.clear();
  }

  #allNames(state: ClusterState): Set<ServiceName> {
    return new Set([...state.services.keys(), ...this.#shown.keys()]);
  }

  /** Notes what a record did to a Service whose past is known. */
  #note(entry: JournalEntry, endpoints: boolean): void {
    const { service, came, left } = entry;
    if (!this.#asked.has(readServiceName(service))) return;
    const cause = causeOfEntry(entry);
    this.#changed.set(service, cause);
    if (!endpoints) return;
    for (const one of came) this.#since.set(endpointKey(service, one), cause);
    for (const one of left) this.#since.delete(endpointKey(service, one));
  }

  /** Reads `names` again, those that `subject` means with their past. */
  #readAgain(state: ClusterState, subject: Subject | undefined, names: ReadonlySet<ServiceName>): void {
    const meant = new Set<ServiceName>();
    for (const one of servicesOfState(state, names)) {
      if (subject === undefined || isServiceOf(subject, one)) meant.add(readServiceName(one.service));
    }
    for (const name of names) this.#shown.delete(name);
    this.#ask(state, new Set([...meant].filter((name) => !this.#asked.has(name))), subject !== undefined);
    const known = { changed: this.#changed, since: this.#since };
    for (const one of servicesOfState(state, meant, known)) {
      this.#shown.set(readServiceName(one.service), one);
    }
  }

  /** Looks up the past of `names`. */
  #ask(state: ClusterState, names: ReadonlySet<ServiceName>, endpoints: boolean): void {
    if (names.size === 0) return;
    const { changed, since } = knownPast(this.#past, state, names, endpoints);
    for (const [name, cause] of changed) this.#changed.set(name, cause);
    for (const [endpoint, cause] of since) this.#since.set(endpoint, cause);
    for (const name of names) this.#asked.add(name);
  }
}

/** The Services with a claim that another one has too: what one of them does changes what the others hold. */
function contesting({ contested, claims }: ClusterState): Set<ServiceName> {
  return new Set([...contested].flatMap((claim) => claims.get(claim) ?? []));
}

/** The keys whose values differ. */
function differing(
  before: ReadonlyMap<ServiceName, string>,
  now: ReadonlyMap<ServiceName, string>,
): ServiceName[] {
  return [...before.keys(), ...now.keys()].filter((name) => before.get(name) !== now.get(name));
}
