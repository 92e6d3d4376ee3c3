// `ledgerproxy verify LEDGER`: whether a ledger is what was written, and whether the kernel holds what it says. Nothing is
// changed but with --repair, which sets a damaged ledger aside and begins a new one with what can be used of it.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { disagreement, disagreementText, type Found } from "../../engine/disagreement.ts";
import { list } from "../../engine/run_loop.ts";
import { type ClusterState, emptyState } from "../../fold/cluster_state.ts";
import { foldRecord } from "../../fold/fold.ts";
import { compareSnapshot, restoredState, type SnapshotLine } from "../../fold/snapshot.ts";
import { snapshotMisfit } from "../../fold/snapshot_shape.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import { segmentFirst } from "../../ledger/format.ts";
import { isLedgerDamage, type LedgerDamage } from "../../ledger/damage.ts";
import { type LedgerEnd, readSegments, segmentNames } from "../../ledger/segment.ts";
import { readSnapshot, snapshotName, snapshotNext } from "../../ledger/snapshot.ts";
import type { Storage } from "../../ledger/storage.ts";
import type { Offset } from "../../ledger/record.ts";
import { LedgerWriter } from "../../ledger/writer.ts";
import { separated } from "../../nft/objects.ts";
import { diff } from "../../plan/delta.ts";
import { rulesetDigest } from "../../plan/digest.ts";
import { POSITION_PATH } from "../../plan/position.ts";
import { existingLedger } from "../ledger_history.ts";
import { log } from "../../node/log.ts";
import { progress } from "../../node/progress.ts";
import { setDamagedAside } from "../../node/renew_ledger.ts";
import { UsageError } from "../../node/usage_error.ts";

