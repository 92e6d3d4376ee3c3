// The frames of a zstd file (RFC 8878, 3.1). Why not simply decompress the file? The runtime (Deno 2.9.6) reads only the first
// frame, and reports neither a cut frame nor the bytes after it, and a ledger must not lose records silently.

const MAGIC = 0xfd2fb528;
/** Skippable frames have sixteen magic numbers (3.1.2). */
const SKIPPABLE = 0x184d2a50;
/** Bytes of Frame_Content_Size and of Dictionary_ID by their flags (3.1.1.1.1). */
const CONTENT_SIZE_BYTES: readonly number[] = [0, 2, 4, 8];
const DICTIONARY_BYTES: readonly number[] = [0, 1, 2, 4];
/** Type of a block (3.1.1.2.2) of which one byte is stored, whatever its size. */
const RLE = 1;
/** Parallel compressors make a frame for each part. Each frame costs some microseconds, even a small one. */
const FRAMES_MAX = 10_000;

/** The content of a file. */
export interface Frames {
  /** Without the skippable ones. Where the file is cut, so is the last frame. */
  readonly frames: readonly Uint8Array[];
  /** Why the file is not a series of whole frames; undefined where it is. */
  readonly problem: string | undefined;
}

/** The frames of `bytes`. */
export function zstdFrames(bytes: Uint8Array): Frames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = frameEnd(view, at);
    if (end === "not a frame") {
      return { frames, problem: at === 0 ? "it is not zstd" : "there are bytes behind its last frame" };
    }
    if (!isSkipped(view, at)) frames.push(bytes.subarray(at, end === "cut" ? bytes.length : end));
    if (end === "cut" || end > bytes.length) return { frames, problem: "it is cut" };
    if (frames.length > FRAMES_MAX) return { frames: [], problem: `it has more than ${FRAMES_MAX} frames` };
    at = end;
  }
  return { frames, problem: frames.length > 0 ? undefined : "it is empty" };
}

function isSkipped(view: DataView, at: number): boolean {
  return view.byteLength - at >= 4 && (view.getUint32(at, true) & ~0xf) === SKIPPABLE;
}

/** Where the frame at `start` ends, perhaps beyond the bytes. */
function frameEnd(view: DataView, start: number): number | "cut" | "not a frame" {
  const left = view.byteLength - start;
  if (left < 4) return "cut";
  const skipped = isSkipped(view, start);
  if (!skipped && view.getUint32(start, true) !== MAGIC) return "not a frame";
  if (left < 8) return "cut";
  return skipped ? start + 8 + view.getUint32(start + 4, true) : blocksEnd(view, start);
}

/** Length of the beginning of `frame` that has its first `blocks` blocks; the whole length where there are no more. */
export function blocksLength(frame: Uint8Array, blocks: number): number {
  // A frame that is cut in its first bytes has no blocks.
  if (frame.length < 8) return frame.length;
  const end = blocksEnd(new DataView(frame.buffer, frame.byteOffset, frame.byteLength), 0, blocks);
  return end === "cut" ? frame.length : end;
}

/** Where the blocks of a frame end, or the first `most` of them. */
function blocksEnd(view: DataView, start: number, most = Infinity): number | "cut" {
  const descriptor = view.getUint8(start + 4);
  const single = (descriptor & 0x20) !== 0;
  const contentSize = single && descriptor >> 6 === 0 ? 1 : CONTENT_SIZE_BYTES[descriptor >> 6]!;
  let at = start + 5 + (single ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]! + contentSize;
  for (let [last, count] = [false, 0]; !last; count++) {
    if (count >= most) return at;
    if (at + 3 > view.byteLength) return "cut";
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (header & 1) === 1;
    at += 3 + (((header >> 1) & 3) === RLE ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) === 0 ? 0 : 4);
}
