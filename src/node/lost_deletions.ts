// Services whose deletion is among the lost records of a damaged ledger. A commit behind the lost record still says which elements
// went because of it. Where these have the cluster IPs of a Service, it was deleted, and must not come back.

import type { ClusterState } from "../fold/cluster_state.ts";
import { PATHS } from "../fold/skeleton.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import type { CommitRecord, LedgerRecord } from "../ledger/record.ts";
import { FAMILIES } from "../nft/data_type.ts";

/** The sets that have an element for each cluster IP of a Service that has one. */
const CLUSTER_IPS = FAMILIES.map((family) => PATHS[family]["cluster-ips"]);

/** Takes the whole records of a damaged ledger, in order. */
export class LostDeletions {
  /** Offset of the next record that could be there. */
  #next: number;
  /** Ranges of lost offsets: first, and the one after the last. */
  readonly #lost: [number, number][] = [];
  /** Elements whose last change deleted them because of a lost record, by set and key. */
  readonly #deleted = new Set<string>();

  constructor(next: number) {
    this.#next = next;
  }

  note(offset: number, record: LedgerRecord): void {
    if (offset > this.#next) this.#lost.push([this.#next, offset]);
    this.#next = Math.max(this.#next, offset + 1);
    if (record.kind === "commit" && record.outcome === "committed") this.#noteCommit(record);
  }

  #noteCommit({ changes }: CommitRecord): void {
    for (const { verb, set, key, cause } of changes) {
      const isLost = this.#lost.some(([from, to]) => cause >= from && cause < to);
      if (verb === "delete" && isLost) this.#deleted.add(`${set} ${key}`);
      else this.#deleted.delete(`${set} ${key}`);
    }
  }

  /** The Services of `state`, which the whole records led to, that were deleted. */
  services(state: ClusterState): ReadonlySet<ServiceName> {
    const standing = new Set<ServiceName>();
    const deleted = new Set<ServiceName>();
    for (const set of CLUSTER_IPS) {
      for (const [key, { comment }] of state.desired.get(set) ?? []) {
        const service = readServiceName(comment ?? "");
        (this.#deleted.has(`${set} ${key}`) ? deleted : standing).add(service);
      }
    }
    return deleted.difference(standing);
  }
}
