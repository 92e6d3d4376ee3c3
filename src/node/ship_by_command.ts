// Archives a ledger by a command for each file, such as one that writes to an object store. Segments go in their order. One counts as
// archived when the command ended with exit code 0 and the state is on the disk: what was interrupted in between is shipped again, to the
// same path and with the same bytes.

import { archivedSegment, removedSince, type Shipped } from "../ledger/archive.ts";
import { askAgainLater } from "../ledger/gone.ts";
import { COMPRESSED, segmentFirst, segmentName, segmentNames } from "../ledger/format.ts";
import { ledgerId } from "../ledger/reader.ts";
import type { Storage } from "../ledger/storage.ts";
import { COUNT, fields, misfitText, TEXT } from "../kube/shape.ts";
import { messageOf } from "../thrown.ts";
import { UsageError } from "./usage_error.ts";

/** Where to ship to. */
export interface ShipTarget {
  /** Path of the ledger in the archive. */
  readonly path: string;
  /** Run by `sh -c`. */
  readonly command: string;
  /** The file that says what was shipped. */
  readonly state: string;
}

/** How far a ledger was shipped. */
interface ShippedState {
  readonly ledger: string;
  /** Offset of the first record that was not shipped. */
  readonly next: number;
}

const STATE = fields({ ledger: TEXT, next: COUNT });

/**
 * Ships the closed segments of the ledger in `storage` that were not shipped yet. The ledger may be written, compressed and cut by
 * retention meanwhile. Throws UsageError, LedgerDamage.
 */
export async function shipByCommand(storage: Storage, target: ShipTarget): Promise<Shipped> {
  const added: string[] = [];
  return await askAgainLater(async () => ({ added, ...await shipOnce(storage, target, added) }));
}

/** As {@link shipByCommand}; adds to `added`. Throws SegmentGone. */
async function shipOnce(
  storage: Storage,
  { path, command, state }: ShipTarget,
  added: string[],
): Promise<Omit<Shipped, "added">> {
  const ledger = ledgerId(storage) ?? "";
  const before = readState(state);
  // Another ledger, such as one that replaces a damaged one, is shipped from its beginning.
  const next = before?.ledger === ledger ? before.next : 0;
  const names = segmentNames(storage);
  const removed = removedSince(names, next);
  const problems = removed === undefined ? [] : [removed];
  let kept = 0;
  for (const [i, name] of names.slice(0, -1).entries()) {
    const first = segmentFirst(name)!;
    const known = `${segmentName(first)}${COMPRESSED}`;
    if (first < next) {
      if (!added.includes(known)) kept++;
      continue;
    }
    const segment = archivedSegment(storage, name, names[i + 1]!, i === 0 && next === 0);
    for (const [file, bytes] of segment.files) {
      const failure = await run(command, bytes, {
        LEDGERPROXY_PATH: `${path}/${segment.day}/${file}`,
        LEDGERPROXY_CHECKPOINT: segment.checkpoint,
      });
      if (failure === undefined) continue;
      problems.push(`${file}: the command ${failure}; the next run begins with this segment`);
      return { kept, problems };
    }
    writeState(state, { ledger, next: segmentFirst(names[i + 1]!)! });
    added.push(known);
  }
  return { kept, problems };
}

/** Runs `command` with `bytes` as its input; returns how it failed, in words. */
async function run(
  command: string,
  bytes: Uint8Array,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  await using process = new Deno.Command("sh", {
    args: ["-c", command],
    env,
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const unread = await written(process.stdin, bytes);
  const { code, signal } = await process.status;
  if (signal !== null) return `was ended by ${signal}`;
  if (code !== 0) return `ended with exit code ${code}`;
  return unread === undefined ? undefined : `did not read its input: ${unread}`;
}

/** Writes all of `bytes`; returns why that failed. A command that ends early closes its input. */
async function written(input: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<string | undefined> {
  const writer = input.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** What was shipped; undefined where nothing was. Throws UsageError. */
function readState(path: string): ShippedState | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const wrong = (reason: string) =>
    new UsageError(`${path}: ${reason}; remove it to archive all segments again`);
  try {
    const state: ShippedState = JSON.parse(text);
    const misfit = STATE(state);
    if (misfit === undefined) return state;
    throw wrong(misfitText(misfit));
  } catch (error) {
    throw error instanceof UsageError ? error : wrong(messageOf(error));
  }
}

/**
 * Replaces the state by a whole new one. A power cut may bring the old one back, because the folder is not synced: then the
 * last segment is shipped again.
 */
function writeState(path: string, state: ShippedState): void {
  const fresh = `${path}.new`;
  {
    using file = Deno.openSync(fresh, { write: true, create: true, truncate: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(`${JSON.stringify(state)}\n`);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncDataSync();
  }
  Deno.renameSync(fresh, path);
}
