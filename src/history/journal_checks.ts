// Checks assertions that the journal alone decides: outages, late changes, and changes of the rules by other programs.

import type { Assertion } from "./assertion.ts";
import type { JournalEntry } from "./journal.ts";
import { journalFrom } from "./journal_reading.ts";
import {
  causeOfEntry,
  type JournalCause,
  outagesIn,
  type RulesMoment,
  type ServiceMeant,
} from "./outages.ts";
import type { Past } from "./past.ts";
import { lengthText } from "./table_words.ts";
import { rfc3339 } from "./time_expression.ts";
import type { Span } from "./window.ts";

/** The result of one assertion. */
export interface Checked {
  /** Of the assertion. */
  readonly name: string;
  /** Whether it holds everywhere that was asked for. */
  readonly holds: boolean;
  /** How it is broken; "" where it holds. */
  readonly text: string;
  /** The first commit of the range that broke it; null where it holds, was broken before the range, or one position was asked for. */
  readonly commit: RulesMoment | null;
  /** The record that broke it, where that is known. */
  readonly cause: JournalCause | null;
}

/** The result of an assertion that is broken, `text` says how. */
export function broken(
  name: string,
  text: string,
  commit: RulesMoment | null = null,
  cause: JournalCause | null = null,
): Checked {
  return { name, holds: false, text, commit, cause };
}

/** The result of an assertion that holds. */
export function held(name: string): Checked {
  return { name, holds: true, text: "", commit: null, cause: null };
}

/** The range to check: the records after `span.from`, up to `span.through`. */
interface Range {
  readonly past: Past;
  readonly span: Span;
}

/** Whether no port of `service` is without endpoints for too long. */
export function checkOutage(
  { past, span }: Range,
  { name, milliseconds }: Assertion & { readonly kind: "outage" },
  { service, ports }: ServiceMeant,
): Checked {
  const end = timeOf(past, span.through);
  const range = { from: span.from + 1, through: span.through };
  for (const { port, from, to, cause } of outagesIn(past, range, service)) {
    if (ports?.has(port) === false) continue;
    const begins = from === null ? -Infinity : Date.parse(from.time);
    const ends = to === null ? end : Date.parse(to.time);
    const length = ends - begins;
    // One that begins with the last commit has no length yet.
    if (milliseconds > 0 && length <= milliseconds) continue;
    const long = Number.isFinite(length) ? `for ${lengthText(length)}` : "since before the range";
    return broken(name, `${port} without endpoints ${long}`, from, cause);
  }
  return held(name);
}

/** Whether no change takes too long; a change that began before the range does not count. */
export function checkLatency(
  { past, span }: Range,
  { name, milliseconds }: Assertion & { readonly kind: "latency" },
  service: string | undefined,
): Checked {
  const begins = timeOf(past, span.from);
  let waiting: JournalEntry[] = [];
  for (const entry of journalFrom(past, span.from + 1, span.through, { service, details: false })) {
    const { commit, effect, trigger, offset, time } = entry;
    if (effect && trigger >= begins && trigger > 0) waiting.push(entry);
    if (commit?.accepted !== true) continue;
    const late = waiting.find((one) => one.offset <= commit.through && time - one.trigger > milliseconds);
    if (late !== undefined) {
      const text = `${late.object} in the kernel ${lengthText(time - late.trigger)} after its change`;
      return broken(name, text, { offset, time: rfc3339(time) }, causeOfEntry(late));
    }
    waiting = waiting.filter((one) => one.offset > commit.through);
  }
  return held(name);
}

/** The process of records about a list that would remove much (engine/held_list.ts): no rule was changed. */
const API_SERVER = "API server";

/** Whether no other program changed the rules. */
export function checkDrift(
  { past, span }: Range,
  { name }: Assertion & { readonly kind: "drift" },
): Checked {
  for (const entry of journalFrom(past, span.from + 1, span.through, { details: false })) {
    if (entry.kind !== "drift") continue;
    const record = past.lookup()(entry.offset)?.record;
    if (record?.kind === "drift" && record.process === API_SERVER) continue;
    return broken(name, entry.text, null, causeOfEntry(entry));
  }
  return held(name);
}

/** When the record at `offset` was written, in milliseconds since 1970; NaN where it is not kept. */
function timeOf(past: Past, offset: number): number {
  return Date.parse(past.lookup()(offset)?.record.time ?? "");
}
