// What this kernel supports, probed once at start. Each probe is a batch whose last operation must fail: the kernel
// checks the operations before it and applies nothing. Why not read the kernel's version: distributions backport
// features, and modules can be missing.

import type { Family } from "../nft/data_type.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { Container } from "../nft/ruleset.ts";
import type { Statement } from "../nft/statement.ts";
import { createTable, type Operation } from "../nft/transaction.ts";
import type { Kernel } from "./kernel.ts";
import { KernelRejection } from "./kernel_rejection.ts";

/** One feature. The proxy does not run where a `needed` one is not available. */
export interface Capability {
  readonly name: string;
  readonly needed: boolean;
  readonly available: boolean;
  /** "" when available, else the kernel's error and what to do about it. */
  readonly problem: string;
}

/** The capability that every question to nf_tables needs. */
export const PRIVILEGE = "CAP_NET_ADMIN";

/** The capability that counting connections needs. */
const COUNTERS = "counters";

/** Name of the table in the probes; it is never created. */
const PROBE_TABLE = "ledgerproxy-probe";

/** A feature and the operations that need it. */
type Probe = readonly [
  name: string,
  needed: boolean,
  remedy: string,
  operations: (family: Family) => Operation[],
];

const PROBES: readonly Probe[] = [
  ["nf_tables", true, "load the kernel module nf_tables", (family) => [table(family)]],
  [
    "nat",
    true,
    "load nft_chain_nat, nft_nat and nft_masq",
    (family) => rules(family, "postrouting", [[{ kind: "masquerade" }]]),
  ],
  [
    "reject",
    true,
    "load nft_reject_ipv4 and nft_reject_ipv6",
    // At prerouting it works since Linux 5.9.
    (family) =>
      rules(family, "prerouting", [[{ kind: "reject", with: "port-unreachable" }], [{
        kind: "match",
        selector: "meta l4proto",
        operator: "==",
        value: "tcp",
      }, { kind: "reject", with: "tcp-reset" }]]),
  ],
  [
    "conntrack",
    true,
    "load nft_ct",
    (family) => rules(family, "postrouting", [[{ kind: "ct-status-dnat" }]]),
  ],
  [
    "fib",
    true,
    "load nft_fib_ipv4 and nft_fib_ipv6",
    (family) =>
      rules(family, "prerouting", [[{
        kind: "match",
        selector: "fib daddr type",
        operator: "==",
        value: "local",
      }]]),
  ],
  ["numgen", true, "load nft_numgen", slotRule],
  [
    "jhash",
    true,
    "load nft_hash",
    (family) =>
      rules(family, "prerouting", [[{
        kind: "hash-match",
        hash: { kind: "address-hash", of: `${family} saddr`, modulus: 2, seed: 1, offset: 0 },
        value: 1,
      }]]),
  ],
  [COUNTERS, false, "load nft_counter, or leave out --count-connections", countedMap],
  ["owner", false, "Linux 5.12 or newer", (family) => [{ ...table(family), flags: ["owner"] }]],
  [
    "owner and persist",
    false,
    "Linux 6.9 or newer",
    (family) => [{ ...table(family), flags: ["owner", "persist"] }],
  ],
];

/** Oldest kernel that kube-proxy's nftables mode supports (1.37); this program requires the same. */
const OLDEST_KERNEL = [5, 13] as const;

/** Whether the kernel with this release string ("6.1.0-13-amd64", as uname -r prints it) is new enough. */
export function kernelVersion(release: string): Capability {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const available = major > OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor >= OLDEST_KERNEL[1]);
  const oldest = OLDEST_KERNEL.join(".");
  return {
    name: `Linux ${release}`,
    needed: true,
    available,
    problem: available ? "" : `Linux ${oldest} or newer is needed`,
  };
}

