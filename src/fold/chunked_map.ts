// A map of texts that never changes, in chunks by a hash of the key. A map that differs in one key shares all chunks but one with
// it, so it costs that one to make, and their difference is found by comparing chunks by identity.

/** Chunks of a map: with the largest slot class each has 64 keys. */
const CHUNKS = 64;

/** The map. */
export class ChunkedMap<Key extends string, Value> implements ReadonlyMap<Key, Value> {
  private constructor(
    readonly size: number,
    private readonly chunks: readonly ReadonlyMap<Key, Value>[],
  ) {}

  /** A map of `entries`; of two with one key the later one counts. */
  static from<Key extends string, Value>(entries: Iterable<readonly [Key, Value]>): ChunkedMap<Key, Value> {
    const chunks = Array.from({ length: CHUNKS }, () => new Map<Key, Value>());
    for (const [key, value] of entries) chunks[chunkOf(key)]!.set(key, value);
    return new ChunkedMap(chunks.reduce((size, chunk) => size + chunk.size, 0), chunks);
  }

  /** This map without the keys `gone`, and then with `come`. */
  with(gone: Iterable<Key>, come: Iterable<readonly [Key, Value]>): ChunkedMap<Key, Value> {
    const chunks = [...this.chunks];
    const copied = new Map<number, Map<Key, Value>>();
    const chunkFor = (key: Key): Map<Key, Value> => {
      const at = chunkOf(key);
      let chunk = copied.get(at);
      if (chunk === undefined) copied.set(at, chunk = new Map(chunks[at]));
      chunks[at] = chunk;
      return chunk;
    };
    let size = this.size;
    for (const key of gone) if (chunkFor(key).delete(key)) size--;
    for (const [key, value] of come) {
      const chunk = chunkFor(key);
      if (!chunk.has(key)) size++;
      chunk.set(key, value);
    }
    return new ChunkedMap(size, chunks);
  }

  /** The chunks of this map and of `other` that are not the same. */
  *differing(other: ChunkedMap<Key, Value>): Generator<[ReadonlyMap<Key, Value>, ReadonlyMap<Key, Value>]> {
    for (let i = 0; i < CHUNKS; i++) {
      if (this.chunks[i] !== other.chunks[i]) yield [this.chunks[i]!, other.chunks[i]!];
    }
  }

  get(key: Key): Value | undefined {
    return this.chunks[chunkOf(key)]!.get(key);
  }

  has(key: Key): boolean {
    return this.chunks[chunkOf(key)]!.has(key);
  }

  *entries(): MapIterator<[Key, Value]> {
    for (const chunk of this.chunks) yield* chunk;
  }

  *keys(): MapIterator<Key> {
    for (const chunk of this.chunks) yield* chunk.keys();
  }

  *values(): MapIterator<Value> {
    for (const chunk of this.chunks) yield* chunk.values();
  }

  forEach(use: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this) use(value, key, this);
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }
}

function chunkOf(key: string): number {
  let sum = 0;
  for (let i = 0; i < key.length; i++) sum = (Math.imul(sum, 31) + key.charCodeAt(i)) | 0;
  return (sum ^ (sum >>> 8)) & (CHUNKS - 1);
}
