// Places by the hashes of keys: chains have a bound, and what is free is taken again.

import assert from "node:assert/strict";
import { hashOfKey, hashOfPair, PlaceIndex } from "../../src/fold/place_index.ts";

const HASH = 7;

/** The places that are looked through for a key with this hash. */
function chain(index: PlaceIndex, hash: number): number[] {
  const places: number[] = [];
  for (let at = index.first(hash); at >= 0; at = index.next(at, hash)) places.push(at);
  return places;
}

function filled(hashes: readonly number[]): PlaceIndex {
  const index = new PlaceIndex((place) => `key ${place}`);
  for (const hash of hashes) index.enter(index.take(), hash);
  return index;
}

Deno.test("of keys that all have one hash, at most 32 are looked through; the others are found by their texts", () => {
  const index = filled(new Array<number>(100).fill(HASH));
  const looked = chain(index, HASH);
  assert.equal(looked.length, 32);
  const beyond = Array.from({ length: 100 }, (_, place) => index.beyond(`key ${place}`));
  assert.deepEqual(beyond, beyond.map((_, place) => looked.includes(place) ? -1 : place));
  for (let place = 0; place < 100; place++) index.free(place);
  assert.deepEqual([index.size, chain(index, HASH), index.someBeyond], [0, [], false]);
});

Deno.test("a place that is freed is taken again, and places with other hashes are not looked through", () => {
  const index = filled([HASH, HASH + 8, HASH, 3]);
  assert.deepEqual([chain(index, HASH), chain(index, HASH + 8), chain(index, 9)], [[2, 0], [1], []]);
  index.free(0);
  assert.equal(index.take(), 0);
  index.enter(0, 3);
  assert.deepEqual([chain(index, HASH), chain(index, 3).sort(), index.take(), index.size], [
    [2],
    [0, 3],
    4,
    4,
  ]);
});

Deno.test("places are sparse where fewer than a quarter are taken", () => {
  const index = filled(Array.from({ length: 16 }, (_, i) => i));
  for (let place = 0; place < 12; place++) index.free(place);
  assert.equal(index.isSparse, false);
  index.free(12);
  assert.equal(index.isSparse, true);
  index.clear();
  assert.deepEqual([index.size, index.isSparse, index.take()], [0, false, 0]);
});

Deno.test("a hash is FNV-1a of all code units, with its upper bits in its lower ones", () => {
  // FNV-1a of "a" and "foobar" (draft-eastlake-fnv).
  for (const [text, fnv] of [["a", 0xe40c292c], ["foobar", 0xbf9cf968]] as const) {
    assert.equal(hashOfKey(text) >>> 0, (fnv ^ ((fnv | 0) >>> 15)) >>> 0);
  }
  assert.equal(hashOfPair("shop", "web"), hashOfKey("shop/web"));
});
