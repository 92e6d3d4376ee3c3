// A zstd frame that says little and stands for much (RFC 8878, 3.1.1).

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** No content size, no checksum, no dictionary; a window of 1 MiB. */
const HEADER = [0x00, 0x50];
const BLOCK_BYTES = 128 * 1024;
const RLE = 1;

/** A frame of a few bytes for each 128 KiB of `byte`, `length` bytes in all. */
export function zstdBomb(length: number, byte = 0): Uint8Array {
  const blocks = Math.ceil(length / BLOCK_BYTES);
  const bytes = new Uint8Array(MAGIC.length + HEADER.length + 4 * blocks);
  bytes.set([...MAGIC, ...HEADER]);
  for (let block = 0; block < blocks; block++) {
    const header = (BLOCK_BYTES << 3) | (RLE << 1) | (block === blocks - 1 ? 1 : 0);
    bytes.set([header & 0xff, (header >> 8) & 0xff, header >> 16, byte], 6 + 4 * block);
  }
  return bytes;
}
