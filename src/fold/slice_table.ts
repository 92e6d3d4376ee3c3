// EndpointSlices by namespace and name. Why no Map? Each would need a text of both, which nothing else has; see `place_index.ts`.

import { describeKey, type EndpointSlice, type ObjectKey, objectKey } from "../kube/objects.ts";
import { hashOfPair, PlaceIndex } from "./place_index.ts";

/** Names a slice. */
export type SliceKey = Pick<ObjectKey, "namespace" | "name">;

/** The slices. */
export class SliceTable {
  #slices: (EndpointSlice | undefined)[] = [];
  readonly #places = new PlaceIndex((place) => describeKey(objectKey(this.#slices[place]!)));

  get size(): number {
    return this.#places.size;
  }

  get(key: SliceKey): EndpointSlice | undefined {
    const place = this.#find(key, hashOfPair(key.namespace, key.name));
    return place < 0 ? undefined : this.#slices[place];
  }

  /** Puts `slice` in place of what has `key`, and returns that; undefined removes it. */
  put(key: SliceKey, slice: EndpointSlice | undefined): EndpointSlice | undefined {
    const hash = hashOfPair(key.namespace, key.name);
    const place = this.#find(key, hash);
    const before = place < 0 ? undefined : this.#slices[place];
    if (slice === undefined) {
      if (place >= 0) this.#delete(place);
    } else if (place >= 0) this.#slices[place] = slice;
    else this.#enter(slice, hash);
    return before;
  }

  *values(): Generator<EndpointSlice> {
    for (const slice of this.#slices) if (slice !== undefined) yield slice;
  }

  #find(key: SliceKey, hash: number): number {
    const places = this.#places;
    for (let at = places.first(hash); at >= 0; at = places.next(at, hash)) {
      const { metadata } = this.#slices[at]!;
      if (metadata.name === key.name && (metadata.namespace ?? "") === key.namespace) return at;
    }
    return places.someBeyond ? places.beyond(describeKey({ ...key, kind: "EndpointSlice" })) : -1;
  }

  #enter(slice: EndpointSlice, hash: number): void {
    const place = this.#places.take();
    this.#slices[place] = slice;
    this.#places.enter(place, hash);
  }

  #delete(place: number): void {
    this.#places.free(place);
    this.#slices[place] = undefined;
    if (!this.#places.isSparse) return;
    const slices = this.#slices;
    this.#slices = [];
    this.#places.clear();
    for (const slice of slices) {
      if (slice !== undefined) {
        this.#enter(slice, hashOfPair(slice.metadata.namespace ?? "", slice.metadata.name));
      }
    }
  }
}
