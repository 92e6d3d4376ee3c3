// The state of a node at a position, worst first: rules that are not committed, Services that are set aside or have no endpoints, the
// own Node, claims that collide, changes by other programs, and what the ledger lacks.

import { countText } from "../count_text.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { nodeStatus } from "../fold/own_node.ts";
import { namesText } from "../fold/remarks.ts";
import { readFrontendClaim } from "../fold/resource.ts";
import { titleText } from "../fold/title.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import type { JournalEntry } from "./journal.ts";
import { journalBackward, journalFrom } from "./journal_reading.ts";
import { CLEANUP } from "../fold/skeleton.ts";
import type { Past } from "./past.ts";
import { conditionOfService } from "./service_condition.ts";
import { rfc3339 } from "./time_expression.ts";

/** How bad a finding is: `failing`: packets go wrong; `warning`: they may; `note`: nothing is wrong with the rules. */
export type Severity = "failing" | "warning" | "note";

/** One thing that a person should know. */
export interface Finding {
  /** How bad it is. */
  readonly severity: Severity;
  /** `rules`, `set aside`, `endpoints`, `node`, `contested`, `drift`, `ledger`, `left out`, `proxy`, `API server`, `assertion`. */
  readonly topic: string;
  /** The finding in words. */
  readonly text: string;
}

/** The state of a node at a position: where its rules are, and what a person should know. */
export interface NodeState {
  /** Offset of the last record that was folded. */
  readonly at: number;
  /** RFC 3339, when that record was written; "" where it is not kept. */
  readonly time: string;
  /** Name of the node; "" without one. */
  readonly node: string;
  /** Last record whose rules the kernel has; null where nothing was committed. */
  readonly committed: number | null;
  /** Whether the kernel has the rules of everything up to `at`. */
  readonly inSync: boolean;
  /** The record by which `ledgerproxy cleanup` removed the rules, since when none were committed; else null. */
  readonly removed: number | null;
  /** How many Services there are. */
  readonly services: number;
  /** How many endpoints all slices have. */
  readonly endpoints: number;
  /** The worst first. */
  readonly findings: readonly Finding[];
}

const SEVERITIES: readonly Severity[] = ["failing", "warning", "note"];
/** Most entries of the journal that are read for drift, gaps and rejections. Older ones say nothing of the present state. */
const ENTRIES_MAX = 20_000;
/** Most Services that a finding names. */
const NAMED_MAX = 5;

/**
 * The state of the node after the records in `state`, the end of `past` at that time. `answers`: what the running proxy says of itself,
 * where it was asked. `recent`: what the journal has up to there, for a ledger that is followed.
 */
export function nodeStateOf(
  past: Past,
  state: ClusterState,
  answers: readonly Finding[] = [],
  { recent, damage }: RecentEntries = recentEntries(past, state.folded),
): NodeState {
  const time = recent[0]?.time;
  const waiting = recent.filter(({ offset, effect, kind }) =>
    kind !== "commit" && effect && offset > (state.committed ?? -1)
  );
  const removed = removedAt(past, recent);
  const inSync = state.committed !== undefined && waiting.length === 0 && removed === undefined;
  const findings = [
    ...answers,
    ...removedFindings(removed),
    ...rulesFindings(state, waiting, recent),
    ...asideFindings(state),
    ...endpointFindings(state),
    ...nodeFindings(state),
    ...contestedFindings(state),
    ...recordFindings(past, state, recent),
    ...damageFindings(damage),
    ...pastFindings(past),
    ...leftOutFindings(state),
  ];
  return {
    at: state.folded,
    time: time === undefined ? "" : rfc3339(time),
    node: state.node.name,
    committed: state.committed ?? null,
    inSync,
    removed: removed?.offset ?? null,
    services: state.services.size,
    endpoints: endpointCount(state),
    findings: findings.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)),
  };
}

/** Whether rules of records are on their way to the kernel: for some milliseconds, which is no trouble before the ledger is quiet. */
export function isOnItsWay({ inSync, committed }: NodeState): boolean {
  return !inSync && committed !== null;
}

