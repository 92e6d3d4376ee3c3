// Chains of iptables' own tables (iptables-legacy), which nf_tables does not list. They are read with the socket options of
// linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h (Debian linux-libc-dev 6.1).

import { LEGACY_TABLE_BYTES_MAX } from "../limits/commits.ts";
import type { Family } from "../nft/data_type.ts";
import { readSpecial } from "./special_files.ts";
import { kernelLibc, lastErrno } from "./libc.ts";
import { SystemError } from "./system_error.ts";

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; ip6_tables has the same numbers. */
const GET_INFO = 64;
const GET_ENTRIES = 65;
/** sizeof(struct ipt_getinfo); its last field is the size of the entries. */
const INFO_BYTES = 84;
/** The entries in struct ipt_get_entries come after a name of 32 bytes and a size, at a multiple of 8. */
const ENTRIES_AT = 40;
const SIZE_AT = 32;
/** Name and data in struct xt_entry_target. */
const TARGET_NAME_AT = 2;
const TARGET_DATA_AT = 32;
const NAME_BYTES = 30;

/** For each family: file with the names of its tables, address family, option level, offset of target_offset in an entry. */
const OF = {
  ip: { tables: "/proc/net/ip_tables_names", domain: 2, level: 0, targetAt: 88 },
  ip6: { tables: "/proc/net/ip6_tables_names", domain: 10, level: 41, targetAt: 140 },
} as const;

/**
 * The chains of table `nat` that users made with iptables-legacy; none where the table does not exist. Asking for a table
 * that does not exist would make it, so the list of tables is read first. Throws {@link SystemError}.
 */
export function legacyNatChains(family: Family): string[] {
  const { tables, domain, level, targetAt } = OF[family];
  if (!tableNames(tables).includes("nat")) return [];
  const libc = kernelLibc();
  const { symbols } = libc;
  const checked = (operation: string, result: number) => {
    if (result >= 0) return result;
    throw new SystemError(operation, lastErrno(libc));
  };
  const descriptor = checked("socket", symbols.socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const option = (name: number, bytes: Uint8Array<ArrayBuffer>) => {
    bytes.set(new TextEncoder().encode("nat"));
    const size = new Uint8Array(Uint32Array.of(bytes.length).buffer);
    checked(`getsockopt(${level}, ${name})`, symbols.getsockopt(descriptor, level, name, bytes, size));
    return new DataView(bytes.buffer);
  };
  try {
    const size = option(GET_INFO, new Uint8Array(INFO_BYTES)).getUint32(INFO_BYTES - 4, true);
    if (size > LEGACY_TABLE_BYTES_MAX) return [];
    const entries = new Uint8Array(ENTRIES_AT + size);
    new DataView(entries.buffer).setUint32(SIZE_AT, size, true);
    option(GET_ENTRIES, entries);
    return chainNames(entries.subarray(ENTRIES_AT), targetAt);
  } finally {
    symbols.close(descriptor);
    libc.close();
  }
}

/** A chain begins with an entry whose target is `ERROR`; the target's data is the name. The last such entry ends the table. */
function chainNames(entries: Uint8Array, targetAt: number): string[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  const textAt = (at: number) =>
    new TextDecoder().decode(entries.subarray(at, at + NAME_BYTES)).split("\0", 1)[0]!;
  const names: string[] = [];
  const entryBytes = targetAt + 4;
  for (let at = 0; at + entryBytes <= entries.length;) {
    const target = at + view.getUint16(at + targetAt, true);
    const next = view.getUint16(at + targetAt + 2, true);
    if (textAt(target + TARGET_NAME_AT) === "ERROR") names.push(textAt(target + TARGET_DATA_AT));
    if (next === 0) break;
    at += next;
  }
  return names.slice(0, -1);
}

function tableNames(path: string): string[] {
  try {
    return readSpecial(path).split("\n");
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return [];
  }
}
