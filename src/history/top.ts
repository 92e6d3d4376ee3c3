// What was busy in a range of records: Services by their changes, endpoints that came and went, and the slowest commits.

import { ENDPOINTS_AWAY, FLAP_MILLISECONDS_MAX } from "../limits/questions.ts";
import { busiestServices, type CountedElements, type CountedService } from "./counted_connections.ts";
import type { JournalCommit, JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import type { Past } from "./past.ts";
import { rfc3339 } from "./time_expression.ts";
import type { Span } from "./window.ts";
import { servedText } from "./service_condition.ts";

/** What was busy in a range. Each list begins with the busiest. */
export interface Top {
  /** Offset of the first record that was counted. */
  readonly from: number;
  /** Offset of the last one. */
  readonly through: number;
  /** By the records that changed them. */
  readonly services: readonly BusyService[];
  /** By how often they came back. */
  readonly endpoints: readonly FlappingEndpoint[];
  /** By their time in the kernel. Commits that the kernel rejected are among them. */
  readonly commits: readonly SlowCommit[];
  /** By the connections that the kernel has counted, whatever the range is; absent where it counts none. */
  readonly connections?: readonly CountedService[];
}

/** How often a Service changed. */
export interface BusyService {
  /** `namespace/name`. */
  readonly service: string;
  /** Records that changed its rules. */
  readonly changes: number;
  /** Endpoints that started or stopped getting traffic. */
  readonly endpoints: number;
  /** Offset of the last record that changed its rules. */
  readonly last: number;
}

/** An endpoint that stopped getting traffic and got it again. */
export interface FlappingEndpoint {
  /** `namespace/name`. */
  readonly service: string;
  /** `10.244.0.1:8080`. */
  readonly endpoint: string;
  /** How often it came back within an hour. */
  readonly flaps: number;
  /** Offset of the record with which it came back last. */
  readonly last: number;
}

/** A commit by its duration. */
export interface SlowCommit {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  /** Time in the kernel. */
  readonly microseconds: number;
  /** How many operations were sent. */
  readonly operations: number;
  /** Offset of the first record that the commit folded. */
  readonly from: number;
  /** Offset of the last one. */
  readonly through: number;
}

/** How many of each kind there are unless more are asked for. */
const TOP_ROWS = 10;

/** The `most` busiest of each kind in `span`. `counted`: what the kernel has counted. */
export function topIn(past: Past, span: Span, most = TOP_ROWS, counted?: CountedElements): Top {
  const services = new Map<string, { -readonly [field in keyof BusyService]: BusyService[field] }>();
  const flaps = new Flaps();
  const commits: Timed[] = [];
  for (const entry of journalFrom(past, span.from, span.through, { details: false })) {
    const { service, effect, came, left, offset, commit, time } = entry;
    if (commit !== undefined) {
      commits.push({ commit, offset, time });
      // The list is cut now and then, so that it stays short however long the range is.
      if (commits.length > 4 * most + 1000) cut(commits, most);
    }
    if (service === "" || !effect) continue;
    let busy = services.get(service);
    if (busy === undefined) services.set(service, busy = { service, changes: 0, endpoints: 0, last: offset });
    busy.changes++;
    busy.endpoints += came.length + left.length;
    busy.last = offset;
    flaps.note(entry);
  }
  return {
    ...span,
    services: [...services.values()]
      .sort((a, b) => b.changes - a.changes || (a.service < b.service ? -1 : 1)).slice(0, most),
    endpoints: flaps.list().slice(0, most),
    commits: cut(commits, most).map(slowCommit),
    ...(counted && { connections: busiestServices(counted, most) }),
  };
}

/** Counts how often endpoints come back. */
class Flaps {
  /** When each endpoint that is away left, in milliseconds since 1970, by Service. */
  readonly #away = new Map<string, Map<string, number>>();
  /** How many endpoints are in `#away`, and at how many those that are away for too long are forgotten next. */
  #count = 0;
  #most = ENDPOINTS_AWAY;
  readonly #found = new Map<string, FlappingEndpoint>();

  note({ service, came, left, offset, time }: JournalEntry): void {
    const away = this.#away.get(service) ?? new Map<string, number>();
    for (const endpoint of came) {
      const gone = away.get(endpoint);
      if (gone === undefined) continue;
      away.delete(endpoint);
      this.#count--;
      if (time - gone > FLAP_MILLISECONDS_MAX) continue;
      const key = `${service} ${endpoint}`;
      const flaps = (this.#found.get(key)?.flaps ?? 0) + 1;
      this.#found.set(key, { service, endpoint: servedText(endpoint), flaps, last: offset });
    }
    if (left.length === 0) return;
    this.#count -= away.size;
    for (const endpoint of left) away.set(endpoint, time);
    this.#count += away.size;
    this.#away.set(service, away);
    if (this.#count > this.#most) this.#forget(time);
  }

  /** Forgets those that are away for too long. */
  #forget(now: number): void {
    this.#count = 0;
    for (const [service, away] of this.#away) {
      for (const [endpoint, gone] of away) if (now - gone > FLAP_MILLISECONDS_MAX) away.delete(endpoint);
      if (away.size === 0) this.#away.delete(service);
      this.#count += away.size;
    }
    // Where most of them left within the hour, the next look is worth its time only after as many more.
    this.#most = Math.max(ENDPOINTS_AWAY, 2 * this.#count);
  }

  /** Those that came back most often first. */
  list(): FlappingEndpoint[] {
    return [...this.#found.values()].sort((a, b) =>
      b.flaps - a.flaps || (`${a.endpoint} ${a.service}` < `${b.endpoint} ${b.service}` ? -1 : 1)
    );
  }
}

/** A commit, before it is known to be among the slowest. */
interface Timed {
  readonly commit: JournalCommit;
  readonly offset: number;
  readonly time: number;
}

function slowCommit({ commit, offset, time }: Timed): SlowCommit {
  const { microseconds, operations, from, through } = commit;
  return { offset, time: rfc3339(time), microseconds, operations, from, through };
}

/** Keeps the slowest `most` of `commits`, in order. */
function cut(commits: Timed[], most: number): Timed[] {
  commits.sort((a, b) => b.commit.microseconds - a.commit.microseconds || a.offset - b.offset);
  commits.length = Math.min(commits.length, most);
  return commits;
}
