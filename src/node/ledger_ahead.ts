// What a start has read of its ledger before it makes the state from it: the newest snapshot, as text, and the records behind it. It is
// there only where nothing is wrong with the ledger: else the start reads the ledger as a whole, and reports what is wrong.

import { assert } from "../invariant.ts";
import { type OffsetRecord, type OrderedLines, stateLine } from "../fold/partial_state.ts";
import type { SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import type { KnownVersions } from "../ingest/source.ts";
import { noteVersion, type ObjectKind } from "../kube/objects.ts";
import { cutBehind, cutTail, straySnapshots } from "../ledger/cut.ts";
import { isLedgerDamage } from "../ledger/damage.ts";
import { segmentFirst, segmentNames } from "../ledger/format.ts";
import { type LedgerRecord, offsetOf } from "../ledger/record.ts";
import type { RemoteLedger } from "../ledger/remote_ledger.ts";
import { type OpenedSnapshot, openSnapshot, readOpened, snapshotNext } from "../ledger/snapshot.ts";
import type { Storage } from "../ledger/storage.ts";
import { recover, type Recovered, type RecoveryOptions } from "../ledger/writer.ts";
import { SNAPSHOT_TAIL_BYTES } from "../limits/ledger.ts";
import type { FoldBeginning } from "./start.ts";

/** So many bytes behind the snapshot are read; a snapshot is made for half as many. */
const BEHIND_BYTES_MAX = 2 * SNAPSHOT_TAIL_BYTES;

/** The ledger, as far as it was read. */
export class LedgerAhead {
  readonly #snapshot: OpenedSnapshot<SnapshotLine>;
  readonly #records: readonly OffsetRecord[];
  /** The newest version of each kind that the ledger has. */
  readonly versions: KnownVersions;
  /** Records that were appended since it was read. */
  readonly appended: OffsetRecord[] = [];
  /** Set once the ledger is continued. */
  ledger: RemoteLedger | undefined;

  /** `records`: those behind the snapshot. `isWhole`: whether its hash is right. */
  constructor(
    snapshot: OpenedSnapshot<SnapshotLine>,
    readonly recovered: Recovered,
    records: readonly OffsetRecord[],
    versions: ReadonlyMap<ObjectKind, number>,
    readonly isWhole: Promise<boolean>,
  ) {
    this.#snapshot = snapshot;
    this.#records = records;
    this.versions = new Map([...versions].map(([kind, version]) => [kind, String(version)]));
  }

  /** The lines of the snapshot. */
  get lines(): OrderedLines {
    return this.#snapshot.text;
  }

  /** The records behind the snapshot, with those that were appended since. */
  get records(): readonly OffsetRecord[] {
    return [...this.#records, ...this.appended];
  }

  /** Offset of the next record. */
  get next(): number {
    return this.ledger?.next ?? this.recovered.encoder.end.next;
  }

  /** Parses the next lines of the snapshot. False once it is parsed, or where it is wrong. */
  parsePiece(): boolean {
    const { text } = this.#snapshot;
    if (!text.isParsed) text.parsePiece();
    return !text.isParsed && text.misfit === undefined;
  }

  /** Appends `records` to the ledger, which is continued. */
  append(records: readonly LedgerRecord[]): void {
    assert(this.ledger !== undefined, "the ledger is not continued yet");
    const first = this.ledger.append(records);
    records.forEach((record, i) => this.appended.push({ offset: offsetOf(first + i), record }));
  }

  /** What the fold begins with; undefined where the snapshot is of no use. */
  async beginning(): Promise<FoldBeginning | undefined> {
    if (!await this.isWhole) return undefined;
    const snapshot = readOpened(this.#snapshot);
    return typeof snapshot === "string" ? undefined : { lost: undefined, strays: [], snapshot };
  }

  /** As `recover`, without reading again. */
  replay({ onRecord }: RecoveryOptions): Recovered {
    for (const { offset, record } of this.#records) onRecord?.(offset, record);
    return this.recovered;
  }
}

/** Reads the ledger in `storage`; undefined where it has no snapshot, or where anything is wrong. */
export function openAhead(storage: Storage): LedgerAhead | undefined {
  const name = storage.names().findLast((name) => snapshotNext(name) !== undefined);
  if (name === undefined || behindBytes(storage, snapshotNext(name)!) > BEHIND_BYTES_MAX) return undefined;
  try {
    if (cutTail(storage, "snapshots") !== undefined || straySnapshots(storage).length > 0) return undefined;
    let proof: readonly [Uint8Array, string] | undefined;
    const snapshot = openSnapshot<SnapshotLine>(storage, name, snapshotMisfit, (bytes, sha256) => {
      proof = [bytes, sha256];
      return true;
    });
    const head = typeof snapshot === "string" ? undefined : stateLine(snapshot.text);
    if (typeof snapshot === "string" || head?.versions === undefined) return undefined;
    const records: OffsetRecord[] = [];
    const versions = new Map(head.versions);
    // Then the API server may have been restored from a backup: the newest version is not the last one.
    let goesBack = false;
    const recovered = recover(storage, {
      behind: snapshot,
      onRecord(offset, record) {
        records.push({ offset, record });
        if (record.kind !== "event") return;
        const { key: { kind }, resourceVersion } = record;
        const version = Number(resourceVersion);
        goesBack ||= version > 0 && version < (versions.get(kind) ?? 0);
        noteVersion(versions, kind, resourceVersion);
      },
    });
    const { end, encoder } = recovered;
    if (goesBack || end?.torn !== undefined || cutBehind(storage, encoder.end.next) !== undefined) {
      return undefined;
    }
    const isWhole = hasHash(...proof!);
    isWhole.catch(() => {});
    return new LedgerAhead(snapshot, recovered, records, versions, isWhole);
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    return undefined;
  }
}

/** How many bytes the segments behind record `next` have. */
function behindBytes(storage: Storage, next: number): number {
  const names = segmentNames(storage).filter((name) => segmentFirst(name)! >= next);
  return names.reduce((bytes, name) => bytes + storage.size(name), 0);
}

/** Whether `bytes` have the SHA-256 `sha256`; another thread finds out. */
export async function hasHash(bytes: Uint8Array, sha256: string): Promise<boolean> {
  const { buffer, byteOffset, length } = bytes;
  // Memory that threads share must be copied first.
  const own = buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, length)
    : new Uint8Array(bytes);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", own)).toHex() === sha256;
}
