// What the state keeps of Services whose rules are made later than their events: large ones, and others while many change at
// once. `steps.ts` goes on with it.

import type { ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import type { ServiceResource } from "./resource.ts";
import type { ServiceProgram } from "./service_program.ts";
import type { WaitingLine } from "./waiting_line.ts";

/** The rules of a Service as they are to be, or why there are none. */
export type MadeRules = { readonly program: ServiceProgram } | {
  readonly aside: string;
  /** Its elements, where it is set aside because its namespace has too much. */
  readonly crowded?: number;
};

/** A large Service whose rules are being made. Its rules so far stay in force until they are complete. */
export interface Making {
  readonly name: ServiceName;
  /** The last change of its objects. */
  readonly cause: Offset;
  /** Yields after each port what it cost, in endpoints. */
  readonly rules: Generator<number, MadeRules>;
}

/** A resource whose elements are not yet as its holder wants them. */
export interface Unfinished {
  /** The resource as its elements are now; undefined where it has none. */
  readonly stands: ServiceResource | undefined;
  /** The record that changes them. */
  readonly cause: Offset;
}

/** What is left to do. */
export interface UnfinishedWork {
  /** Other Services that wait because the events since the last commit change much. */
  readonly postponed: WaitingLine;
  /** How much was changed since the last commit, in elements; 0 where that has no bound. */
  changed: number;
  /** Large Services whose objects have changed since their rules were last made. */
  readonly unsettled: WaitingLine;
  /** The large Service whose rules are being made; it is in `unsettled` again if its objects change meanwhile. */
  making: Making | undefined;
  /** Claims to resources of large Services whose elements lag behind, in order. */
  readonly unfinished: Map<string, Unfinished>;
}

/** Whether the rules of Services lag behind their events. */
export function isUnfinished({ postponed, unsettled, making, unfinished }: UnfinishedWork): boolean {
  return postponed.size > 0 || unsettled.size > 0 || making !== undefined || unfinished.size > 0;
}

/** How many Services wait for their rules or have a part of them; those with a part count as one. */
export function unfinishedServices({ postponed, unsettled, making, unfinished }: UnfinishedWork): number {
  return postponed.size + unsettled.size + (making !== undefined || unfinished.size > 0 ? 1 : 0);
}