/** Flags of `verify`. */
export interface VerifyOptions {
  readonly kernel?: boolean;
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Differing elements that are shown; the rest is counted. */
const SHOWN_MAX = 10;

/** What was found. */
interface Verdict {
  readonly ledger: string;
  /** Offset of the first record that is kept, and of the last that can be trusted. */
  readonly first: number;
  readonly last: number;
  readonly segments: number;
  readonly snapshots: number;
  /** What is wrong; empty when nothing is. */
  readonly problems: readonly string[];
  /** What is as a crash leaves it, and mends itself. */
  readonly notes: readonly string[];
}

/** Prints what is wrong; returns 1 when something is. */
export function verify(path: string, options: VerifyOptions): number {
  const storage = existingLedger(path);
  const { verdict, state, damage } = examine(storage);
  const kernel = options.kernel && state !== undefined ? compareKernel(verdict, state) : [];
  const problems = [...verdict.problems, ...kernel];
  if (options.json) printJson("verify/1", { ...verdict, problems });
  else print(path, { ...verdict, problems });
  if (damage === undefined) {
    if (options.repair) log.info("there is nothing to repair");
    return problems.length === 0 ? 0 : 1;
  }
  if (options.repair) repair(storage, path, damage);
  else log.info("`verify --repair` sets it aside and goes on with what can be used; `run` does so by itself");
  return 1;
}

/** Reads everything, folds it, and holds every snapshot against what the records before it make. */
function examine(storage: Storage): { verdict: Verdict; state?: ClusterState; damage?: LedgerDamage } {
  const segments = segmentNames(storage);
  const first = segmentFirst(segments[0]!)!;
  const snapshots = storage.names().flatMap((name) => snapshotNext(name) ?? []);
  const problems: string[] = [];
  const notes: string[] = [];
  const begin = first === 0
    ? undefined
    : readSnapshot<SnapshotLine>(storage, snapshotName(first), snapshotMisfit);
  if (typeof begin === "string") {
    problems.push(`${snapshotName(first)}: ${begin}; what was before @${first} is unknown`);
  }
  const state = typeof begin === "object" ? restoredState(begin.lines) : emptyState();
  const check = (next: number, chain: string) => {
    if (snapshots.includes(next) && next !== first) {
      const found = checkSnapshot(storage, state, next, chain);
      problems.push(...found.problems);
      notes.push(...found.notes);
    }
  };
  const told = progress("records verified");
  const verdict = (ledger: string, last: number): Verdict => ({
    ledger,
    first,
    last,
    segments: segments.length,
    snapshots: snapshots.length,
    problems,
    notes,
  });
  const records = readSegments(storage, {
    behind: typeof begin === "object" ? begin : undefined,
    proven: true,
  });
  try {
    for (;;) {
      const { done, value } = records.next();
      if (done) {
        if (value?.torn) notes.push(tornText(value));
        return { verdict: verdict(value?.ledger ?? "", state.folded), state };
      }
      foldRecord(state, value.offset as Offset, value.record);
      check(value.offset + 1, value.chain);
      told(value.offset);
    }
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    problems.push(`${error.message}; whole up to @${state.folded}`);
    return { verdict: verdict("", state.folded), damage: error };
  }
}

function tornText({ torn }: LedgerEnd): string {
  const { file, keep, lostBytes, reason } = torn!;
  return `${file} (byte ${keep}): ${lostBytes} bytes of an unfinished write (${reason}); the next start cuts them off`;
}

/** Holds a snapshot against the records before it. */
function checkSnapshot(
  storage: Storage,
  state: ClusterState,
  next: number,
  chain: string,
): Pick<Verdict, "problems" | "notes"> {
  const name = snapshotName(next);
  const problem = (text: string) => ({ problems: [`${name}: ${text}`], notes: [] });
  const snapshot = readSnapshot<SnapshotLine>(storage, name, snapshotMisfit);
  if (typeof snapshot === "string") return problem(`${snapshot}; it will not be used`);
  if (snapshot.chain !== chain) return problem("its hash chain is not that of the records before it");
  switch (compareSnapshot(state, snapshot.lines)) {
    case "same":
      return { problems: [], notes: [] };
    case "different":
      return problem("it is not the state that the records before it make");
    case "another version":
      return { problems: [], notes: [`${name}: another version of the program made it; it is not compared`] };
  }
}

function compareKernel({ ledger }: Verdict, state: ClusterState): string[] {
  using kernel = new NetlinkKernel();
  const listed = list(kernel);
  if (listed.kind !== "listed") return ["kernel: our tables hold what this program never writes"];
  const { tables, elements } = separated(listed.ruleset);
  const found: Found = { tables, elements, digest: rulesetDigest(tables, elements) };
  const kind = disagreement({ ledger, end: state.folded, committed: state.committed }, found);
  const changes = diff(elements, state.desired).filter(({ set }) => set !== POSITION_PATH);
  const shown = changes.slice(0, SHOWN_MAX).map(({ set, key, before, after }) =>
    `kernel: ${set} { ${key} } ${
      after === undefined ? "is too much" : before === undefined ? "is missing" : "differs"
    }`
  );
  return [
    ...(kind === undefined ? [] : [`kernel: ${kind}: ${disagreementText(kind)}`]),
    ...shown,
    ...(changes.length > SHOWN_MAX ? [`kernel: and ${changes.length - SHOWN_MAX} more elements`] : []),
  ];
}

function repair(storage: Storage, path: string, damage: LedgerDamage): void {
  const lock = storage.lock();
  if ("heldBy" in lock) {
    throw new UsageError(`${path} is being written by ${lock.heldBy}, which repairs it by itself`);
  }
  lock[Symbol.dispose]();
  const { folder, records } = setDamagedAside(storage, damage, new Date().toISOString());
  using writer = new LedgerWriter(storage, { policy: "always" });
  writer.append(records);
  writer.sync();
  log.info(`set aside in ${path}/${folder}; a new ledger begins with ${records.length - 1} records of it`);
}

function print(path: string, { first, last, segments, snapshots, problems, notes }: Verdict): void {
  const what = `${path}: @${first} to @${last}, ${segments} segments, ${snapshots} snapshots`;
  printLines([
    `${what}: ${problems.length === 0 ? "whole" : "NOT whole"}`,
    ...problems.map((problem) => `  ${problem}`),
    ...notes.map((note) => `  note: ${note}`),
  ]);
}
