// A list as it comes in, in pages or as a stream that also tells of changes: objects are pruned one by one, so that the raw
// ones need not be kept. Pure.

import { LIST_OBJECTS_MAX } from "../limits.ts";
import { decodeObject } from "../kube/decode.ts";
import { describeKey, type KubeObject, type ObjectKey, objectKey } from "../kube/objects.ts";
import { itemKey } from "./answer.ts";
import { invalid } from "./api_failure.ts";
import type { Resource } from "./resources.ts";
import type { ListBatch } from "./source.ts";

/** Objects of a part of a list. */
export const PART_OBJECTS = 500;

export class Listing {
  readonly #resource: Resource;
  readonly #objects = new Map<string, KubeObject>();
  /** Objects that exist and could not be read. */
  readonly #unread = new Map<string, ObjectKey>();
  /** Objects that were deleted while the list came in. */
  readonly #gone = new Map<string, ObjectKey>();
  readonly #problems: string[] = [];
  #undelivered: KubeObject[] = [];
  #complete = true;

  constructor(resource: Resource) {
    this.#resource = resource;
  }

  /** Objects so far. */
  get size(): number {
    return this.#objects.size + this.#unread.size;
  }

  /** Takes an object, or a newer value of one; `item` may leave out the kind, as items of a list do. */
  add(item: Record<string, unknown>): void {
    if (this.size >= LIST_OBJECTS_MAX) throw invalid(`a list of more than ${LIST_OBJECTS_MAX} objects`);
    const { kind, apiVersion } = this.#resource;
    const isWhole = item["kind"] === kind && item["apiVersion"] === apiVersion;
    const decoded = decodeObject(isWhole ? item : { ...item, kind, apiVersion });
    if (!decoded.ok) return this.#leaveUnread(item, `${decoded.problem}; it stays as it was`);
    const name = describeKey(objectKey(decoded.object));
    if (this.#unread.size > 0) this.#unread.delete(name);
    if (this.#gone.size > 0) this.#gone.delete(name);
    this.#objects.set(name, decoded.object);
    this.#undelivered.push(decoded.object);
    if (decoded.warnings.length > 0) this.#problems.push(...decoded.warnings);
  }

  /** Takes the deletion of an object. */
  delete(key: ObjectKey): void {
    const name = describeKey(key);
    this.#forget(name);
    this.#gone.set(name, key);
    this.#undelivered = this.#undelivered.filter((object) => describeKey(objectKey(object)) !== name);
  }

  /** Notes that something cannot be seen: what is known of it stays. `problem` is "" where that is no news. */
  leaveOut(problem: string): void {
    if (problem !== "") this.#problems.push(`${this.#resource.kind}: ${problem}; going on without`);
    this.#complete = false;
  }

  /** Objects that no part holds yet. */
  get undelivered(): number {
    return this.#undelivered.length;
  }

  /** The whole list, of version `resourceVersion`. */
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
      problems: this.#problems,
    };
  }

  /** The objects that no part holds yet; what is wrong with others comes with the whole. */
  part(time: string): ListBatch {
    const objects = this.#undelivered;
    this.#undelivered = [];
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

  #leaveUnread(item: Record<string, unknown>, problem: string): void {
    this.#problems.push(problem);
    const key = itemKey(item, this.#resource);
    // Which object this is nobody knows: none can be said to be gone.
    if (key === undefined) return void (this.#complete = false);
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
