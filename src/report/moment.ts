// What one record changed, with the values before and after it, each with its cause.

import type { OwnNode } from "../fold/endpoints.ts";
import type { Contests } from "../history/packet_words.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Address } from "../nft/data_type.ts";
import type { Element, ElementKey, SetPath, Table } from "../nft/ruleset.ts";

/** An element and its cause. */
export interface CausedElement extends Element {
  /** Offset of the record that made it what it is. */
  readonly cause: number;
}

/** An object and its cause. */
export interface CausedObject {
  readonly object: KubeObject;
  /** Offset of the event that it is from; undefined for one before the window. */
  readonly cause: number | undefined;
}

/** The state apart from elements and objects. Immutable: a record that changes any of it makes a new value. */
export interface ViewSurroundings extends Contests {
  readonly tables: readonly Table[];
  readonly node: OwnNode;
  /** All addresses that the own Node object names. */
  readonly addresses: readonly Address[];
  /** Services that are set aside, each with the reason. */
  readonly aside: ReadonlyMap<ServiceName, string>;
}

/** One element before a record and after it. */
export interface CausedChange {
  readonly path: SetPath;
  readonly key: ElementKey;
  readonly before: CausedElement | undefined;
  readonly after: CausedElement | undefined;
}

/** The changes of one record. */
export interface Moment {
  readonly elements: readonly CausedChange[];
  readonly object?: { readonly key: string; readonly before?: CausedObject; readonly after?: CausedObject };
  readonly surroundings?: { readonly before: ViewSurroundings; readonly after: ViewSurroundings };
}