/** What the proxy needs and `kernel` lacks. Changes nothing. Sends one batch where nothing is missing. */
export function missingCapabilities(kernel: Kernel): Capability[] {
  const together = PROBES.filter(([, needed]) => needed).flatMap(([, , , operations], i) =>
    FAMILIES.flatMap(operations).map((operation) => ({ ...operation, table: `${PROBE_TABLE}-${i}` }))
  );
  if (ask(kernel, together) === undefined) return [];
  return probeCapabilities(kernel).filter(({ needed, available }) => needed && !available);
}

/** What counting connections needs and `kernel` lacks; undefined where it can. Changes nothing. */
export function missingForCounting(kernel: Kernel): Capability | undefined {
  return PROBES.filter(([name]) => name === COUNTERS).map((probe) => answer(kernel, probe))
    .find(({ available }) => !available);
}

/** Probes every feature that the proxy uses, in both families. Changes nothing. */
export function probeCapabilities(kernel: Kernel): Capability[] {
  const privilege = ask(kernel, [table("ip")]);
  if (privilege?.code === "EPERM") {
    const problem =
      "the process lacks CAP_NET_ADMIN in its network namespace. Run it as root (or with CAP_NET_ADMIN), " +
      "or try it in a namespace of its own: unshare --map-root-user --net <the same command>";
    return [{ name: PRIVILEGE, needed: true, available: false, problem }];
  }
  const held = { name: PRIVILEGE, needed: true, available: true, problem: "" };
  return [held, ...PROBES.map((probe) => answer(kernel, probe))];
}

/** Probes both families in one batch: each batch costs the kernel an RCU grace period. */
function answer(kernel: Kernel, [name, needed, remedy, operations]: Probe): Capability {
  const rejection = ask(kernel, FAMILIES.flatMap(operations));
  const problem = rejection === undefined ? "" : `${rejection.message}; ${remedy}`;
  return { name, needed, available: rejection === undefined, problem };
}

/**
 * The kernel's error about `operations`; undefined where it accepted them and rejected only the sentinel after them.
 */
function ask(kernel: Kernel, operations: readonly Operation[]): KernelRejection | undefined {
  const sentinel: Operation = { verb: "delete", noun: "table", family: "ip", table: `${PROBE_TABLE}-absent` };
  try {
    kernel.commit([...operations, sentinel]);
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    return error.operation === sentinel ? undefined : error;
  }
  return undefined;
}

function table(family: Family): Operation & { noun: "table"; verb: "add" } {
  return { verb: "add", noun: "table", family, table: PROBE_TABLE };
}

/** A table with one base chain of type nat that has a rule for each of `statements`. */
function rules(
  family: Family,
  hook: "prerouting" | "postrouting",
  statements: Statement[][],
  sets: Container[] = [],
) {
  const chain = {
    name: "probe",
    hook: { type: "nat", hook, priority: 0 } as const,
    rules: statements.map((s) => ({ statements: s })),
  };
  return createTable({ family, name: PROBE_TABLE, sets, chains: [chain] });
}

/** The rule of a pick chain, as pick_chains.ts makes them: a lookup by a random number. */
function slotRule(family: Family): Operation[] {
  const address = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const map: Container = {
    kind: "map",
    name: "slots",
    key: ["inet_proto", "inet_service", "slot"],
    value: [address, "inet_service"],
  };
  return rules(family, "prerouting", [[{
    kind: "dnat",
    key: ["meta l4proto", "th dport", { kind: "numgen", modulus: 2 }],
    map: "slots",
  }]], [map]);
}

/** A verdict map and a map of endpoints with counters, as skeleton.ts makes them where connections are counted. */
function countedMap(family: Family): Operation[] {
  const address = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const counted = (name: string, value: "verdict" | [typeof address, "inet_service"]): Container => ({
    ...{ kind: "map", name, key: [address, "inet_proto", "inet_service"], value, counter: true },
  });
  return rules(family, "prerouting", [], [
    counted("refused", "verdict"),
    counted("endpoints", [address, "inet_service"]),
  ]);
}
