// The log lines of syncs.

import type { SyncReport } from "../engine/sync_report.ts";

/** How many ServicePorts a line names. */
const SERVICES_SHOWN = 3;
/** Between thousands. */
const THOUSANDS = /\B(?=(?:\d{3})+$)/g;

/** What a line says of a commit. */
type Logged = Pick<
  SyncReport,
  "position" | "records" | "operations" | "microseconds" | "services" | "rebuilt"
>;

/** `@142  12 records  8 operations  214 us  shop/web:http`; of several commits, with their number. */
export function syncLine(report: Logged, commits = 1): string {
  const { position, records, operations, microseconds, services, rebuilt } = report;
  const shown = services.slice(0, SERVICES_SHOWN).join(", ");
  const more = services.length > SERVICES_SHOWN ? ` and ${services.length - SERVICES_SHOWN} more` : "";
  return [
    `@${position}`,
    ...commits > 1 ? [counted(commits, "commit")] : [],
    counted(records, "record"),
    counted(operations, "operation"),
    `${numberText(microseconds)} us`,
    `${rebuilt ? "skeleton written, " : ""}${shown}${more}`,
  ].join("  ");
}

/**
 * Lines of commits, at most one in so many milliseconds. A busy node commits thirty times in a second: a line for each would bury the
 * others, and took 6 % of what a change costs. A commit after a quiet time has its line at once, and those that follow it share one.
 */
export class SyncLines {
  /** When the next line may come. */
  #nextAt = -Infinity;
  #gathered: Logged[] = [];

  constructor(readonly milliseconds = 1000) {}

  /**
   * The line of a commit at `now`, milliseconds of a clock that never goes back. Undefined where the commit is gathered: then
   * {@link take} is due after {@link pause}.
   */
  next(report: Logged, now: number): string | undefined {
    this.#gathered.push(report);
    return this.#gathered.length > 1 || now < this.#nextAt ? undefined : this.take(now);
  }

  /** How long after `now` what is gathered is due. */
  pause(now: number): number {
    return this.#nextAt - now;
  }

  /** One line of all commits that are gathered; there must be one. */
  take(now: number): string {
    const commits = this.#gathered;
    this.#gathered = [];
    this.#nextAt = now + this.milliseconds;
    const total = (of: (report: Logged) => number) => commits.reduce((sum, report) => sum + of(report), 0);
    return syncLine({
      position: commits.at(-1)!.position,
      records: total(({ records }) => records),
      operations: total(({ operations }) => operations),
      microseconds: total(({ microseconds }) => microseconds),
      services: [...new Set(commits.flatMap(({ services }) => services))],
      rebuilt: commits.some(({ rebuilt }) => rebuilt),
    }, commits.length);
  }
}

/** `1 record`, `12 records`. */
function counted(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `1,234`. Why not Intl.NumberFormat? Making the first one takes 6 ms of each start. */
function numberText(value: number): string {
  return Math.round(value).toString().replace(THOUSANDS, ",");
}
