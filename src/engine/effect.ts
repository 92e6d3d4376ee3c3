// What the engine asks for. Why values and no callbacks? The same decisions then run in the program, in `record`, in tests
// and in the simulation, each of which executes effects in its own way.

import type { UdpFrontend } from "../fold/service_program.ts";
import type { GuardedFrontend } from "../fold/tightened.ts";
import { namespacesText } from "../kube/service_name.ts";
import type { ObjectKind } from "../kube/objects.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Transaction } from "../nft/transaction.ts";
import type { SyncReport } from "./sync_report.ts";

/** What must be done, in the order of the list. A result comes back as an input. */
export type Effect =
  /** Append to the ledger; comes back as `appended`. */
  | { readonly kind: "append"; readonly records: readonly LedgerRecord[] }
  /** Send to the kernel; comes back as `committed` or `rejected`. */
  | { readonly kind: "commit"; readonly transaction: Transaction }
  /** List our tables; comes back as `listed` or `unreadable`. */
  | { readonly kind: "list" }
  /** Delete the connection tracking entries of flows to these frontends, by claim, that lead to none of the serving endpoints. */
  | { readonly kind: "forget-flows"; readonly frontends: ReadonlyMap<string, UdpFrontend> }
  /** Delete the connection tracking entries of flows to these frontends, by claim, that are not answered and not let through. */
  | { readonly kind: "forget-unanswered"; readonly frontends: ReadonlyMap<string, GuardedFrontend> }
  /** Report a commit, or events that need none, for metrics and the log. */
  | { readonly kind: "report"; readonly report: SyncReport }
  /** Ask the source for another list of `resource`, in another way: the last one is not applied before it is confirmed. */
  | { readonly kind: "confirm"; readonly resource: ObjectKind; readonly why: string }
  /** Write a line to the log. `about`: whose objects it is about, where a tenant decides how often there is such a line. */
  | { readonly kind: "warn"; readonly text: string; readonly about?: string };

/** The effect that writes `text` to the log. */
export function warning(text: string): Effect {
  return { kind: "warn", text };
}

/** The same for a line about `services`. */
export function warningAbout(services: readonly string[], text: string): Effect {
  return { kind: "warn", text, about: namespacesText(services) };
}

/** How a problem of an object with a namespace begins (kube/decode.ts): with its kind and name, which may be quoted. */
const OF_NAMESPACE = /^(?:Service|EndpointSlice) "?([a-z0-9-]+)\//;

/** The same for a problem of a batch: one of an object is about its namespace. A tenant can change a wrong object all the time. */
export function problemWarning(text: string): Effect {
  const [, namespace] = OF_NAMESPACE.exec(text) ?? [];
  return namespace === undefined ? warning(text) : warningAbout([`${namespace}/`], text);
}
