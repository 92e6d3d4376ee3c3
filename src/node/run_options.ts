// The flags of `run`, and what follows from them alone.

import type { Retention } from "../ledger/retention.ts";
import type { SyncPolicy } from "../ledger/disk_writer.ts";
import type { ConfigOptions } from "./config.ts";
import type { OutsideKey } from "./outside_key.ts";

/** Flags of `run`. */
export interface RunOptions extends ConfigOptions {
  readonly once?: boolean;
  readonly dryRun?: boolean;
  readonly initOnly?: boolean;
  readonly allowEmpty?: boolean;
  readonly ownTables?: boolean;
  /** Seconds after which connections to endpoints that are gone are ended; absent: only where a Service's annotation says so. */
  readonly cutTerminated?: number;
  /** Namespace of the Lease in which heads of the ledger are published. */
  readonly headLease?: string;
  /** A key that signs checkpoints, in place of keys that are erased. */
  readonly checkpointKey?: OutsideKey;
  readonly speed?: number;
  readonly fsync?: SyncPolicy;
  readonly retainDays?: number;
  readonly retainMegabytes?: number;
}

const DAY_MILLISECONDS = 24 * 3600 * 1000;

/** How much of the past the ledger keeps: 30 days and 1024 MiB unless flags say otherwise. */
export function retention({ retainMegabytes = 1024, retainDays = 30 }: RunOptions): Retention {
  return { bytes: retainMegabytes * 1024 * 1024, milliseconds: retainDays * DAY_MILLISECONDS };
}

/** The flags among `args`, by name without dashes; a flag without a value is `true`. */
export function givenFlags(args: readonly string[]): Record<string, string> {
  const flags: Record<string, string> = {};
  args.forEach((arg, i) => {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? /^-(\w)(?:=?(.+))?$/s.exec(arg) ?? [];
    if (name === undefined) return;
    const next = args[i + 1];
    flags[name] = value ?? (next === undefined || next.startsWith("-") ? "true" : next);
  });
  return flags;
}
