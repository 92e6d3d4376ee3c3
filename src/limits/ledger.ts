// Bounds of a ledger: lines, segments and snapshots, signatures and their publication, and what a slow disk may hold up.

import { assert } from "../invariant.ts";
import { ANSWERS_BYTES_MAX, OBJECT_BYTES_MAX, UTF8_BYTES_MAX } from "./input.ts";

/** Longest line of a ledger in bytes: an EndpointSlice of 1,000 endpoints takes about 200 KiB. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;

/** How far the clocks of a node and of the API server may be apart where an audit log is joined to a ledger. */
export const CLOCKS_APART_MILLISECONDS_MAX = 5000;

/** Most brackets and commas of JSON in a file of a ledger, or of heads of ledgers, which this program or an audit wrote. */
export const JSON_LIST_PARTS_MAX = 16_000_000;

/** A segment that has reached this size in bytes is closed and the next one begun. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;

/** Longest line of a ledger in bytes of UTF-8; {@link RECORD_BYTES_MAX} counts code units of the text. */
export const LINE_BYTES_MAX = RECORD_BYTES_MAX * UTF8_BYTES_MAX;

/** Largest compressed file of a ledger in bytes: what this program compresses becomes a tenth of its size. */
export const COMPRESSED_BYTES_MAX = 128 * 1024 * 1024;

/** Most bytes before the end of the first line of a segment or a snapshot: a few hundred are in it. */
export const HEAD_LINE_BYTES_MAX = 1024 * 1024;

/** Most bytes of a decompressed block of zstd (RFC 8878, 3.1.1.2.4). */
export const BLOCK_BYTES_MAX = 128 * 1024;

/**
 * Most bytes of a decompressed segment. One append may exceed {@link SEGMENT_BYTES}, by at most one V8 string (2^29 - 24
 * code units). A larger file is not a segment; reading stops there.
 */
export const SEGMENT_BYTES_MAX = 640 * 1024 * 1024;

/** Most bytes of a decompressed snapshot: about the longest string of V8. */
export const SNAPSHOT_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Most bytes of the decompressed terms of a segment; where there are more, none are used and a search reads the
 * segment.
 */
export const TERMS_BYTES_MAX = 64 * 1024 * 1024;

/** Most bytes of the decompressed journal of a segment; a larger one is not used. */
export const JOURNAL_BYTES_MAX = 128 * 1024 * 1024;

/** Bytes of a segment that one read(2) requests. */
export const SEGMENT_PIECE_BYTES = 1024 * 1024;

/** Most snapshots that one checkpoint signs: between two checkpoints there is one, or a few in a burst. */
export const SIGNED_SNAPSHOTS_MAX = 8;

/** Records after which a running node signs its ledger again: at most so many follow the last checkpoint. */
export const CHECKPOINT_RECORDS = 1000;

/** Milliseconds after which it signs records that are not signed yet. A key costs three syncs of the disk. */
export const CHECKPOINT_MILLISECONDS = 60_000;

/** Milliseconds that the end of the program waits for its last checkpoint. The disk may hang. */
export const CHECKPOINT_END_MILLISECONDS_MAX = 3000;

/** How often a node publishes another head in its metrics, in milliseconds: each makes a series in every Prometheus. */
export const HEAD_MILLISECONDS = 15 * 60_000;

/**
 * Least time between heads in a Lease. An object has at most 256 KiB of annotations, which are 2,400 heads of this length: enough for
 * 19 months. Then the API server refuses more, until an administrator has archived and deleted the Lease.
 */
export const LEASE_MILLISECONDS = 6 * 3600_000;

/** Most Leases with heads that an audit reads. */
export const LEASES_MAX = 5000;

/** Most bytes of what a witness saw: heads of thousands of nodes for months. */
export const WITNESS_BYTES_MAX = 256 * 1024 * 1024;

/** Longest wait for a witness, in milliseconds. */
export const WITNESS_MILLISECONDS_MAX = 60_000;