/** The newest entries, newest first: at least those after the last commit, or after the `damage` of an older segment. */
export interface RecentEntries {
  /** The entries. */
  readonly recent: readonly JournalEntry[];
  /** What ended them. */
  readonly damage: LedgerDamage | undefined;
}

/**
 * The entries of `past` up to offset `through`. `known`: those up to an earlier one of the same ledger, so that of a ledger that is
 * followed no older segment is read again.
 */
export function recentEntries(past: Past, through: number, known?: RecentEntries): RecentEntries {
  const last = known?.recent[0];
  if (known !== undefined && last !== undefined && last.offset <= through) {
    const newer = [...journalFrom(past, last.offset + 1, through, { details: false })].reverse();
    return { ...known, recent: [...newer, ...known.recent].slice(0, ENTRIES_MAX) };
  }
  const recent: JournalEntry[] = [];
  const damage = past.damageIn(() => {
    for (const entry of journalBackward(past, through, { details: false })) {
      if (recent.push(entry) >= ENTRIES_MAX) break;
    }
  });
  return { recent, damage };
}

/** The entries in the order of their keys: findings of one kind do not depend on the order of events. */
function byName<Value>(entries: ReadonlyMap<string, Value>): (readonly [string, Value])[] {
  return [...entries].sort(([a], [b]) => a < b ? -1 : 1);
}

function damageFindings(damage: LedgerDamage | undefined): Finding[] {
  if (damage === undefined) return [];
  return [{ severity: "warning", topic: "ledger", text: `older records cannot be read: ${damage.message}` }];
}

/** Since when the ledger has a past, where it does not reach back to its beginning. */
function pastFindings(past: Past): Finding[] {
  const first = past.first();
  if (first === 0) return [];
  let since = "";
  past.damageIn(() => {
    const [oldest] = past.records(first, first);
    if (oldest !== undefined) since = `, ${oldest.record.time}`;
  });
  return [{
    severity: "note",
    topic: "ledger",
    text: `begins at @${first}${since}; what was before is not kept`,
  }];
}

function endpointCount({ slices }: ClusterState): number {
  let count = 0;
  for (const owned of slices.values()) for (const { endpoints } of owned.values()) count += endpoints.length;
  return count;
}

/** The entry of `recent`, newest first, by which `ledgerproxy cleanup` removed the rules; undefined where rules were committed since, or it did not. */
function removedAt(past: Past, recent: Iterable<JournalEntry>): JournalEntry | undefined {
  const lookup = past.lookup();
  for (const entry of recent) {
    if (entry.commit?.accepted) return undefined;
    const record = entry.kind === "drift" ? lookup(entry.offset)?.record : undefined;
    if (record?.kind === "drift" && record.process === CLEANUP) return entry;
  }
  return undefined;
}

/**
 * The record by which `ledgerproxy cleanup` removed the rules of `state`; undefined where it did not, where rules were committed since,
 * and where the records that would say so are damaged.
 */
export function rulesRemoved(
  past: Past,
  { folded, committed }: Pick<ClusterState, "folded" | "committed">,
): number | undefined {
  if (committed === undefined) return undefined;
  let found: JournalEntry | undefined;
  past.damageIn(() => {
    found = removedAt(past, journalBackward(past, folded, { details: false }));
  });
  return found?.offset;
}

function removedFindings(removed: JournalEntry | undefined): Finding[] {
  if (removed === undefined) return [];
  const text = `\`${CLEANUP}\` removed the rules at ${rfc3339(removed.time)} (@${removed.offset}): ` +
    "this proxy serves no packet until `run` starts again";
  return [{ severity: "failing", topic: "rules", text }];
}

/** Whether the kernel has the rules, and why not. */
function rulesFindings(
  { committed }: ClusterState,
  waiting: readonly JournalEntry[],
  recent: readonly JournalEntry[],
): Finding[] {
  if (committed === undefined) {
    return [{ severity: "note", topic: "rules", text: "nothing was committed: this ledger made no rules" }];
  }
  if (waiting.length === 0) return [];
  const rejected = recent.find(({ commit }) => commit !== undefined);
  const why = rejected?.commit?.accepted === false ? `; @${rejected.offset} ${rejected.text}` : "";
  const oldest = waiting.at(-1)!;
  const since = `since @${oldest.offset} (${rfc3339(oldest.time)})`;
  const text = `not committed: ${countText(waiting.length, "change")} ${since}${why}`;
  return [{ severity: why === "" ? "warning" : "failing", topic: "rules", text }];
}

