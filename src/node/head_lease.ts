// Publishes heads of the ledger in the API server, as annotations of a Lease of this node (coordination.k8s.io/v1). Each head is an
// annotation of its own. The permissions that `manifest --head-lease` prints allow the proxy to add annotations, and a policy beside
// them refuses to change or remove one. So who owns the node can add heads, but cannot take one back.

import { headAnnotation, type LedgerHead } from "../ledger/head.ts";
import { LEASE_MILLISECONDS } from "../limits/ledger.ts";
import { messageOf } from "../thrown.ts";

/** Sends an object to the API server; returns false where there is no such path. Throws where the server does not take it. */
export type Write = (method: "POST" | "PATCH", path: string, object: unknown) => Promise<boolean>;

/** The label of the Leases, by which an auditor finds them. */
export const HEAD_LEASE_LABEL = { name: "ledgerproxy/witness", value: "heads" } as const;

/** The Lease of node `node` in `namespace`. `warn` receives what went wrong, once until it works again. */
export class HeadLease {
  #sentAt = -Infinity;
  #failed = false;
  #isSending = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(
    readonly namespace: string,
    readonly node: string,
    readonly write: Write,
    readonly warn: (text: string) => void,
  ) {}

  /** Publishes `head`, unless one was published lately. `now`: milliseconds of a clock that never goes back. */
  publish(head: LedgerHead, now: number): void {
    if (now - this.#sentAt < LEASE_MILLISECONDS || this.#isSending) return;
    this.#isSending = true;
    this.#sending = this.#send(head, now).finally(() => this.#isSending = false);
  }

  /** Waits for the request that is under way. */
  async end(): Promise<void> {
    await this.#sending;
  }

  async #send(head: LedgerHead, now: number): Promise<void> {
    try {
      await this.#add(head);
      this.#sentAt = now;
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) {
        this.warn(`no head can be published in Lease ${this.#name}: ${messageOf(error)}; trying again`);
      }
      this.#failed = true;
    }
  }

  /** Adds the annotation; makes the Lease where there is none. */
  async #add(head: LedgerHead): Promise<void> {
    const [key, value] = headAnnotation(head);
    const annotations = { [key]: value };
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases`;
    if (await this.write("PATCH", `${leases}/${this.#name}`, { metadata: { annotations } })) return;
    await this.write("POST", leases, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: this.#name,
        namespace: this.namespace,
        labels: { [HEAD_LEASE_LABEL.name]: HEAD_LEASE_LABEL.value },
        annotations,
      },
      spec: { holderIdentity: this.node },
    });
  }

  get #name(): string {
    return `ledgerproxy-${this.node}`;
  }
}