/** Most milliseconds that one record adds to the age of a ledger, so that a step of the clock does not age it. */
export const AGE_STEP_MILLISECONDS = 24 * 3600 * 1000;

/** A longer step between two records may be a step of the clock: what it added is not added again after a step back. */
export const AGE_PAUSE_MILLISECONDS = 3600 * 1000;

/** Share of a ledger's age that steps of more than a day can make up, beside the first day. */
export const AGE_LEAPT_SHARE = 0.1;

/** Largest share of a ledger's bytes that retention removes at once; one segment, where that is more. */
export const RETENTION_SHARE_MAX = 0.25;

/**
 * Most bytes of records that wait in memory while the disk fails, beside those of the largest batch: hours of a busy cluster. A first
 * list of 50,000 Services and slices has 84 to 228 MB, but an API server's comes in parts, of which at most 1.2 MB waited at a time.
 */
export const UNWRITTEN_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Longest wait of a commit until the records that it follows are written, in milliseconds. It is for the end of the process
 * alone: rules then follow no record that is lost. Once the disk was late, commits do not wait until it has caught up.
 */
export const WRITTEN_WAIT_MILLISECONDS = 10;

/** As {@link WRITTEN_WAIT_MILLISECONDS}, with `--fsync always`, until the records are durable. */
export const DURABLE_WAIT_MILLISECONDS = 40;

/** After so many milliseconds without an answer of the disk, it counts as failing: fsync(2) may take a second or two. */
export const HANDOFF_LATE_MILLISECONDS = 3000;

/** Longest wait of a start for its ledger, in milliseconds; after it rules are made without a ledger. */
export const LEDGER_OPEN_MILLISECONDS_MAX = 5000;

/** A longer time between two turns of the loop is no time of the disk. The loop turns once a second at least. */
export const TURN_MILLISECONDS_MAX = 2000;

/** Pause before the next attempt to open a ledger that was refused, in milliseconds. */
export const LEDGER_RETRY_MILLISECONDS = 5000;

/** Longest wait for the ledger at the end of the program, in milliseconds. */
export const LEDGER_CLOSE_MILLISECONDS_MAX = 5000;

/** A new snapshot is made once this many bytes follow the newest one: a start reads about as much. */
export const SNAPSHOT_TAIL_BYTES = 4 * 1024 * 1024;

/** As {@link SNAPSHOT_TAIL_BYTES}, when the program is asked to stop. */
export const SNAPSHOT_STOP_BYTES = 256 * 1024;

/** A new snapshot is made once the newest is this old, in milliseconds: retention by age ends at snapshots. */
export const SNAPSHOT_MILLISECONDS = 24 * 3600 * 1000;

/**
 * Most element changes written into one commit record. A first load has more; a reader derives them from its events.
 */
export const COMMIT_CHANGES_MAX = 1024;

/**
 * Most changes that one commit record has of records before the last commit: the rules of a large Service come in many commits,
 * and must not fill the ledger.
 */
export const COMMIT_OLDER_CHANGES_MAX = 16;

assert(TURN_MILLISECONDS_MAX < HANDOFF_LATE_MILLISECONDS, "a disk is not late after one turn of the loop");
assert(SNAPSHOT_TAIL_BYTES < SEGMENT_BYTES, "segments end at snapshots, so that they can be removed");
assert(BLOCK_BYTES_MAX < HEAD_LINE_BYTES_MAX, "a block must be read whole");
assert(SEGMENT_BYTES < SEGMENT_BYTES_MAX, "what the writer makes must be read");
assert(RECORD_BYTES_MAX < SEGMENT_BYTES, "a segment must hold the longest record");
assert(SEGMENT_BYTES + LINE_BYTES_MAX <= COMPRESSED_BYTES_MAX, "a segment as long as its text must be read");
assert(2 * OBJECT_BYTES_MAX <= RECORD_BYTES_MAX, "a record must hold the largest object");
assert(2 * LINE_BYTES_MAX < ANSWERS_BYTES_MAX, "an answer must hold the longest line");