function asideFindings({ aside }: ClusterState): Finding[] {
  return byName(aside).map(([service, reason]) => ({
    severity: "failing",
    topic: "set aside",
    text: `${service} is set aside and not served: ${reason}`,
  }));
}

/** Services of which no port, or not every port, has an endpoint. */
function endpointFindings(state: ClusterState): Finding[] {
  const none: string[] = [];
  const some: string[] = [];
  for (const name of [...state.services.keys()].sort()) {
    const condition = conditionOfService(state, name);
    if (condition === undefined || condition.lacking.length === 0 || state.aside.has(name)) continue;
    if (condition.serving === 0) none.push(name);
    else some.push(`${name} (${condition.lacking.join(", ")})`);
  }
  return [
    ...listed(none, (names) => `without endpoints: ${names}`, "warning"),
    ...listed(some, (names) => `with ports that lead to no endpoint: ${names}`, "warning"),
  ];
}

function listed(names: readonly string[], text: (names: string) => string, severity: Severity): Finding[] {
  if (names.length === 0) return [];
  const more = names.length - NAMED_MAX;
  const shown = `${names.slice(0, NAMED_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return [{
    severity,
    topic: "endpoints",
    text: `${countText(names.length, "Service")} ${text(shown)}`,
  }];
}

function nodeFindings(state: ClusterState): Finding[] {
  const { problem, text } = nodeStatus(state, state.committed !== undefined);
  return problem === "" ? [] : [{ severity: "warning", topic: "node", text }];
}

function contestedFindings({ contested, claims, titles }: ClusterState): Finding[] {
  return [...contested].sort().map((claim) => {
    const [holder, ...others] = claims.get(claim) ?? [];
    const { family, frontend } = readFrontendClaim(claim) ?? { family: "", frontend: claim };
    const text = `${family} ${frontend} is claimed by ${namesText(others)} too: ${holder}, ${
      titleText(titles.get(claim))
    }, has it`;
    return { severity: "warning", topic: "contested", text };
  });
}

/** The newest drift, gap and rejected commit. What was before the last commit is in order again. */
function recordFindings(
  past: Past,
  { committed }: ClusterState,
  recent: readonly JournalEntry[],
): Finding[] {
  const lookup = past.lookup();
  const isGap = ({ kind, offset }: JournalEntry) => {
    const record = kind === "gap" ? lookup(offset)?.record : undefined;
    // A checkpoint is a gap of no records: nothing is wrong.
    return record?.kind === "gap" && record.checkpoint === undefined;
  };
  const lastCommit = recent.find(({ commit }) => commit?.accepted)?.offset ?? committed ?? -1;
  const newest = (isWanted: (entry: JournalEntry) => boolean) => recent.find(isWanted);
  return [
    { topic: "drift", entry: newest(({ kind }) => kind === "drift") },
    { topic: "ledger", entry: newest(isGap) },
    { topic: "rules", entry: newest(({ commit }) => commit?.accepted === false) },
  ].flatMap(({ topic, entry }): Finding[] => {
    if (entry === undefined) return [];
    const over = entry.offset < lastCommit;
    const text = `${over ? "last was " : ""}@${entry.offset} (${rfc3339(entry.time)}): ${entry.text}`;
    return [{ severity: over ? "note" : "warning", topic, text }];
  });
}

function leftOutFindings({ leftOut, omitted }: ClusterState): Finding[] {
  const parts = byName(leftOut).map(([service, parts]): Finding => ({
    severity: "warning",
    topic: "left out",
    text: `${service}: ${parts.slice(0, NAMED_MAX).join("; ")}${
      parts.length > NAMED_MAX ? `; and ${parts.length - NAMED_MAX} more` : ""
    }`,
  }));
  const without = byName(omitted).map(([port, count]): Finding => ({
    severity: "warning",
    topic: "left out",
    text: `${port}: ${
      countText(count, "ready endpoint gets", "ready endpoints get")
    } no traffic: there are more than slots`,
  }));
  return [...parts, ...without];
}
