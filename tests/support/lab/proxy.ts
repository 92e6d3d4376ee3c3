// This program on the node of a lab: the engine, a ledger in memory and the real kernel.

import { type EngineState, newEngine } from "../../../src/engine/engine.ts";
import { list, perform } from "../../../src/engine/executor.ts";
import type { Ports } from "../../../src/engine/ports.ts";
import { Conntrack } from "../../../src/kernel/conntrack.ts";
import { NetlinkKernel } from "../../../src/kernel/netlink_kernel.ts";
import type { KubeObject } from "../../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../../src/kube/proxy_config.ts";
import type { LedgerRecord } from "../../../src/ledger/record.ts";
import { LedgerWriter } from "../../../src/ledger/writer.ts";
import type { Ruleset } from "../../../src/nft/ruleset.ts";
import { memoryStorage } from "../memory_storage.ts";
import { NODE_NAME } from "../scenario/scenario.ts";
import type { Lab } from "./lab.ts";

const TIME = "2026-01-01T00:00:00.000Z";

/** Keeps the rules on the node equal to what is applied. Dispose of it to remove them. */
export class LabProxy implements Disposable {
  engine: EngineState = newEngine();
  /** Its warnings. */
  readonly warnings: string[] = [];
  readonly #kernel: NetlinkKernel;
  readonly #conntrack: Conntrack;
  readonly #ledger = new LedgerWriter(memoryStorage(), { policy: "never" });
  readonly #ports: Ports;

  constructor(readonly lab: Lab) {
    this.#kernel = lab.inside("node", () => new NetlinkKernel());
    this.#conntrack = lab.inside("node", () => new Conntrack());
    this.#ports = {
      kernel: this.#kernel,
      conntrack: this.#conntrack,
      ledger: this.#ledger,
      now: () => TIME,
      report: () => {},
      warn: (text) => this.warnings.push(text),
    };
    this.restart(DEFAULT_PROXY_CONFIG);
  }

  /** Sets a configuration; the next {@link apply} changes the rules. */
  configure(proxy: ProxyConfig): void {
    const records: LedgerRecord[] = [{
      kind: "config",
      time: TIME,
      version: "0",
      nodeName: NODE_NAME,
      proxy,
    }];
    perform(this.engine, this.#ports, { kind: "appended", first: this.#ledger.append(records), records });
  }

  /** Makes the rules those of `objects`, by changes. Throws when the kernel rejects them. */
  apply(objects: readonly KubeObject[]): void {
    perform(this.engine, this.#ports, {
      kind: "batch",
      batch: { kind: "list", objects, complete: true, time: TIME, problems: [] },
    });
    perform(this.engine, this.#ports, { kind: "sync" });
    if (this.engine.rejections > 0) throw new Error(this.warnings.at(-1));
  }

  /** Starts again as a new process would: with the rules in the kernel, and nothing else. */
  restart(proxy: ProxyConfig): void {
    this.engine = newEngine();
    this.configure(proxy);
    perform(this.engine, this.#ports, list(this.#kernel));
  }

  /** The desired rules. */
  get desired(): Ruleset {
    return { tables: this.engine.cluster.tables, elements: this.engine.cluster.desired };
  }

  /** The rules that the kernel holds. */
  listed(): Ruleset {
    const listed = list(this.#kernel);
    if (listed.kind !== "listed") throw new Error("our tables hold what we never write");
    return listed.ruleset;
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
    this.#kernel[Symbol.dispose]();
    this.#conntrack[Symbol.dispose]();
    this.lab.run("node", "nft delete table ip ledgerproxy", "nft delete table ip6 ledgerproxy");
  }
}
