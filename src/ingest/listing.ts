// A list while it arrives, in pages or as a stream that also has changes. Each object is decoded and pruned at once, so that
// the raw objects are never in memory together. Pure.

import { countText } from "../count_text.ts";
import { LIST_OBJECTS_MAX, LIST_PROBLEMS_MAX } from "../limits/input.ts";
import { decodeObject } from "../kube/decode.ts";
import { describeKey, type KubeObject, type ObjectKey, objectKey } from "../kube/objects.ts";
import { itemKey } from "./answer.ts";
import { invalid } from "./api_failure.ts";
import type { ApiResource } from "./resources.ts";
import type { ListBatch } from "./source.ts";

/** A list is delivered in parts of this many objects. */
export const PART_OBJECTS = 500;

/** Collects the objects of one list. With `inParts` it keeps those that no part has delivered. */
export class Listing {
  readonly #resource: ApiResource;
  readonly #objects = new Map<string, KubeObject>();
  /** Objects that exist and could not be decoded. */
  readonly #unread = new Map<string, ObjectKey>();
  /** Objects that were deleted while the list arrived. */
  readonly #gone = new Map<string, ObjectKey>();
  readonly #problems: string[] = [];
  /** Problems beyond {@link LIST_PROBLEMS_MAX}. */
  #moreProblems = 0;
  /** Objects without a name, and what is wrong with the first. */
  #unnamed = 0;
  #firstUnnamed = "";
  /** What no part has delivered yet, by name; undefined where the list does not come in parts. */
  #undelivered: Map<string, KubeObject> | undefined;
  #complete = true;
  /** How many times an object was added, and how many times one was deleted: also a list that repeats one object must end. */
  #added = 0;
  #deleted = 0;

  constructor(resource: ApiResource, inParts = false) {
    this.#resource = resource;
    if (inParts) this.#undelivered = new Map();
  }

  /** How many different objects were added so far. */
  get size(): number {
    return this.#objects.size + this.#unread.size;
  }

  /** The problem of objects that have no name; "" where all have one. */
  get unnamed(): string {
    return this.#unnamed < 2 ? this.#firstUnnamed : `${this.#firstUnnamed}, and ${this.#unnamed - 1} more`;
  }

  /** Adds an object, or replaces it by a newer version. `item` may have no kind, as items of a typed list. */
  add(item: Record<string, unknown>): void {
    if (++this.#added > LIST_OBJECTS_MAX) {
      throw invalid(`a list of more than ${LIST_OBJECTS_MAX} objects`);
    }
    const { kind, apiVersion } = this.#resource;
    const isWhole = item["kind"] === kind && item["apiVersion"] === apiVersion;
    const decoded = decodeObject(isWhole ? item : { ...item, kind, apiVersion });
    if (!decoded.ok) return this.#leaveUnread(item, decoded.problem);
    const name = describeKey(objectKey(decoded.object));
    if (this.#unread.size > 0) this.#unread.delete(name);
    if (this.#gone.size > 0) this.#gone.delete(name);
    this.#objects.set(name, decoded.object);
    this.#undelivered?.set(name, decoded.object);
    for (const warning of decoded.warnings) this.#note(warning);
  }

  /** Removes an object that was deleted. */
  delete(key: ObjectKey): void {
    if (++this.#deleted > LIST_OBJECTS_MAX) {
      throw invalid(`a list with more than ${LIST_OBJECTS_MAX} deletions`);
    }
    const name = describeKey(key);
    this.#forget(name);
    this.#gone.set(name, key);
    this.#undelivered?.delete(name);
  }

  /** Marks the list as incomplete, so that it deletes nothing. `problem` is "" where it was reported already. */
  leaveOut(problem: string): void {
    if (problem !== "") this.#note(`${this.#resource.kind}: ${problem}; going on without`);
    this.#complete = false;
  }

  /** How many objects no part has delivered yet. */
  get undelivered(): number {
    return this.#undelivered?.size ?? 0;
  }

  /** The whole list. `confirms` says whether it was asked for to confirm another list. */
  batch(time: string, resourceVersion: string, confirms: boolean): ListBatch {
    return {
      kind: "list",
      kinds: [this.#resource.kind],
      objects: [...this.#objects.values()],
      complete: this.#complete,
      ...(this.#unread.size > 0 ? { unread: [...this.#unread.values()] } : {}),
      ...(this.#gone.size > 0 ? { gone: [...this.#gone.values()] } : {}),
      ...(resourceVersion === "" ? {} : { resourceVersion }),
      confirms,
      time,
      problems: this.#moreProblems === 0 ? this.#problems : [
        ...this.#problems,
        `${this.#resource.kind}: ${countText(this.#moreProblems, "more problem")} of this list`,
      ],
    };
  }

  /** The objects that no part has delivered yet. Problems are delivered with the whole list. */
  part(time: string): ListBatch {
    const objects = [...this.#undelivered?.values() ?? []];
    this.#undelivered?.clear();
    return {
      kind: "list",
      kinds: [this.#resource.kind],
      objects,
      complete: false,
      part: true,
      fragment: true,
      time,
      problems: [],
    };
  }

  #note(problem: string): void {
    if (this.#problems.length < LIST_PROBLEMS_MAX) this.#problems.push(problem);
    else this.#moreProblems++;
  }

  #leaveUnread(item: Record<string, unknown>, problem: string): void {
    const key = itemKey(item, this.#resource);
    if (key === undefined) {
      // It could be any object, so the list may delete none.
      this.#complete = false;
      if (this.#unnamed++ === 0) this.#firstUnnamed = problem;
      return;
    }
    this.#note(`${problem}; it stays as it was`);
    const name = describeKey(key);
    this.#forget(name);
    this.#unread.set(name, key);
  }

  #forget(name: string): void {
    this.#objects.delete(name);
    this.#unread.delete(name);
    this.#gone.delete(name);
  }
}
