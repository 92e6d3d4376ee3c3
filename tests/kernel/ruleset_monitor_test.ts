// A monitor that is watched announces what other programs change, and nothing of our own commits.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { type DeletionCounter, RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import { canonicalKey, setPath } from "../../src/nft/ruleset.ts";
import type { Operation } from "../../src/nft/transaction.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const table = (verb: "add" | "delete"): Operation => ({ verb, noun: "table", family: "ip", table: "ours" });
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A monitor that is watched, and how often it announced something. */
function watched(kernel: NetlinkKernel, counter?: DeletionCounter) {
  nft(["flush", "ruleset"]);
  const monitor = new RulesetMonitor("ours", kernel.port, counter);
  const announced = { times: 0 };
  monitor.watch(() => announced.times++);
  return { monitor, announced };
}

Deno.test("a change of another program is announced without a poll, and 100 commits of ours are not", async () => {
  using kernel = new NetlinkKernel();
  const { monitor, announced } = watched(kernel);
  await using _ = monitor;
  assert.deepEqual(monitor.poll(), { foreign: [], lost: false, watched: true });
  for (let i = 0; i < 50; i++) {
    kernel.commit([table("add")]);
    await turn();
    kernel.commit([table("delete")]);
    await turn();
  }
  assert.equal(announced.times, 0, "our own commits");
  nft(["add", "table", "ip", "ours"]);
  await until("it is announced", () => announced.times === 1);
  nft(["delete", "table", "ip", "ours"]);
  const { foreign, watched: again } = monitor.poll();
  assert.equal(again, undefined, "where one came, others may follow: it is to be polled");
  assert.deepEqual(foreign.map(({ process, changes }) => [process, changes]), [
    ["nft", ["add table ip ours"]],
    ["nft", ["delete table ip ours"]],
  ]);
  assert.equal(announced.times, 1, "once until the poll");
  assert.deepEqual(monitor.poll(), { foreign: [], lost: false, watched: true });
  nft(["add", "table", "ip", "theirs"]);
  await until("the next one is announced", () => announced.times === 2);
  nft(["flush", "ruleset"]);
});

Deno.test("what a commit of ours takes from the socket, or hides, is announced too", async () => {
  using kernel = new NetlinkKernel();
  const { monitor, announced } = watched(kernel);
  await using _ = monitor;
  monitor.poll();
  const before = monitor.noticed();
  assert.equal(announced.times, 0);
  nft(["add", "table", "ip", "ours"]);
  assert.equal(monitor.noticed(), before + 1);
  assert.ok(announced.times > 0, "it is in no socket any more");
  assert.equal(monitor.poll().foreign.length, 1);
  await turn();
  const times = announced.times;
  monitor.withoutNotifications(() => kernel.generation(), () => {
    nft(["add", "table", "ip", "theirs"]);
    kernel.commit([table("delete")]);
  });
  assert.equal(announced.times, times + 1);
  assert.equal(monitor.poll().lost, true);
  nft(["flush", "ruleset"]);
});

Deno.test("while elements count, notifications of our own commits are received, and the monitor is to be polled", async () => {
  using kernel = new NetlinkKernel();
  let deleted = 0;
  const counter = {
    isOn: false,
    map: () => undefined,
    deleted: () => {},
    added: () => {},
    setDeleted: () => deleted++,
    lost: () => assert.fail("nothing was lost"),
  };
  const { monitor } = watched(kernel, counter);
  await using _ = monitor;
  const set = { kind: "set", name: "s", key: ["ipv4_addr"] } as const;
  const add = () =>
    kernel.commit([table("add"), { verb: "add", noun: "set", family: "ip", table: "ours", set }]);
  add();
  monitor.receive();
  assert.equal(monitor.poll().watched, true);
  kernel.commit([table("delete")]);
  monitor.receive();
  assert.equal(deleted, 0, "the kernel drops them");
  add();
  counter.isOn = true;
  monitor.receive();
  kernel.commit([table("delete")]);
  monitor.receive();
  assert.equal(deleted, 1);
  assert.equal(monitor.poll().watched, undefined);
  counter.isOn = false;
  assert.equal(monitor.poll().watched, true);
});

Deno.test("where notifications of a change were dropped, the rest of it is not taken for the next program's", () => {
  using kernel = new NetlinkKernel();
  using other = new NetlinkKernel();
  nft(["flush", "ruleset"]);
  nft(["-f", "-"], "table ip ours { set s { type ipv4_addr; }; }");
  using monitor = new RulesetMonitor("ours", kernel.port);
  const container = { kind: "set", name: "s", key: ["ipv4_addr"] } as const;
  const turn = (verb: "add" | "delete") =>
    Array.from({ length: 50_000 }, (_, i) => {
      const element = { key: canonicalKey(`10.0.${i >> 8}.${i & 255}`) };
      return { verb, noun: "element", set: setPath("ip", "ours", "s"), container, element } as const;
    });
  // More than the receive buffer has room for.
  for (let i = 0; i < 20; i++) other.commit(turn(i % 2 === 0 ? "add" : "delete"));
  assert.equal(monitor.poll().lost, true);
  nft(["add", "table", "ip", "theirs"]);
  assert.deepEqual(monitor.poll(), { foreign: [], lost: false });
  nft(["flush", "ruleset"]);
});
