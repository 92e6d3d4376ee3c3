// What the kernel's elements have counted: read in pieces, on the loop's thread and beside it, and received when an element is deleted.

import assert from "node:assert/strict";
import { skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { type CountedMap, CounterReader } from "../../src/kernel/element_counts.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import { ERRNO, SystemError } from "../../src/kernel/system_error.ts";
import { canonicalKey, type ElementCount, setPath } from "../../src/nft/ruleset.ts";
import { createTable, type Operation } from "../../src/nft/transaction.ts";
import {
  AF_INET,
  closeDescriptor,
  connectSocket,
  newSocket,
  sendBytes,
  SOCK_DGRAM,
} from "../support/lab/libc.ts";
import { POD_NETWORKS } from "../support/pod_networks.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

for (const command of POD_NETWORKS) {
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", command] }).outputSync();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
}

const TABLES = skeleton({ ...DEFAULT_PROXY_CONFIG, countConnections: true });
const PATH = setPath("ip", "ledgerproxy", "single-endpoints");
const MAP: CountedMap = {
  family: "ip",
  path: PATH,
  definition: TABLES[0]!.sets.find((set) => set.kind === "map" && set.name === "single-endpoints") as never,
};

function element(verb: "add" | "delete", i: number): Operation {
  const key = canonicalKey(`10.96.${i >> 8}.${i & 255} . udp . 80`);
  const value = { value: "10.244.0.1 . 9053", comment: `shop/web-${i}` };
  return { verb, noun: "element", set: PATH, container: MAP.definition, element: { key, ...value } };
}

/** Our tables with `count` elements. */
function furnished(count: number): NetlinkKernel {
  nft(["flush", "ruleset"]);
  const kernel = new NetlinkKernel();
  kernel.commit(TABLES.flatMap(createTable));
  kernel.commit(Array.from({ length: count }, (_, i) => element("add", i)));
  return kernel;
}

/** Sends first packets to an element's frontend, each from a port of its own. */
function send(i: number, count: number): void {
  for (let sent = 0; sent < count; sent++) {
    const socket = newSocket(AF_INET, SOCK_DGRAM);
    connectSocket(socket, `10.96.${i >> 8}.${i & 255}`, 80);
    sendBytes(socket, new Uint8Array(1));
    closeDescriptor(socket);
  }
}

const packetsOf = (counts: readonly ElementCount[]) =>
  counts.filter(({ packets }) => packets > 0)
    .map(({ set, element: { key, comment }, packets }) => `${set} ${key} ${comment} ${packets}`);

Deno.test("a map is read in parts, each element once, on the thread of the loop and beside it", async () => {
  using _kernel = furnished(3000);
  using reader = new CounterReader("ledgerproxy");
  send(7, 3);
  for (const way of ["here", "beside"] as const) {
    const counts: ElementCount[] = [];
    let parts = 0;
    for (const part of way === "here" ? reader.parts(MAP) : reader.partsBeside(MAP)) {
      if (part === undefined) {
        await reader.waiting;
        continue;
      }
      parts++;
      counts.push(...part.counts);
      assert.equal(part.interrupted, false);
    }
    assert.ok(parts > 5, `${parts} parts`);
    assert.equal(new Set(counts.map(({ element }) => element.key)).size, 3000);
    assert.equal(counts.length, 3000);
    assert.deepEqual(packetsOf(counts), [`${PATH} 10.96.0.7 . udp . 80 shop/web-7 3`]);
  }
});

Deno.test("a map that is not there is an error, and one without counters has no counts", async () => {
  using kernel = furnished(0);
  using reader = new CounterReader("ledgerproxy");
  const ends = (map: CountedMap) => [...reader.parts(map)].flatMap(({ counts }) => counts);
  const absent = { ...MAP, definition: { ...MAP.definition, name: "absent" } };
  const isAbsent = (error: unknown) => error instanceof SystemError && error.errno === ERRNO.ENOENT;
  assert.throws(() => ends(absent), isAbsent);
  await assert.rejects(async () => {
    for (const part of reader.partsBeside(absent)) if (part === undefined) await reader.waiting;
  }, isAbsent);
  nft(["flush", "ruleset"]);
  kernel.commit(skeleton(DEFAULT_PROXY_CONFIG).flatMap(createTable));
  kernel.commit([element("add", 1)]);
  assert.deepEqual(ends(MAP), []);
});

Deno.test("a monitor receives what elements had counted that any program deletes, and other changes as before", () => {
  using kernel = furnished(4);
  const received: ElementCount[] = [];
  const added: ElementCount[] = [];
  const counter = {
    map: (family: string, name: string) => family === "ip" && name === MAP.definition.name ? MAP : undefined,
    deleted: (counts: readonly ElementCount[]) => received.push(...counts),
    added: (counts: readonly ElementCount[]) => added.push(...counts),
    isOn: true,
    setDeleted: () => {},
    lost: () => assert.fail("notices were dropped"),
  };
  using monitor = new RulesetMonitor("ledgerproxy", kernel.port, counter);
  send(1, 2);
  send(2, 5);
  kernel.commit([element("delete", 1), element("add", 1)]);
  monitor.receive();
  const first = `${PATH} 10.96.0.1 . udp . 80 shop/web-1 2`;
  assert.deepEqual(packetsOf(received), [first]);
  assert.deepEqual(monitor.poll(), { foreign: [], lost: false });
  nft(["delete", "element", "ip", "ledgerproxy", "single-endpoints", "{ 10.96.0.2 . udp . 80 }"]);
  monitor.receive();
  assert.deepEqual(packetsOf(received), [first, `${PATH} 10.96.0.2 . udp . 80 shop/web-2 5`]);
  const { foreign, lost } = monitor.poll();
  assert.deepEqual(foreign.map(({ process, changes }) => [process, changes]), [
    ["nft", [`delete element ${PATH}`]],
  ]);
  assert.equal(lost, false);
  const again =
    '{ 10.96.0.2 . udp . 80 counter packets 9 bytes 300 comment "shop/web-2" : 10.244.0.1 . 9053 }';
  nft(["add", "element", "ip", "ledgerproxy", "single-endpoints", again]);
  monitor.receive();
  assert.deepEqual(packetsOf(added), [`${PATH} 10.96.0.2 . udp . 80 shop/web-2 9`]);
  assert.equal(added.length, 1, "and none of ours");
  nft(["flush", "ruleset"]);
});

Deno.test("a monitor receives which maps any program deletes, with their table too, and that a batch hid changes", () => {
  using kernel = furnished(4);
  const received: string[] = [];
  const counter = {
    map: () => MAP,
    deleted: () => received.push("elements"),
    added: () => received.push("elements"),
    isOn: true,
    setDeleted: (family: string, name: string) => received.push(`${family} ${name}`),
    lost: () => received.push("lost"),
  };
  using monitor = new RulesetMonitor("ledgerproxy", kernel.port, counter);
  const maps = TABLES.flatMap(({ family, sets }) => sets.map(({ name }) => `${family} ${name}`));
  nft(["delete", "table", "ip6", "ledgerproxy"]);
  kernel.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  monitor.receive();
  assert.deepEqual(received.splice(0).sort(), maps.sort());
  monitor.withoutNotifications(() => kernel.generation(), () => {
    nft(["add", "table", "ip", "other"]);
    kernel.commit(TABLES.flatMap(createTable));
  });
  assert.deepEqual(received, ["lost"]);
  nft(["flush", "ruleset"]);
});
