// What changed Services last, and since when endpoints get traffic, by the journal.

import type { ClusterState } from "../fold/cluster_state.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { journalBackward } from "./journal_reading.ts";
import { causeOfEntry, type JournalCause } from "./outages.ts";
import type { Past } from "./past.ts";
import { servedBy } from "./service_condition.ts";
import { endpointKey, type KnownPast } from "./services.ts";

/**
 * The last record about each of `services` up to the end of `state`; with `endpoints` also the record with which each of their
 * endpoints began to get traffic. An endpoint that moves to another slot goes on serving. What is not kept any more is missing.
 */
export function knownPast(
  past: Past,
  { folded, programs }: Pick<ClusterState, "folded" | "programs">,
  services: ReadonlySet<ServiceName>,
  endpoints: boolean,
): KnownPast {
  const changed = new Map<string, JournalCause>();
  const since = new Map<string, JournalCause>();
  const wanted = new Map<string, Wanted>();
  for (const name of services) {
    const program = endpoints ? programs.get(name) : undefined;
    wanted.set(name, { last: true, serving: program === undefined ? new Set() : servedBy(program) });
  }
  const [only] = services;
  const part = { service: services.size === 1 ? only : undefined, details: false };
  for (const entry of journalBackward(past, folded, part)) {
    const { service, came } = entry;
    const about = wanted.get(service);
    if (about === undefined) continue;
    // What waits for a step is newer than what the steps before it made.
    if (about.last) changed.set(service, causeOfEntry(entry));
    about.last = false;
    for (const one of came) {
      if (about.serving.delete(one)) since.set(endpointKey(service, one), causeOfEntry(entry));
    }
    if (about.serving.size === 0) wanted.delete(service);
    if (wanted.size === 0) break;
  }
  return { changed, since };
}

/** What is not known yet of a Service. */
interface Wanted {
  /** Whether its last change is not. */
  last: boolean;
  /** Its endpoints of which the beginning is not. */
  readonly serving: Set<string>;
}

/** As {@link knownPast}; where a segment that it must read is damaged, nothing is known, and `damaged` is called. */
export function knownPastOr(
  damaged: (damage: LedgerDamage) => void,
  ...asked: Parameters<typeof knownPast>
): KnownPast {
  let known: KnownPast = { changed: new Map(), since: new Map() };
  const damage = asked[0].damageIn(() => known = knownPast(...asked));
  if (damage !== undefined) damaged(damage);
  return known;
}
