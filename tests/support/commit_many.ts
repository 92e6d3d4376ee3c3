// Commits a small batch, then one of more bytes than its argument says, and prints the result of each.

import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { isTooLarge, KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { type Container, type ElementKey, setPath } from "../../src/nft/ruleset.ts";
import type { Operation } from "../../src/nft/transaction.ts";

/** An IPv4 element with its attributes takes at least this many bytes. */
const ELEMENT_BYTES = 16;
const SET: Container = { kind: "set", name: "addresses", key: ["ipv4_addr"] };
const PRELUDE: Operation[] = [
  { verb: "add", noun: "table", family: "ip", table: "many" },
  { verb: "add", noun: "set", family: "ip", table: "many", set: SET },
];

function additions(count: number): Operation[] {
  return Array.from({ length: count }, (_, i) => ({
    verb: "add",
    noun: "element",
    set: setPath("ip", "many", "addresses"),
    container: SET,
    element: { key: `${1 + (i >> 24)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}` as ElementKey },
  }));
}

function say(kernel: NetlinkKernel, count: number): string {
  try {
    kernel.commit([...PRELUDE, ...additions(count)]);
    return "taken";
  } catch (error) {
    if (!(error instanceof KernelRejection) || !isTooLarge(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

using kernel = new NetlinkKernel();
console.log(`small: ${say(kernel, 1000)}`);
console.log(`large: ${say(kernel, Math.ceil(Number(Deno.args[0]) / ELEMENT_BYTES))}`);
