// What the state keeps of large Services whose rules are being made; `steps.ts` goes on with it.

import type { ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import type { ServiceResource } from "./resource.ts";
import type { ServiceProgram } from "./service_program.ts";

/** The rules of a Service as they are to be, or why there are none. */
export type MadeRules = { readonly program: ServiceProgram } | { readonly aside: string };

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

/** What of a large Service is left to do. */
export interface UnfinishedWork {
  /** Large Services whose objects have changed since their rules were last made, each with the cause, in order. */
  readonly unsettled: Map<ServiceName, Offset>;
  /** The large Service whose rules are being made; it is in `unsettled` again if its objects change meanwhile. */
  making: Making | undefined;
  /** Claims to resources of large Services whose elements lag behind, in order. */
  readonly unfinished: Map<string, Unfinished>;
}

/** Whether the rules of large Services lag behind their events. */
export function isUnfinished({ unsettled, making, unfinished }: UnfinishedWork): boolean {
  return unsettled.size > 0 || making !== undefined || unfinished.size > 0;
}

/** How many large Services wait for their rules or have a part of them; those with a part count as one. */
export function unfinishedServices({ unsettled, making, unfinished }: UnfinishedWork): number {
  return unsettled.size + (making !== undefined || unfinished.size > 0 ? 1 : 0);
}
