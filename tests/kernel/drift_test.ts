// Other programs change or delete our tables: the change is recorded with its process, and the rules are put back, less
// often when a program insists.

import assert from "node:assert/strict";
import { ownTables } from "../../src/node/table_owner.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import type { DriftRecord } from "../../src/ledger/record.ts";
import type { Operation } from "../../src/nft/transaction.ts";
import { keptOf } from "../support/kept_records.ts";
import { shell } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  health,
  inKernel,
  inTurn,
  isPutBack,
  newNodeFolder,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** Rules wait for a minute at most (engine/healing.ts). */
const PUT_BACK_MILLISECONDS_MAX = 120_000;
const NO_SUCH_TABLE: Operation = { verb: "delete", noun: "table", family: "ip", table: "absent" };

const drifts = (ledger: string): DriftRecord[] => keptOf(ledger, "drift");

Deno.test("changes that nft makes are put back at once and recorded; when they repeat, less often", async () => {
  const folder = newNodeFolder();
  const ledger = `${folder}/store/ledger`;
  using kernel = new NetlinkKernel();
  writeSource(folder, 3);
  await using program = new SourceProgram(folder, "store");
  await until("the Service is served", served(kernel, 3));
  // It notices no changes while it makes the tables.
  await until("it listens", () => isPutBack(ledger));
  const text = () => shell("nft list ruleset").replace(/comment "ledger [^"]*"/, "");
  const [rules, elements] = [text(), inKernel(kernel)];
  shell("nft add table ip other; nft add chain ip other c; nft delete table ip other");

  const acts: [string, RegExp][] = [
    ["flush ruleset", /^delete table ip ledgerproxy$/],
    [
      "delete element ip ledgerproxy cluster-ips { 10.96.0.1 }",
      /^delete element ip ledgerproxy cluster-ips$/,
    ],
    ["add rule ip ledgerproxy nat-prerouting accept", /^add rule ip ledgerproxy$/],
    ["delete table ip6 ledgerproxy", /^delete table ip6 ledgerproxy$/],
  ];
  for (const [i, [act, change]] of acts.entries()) {
    shell(`nft '${act}'`);
    await until(`${act} is recorded`, () => drifts(ledger).length === i + 1);
    await until(`${act} is put back`, () => text() === rules && isPutBack(ledger));
    const { process, pid, changes, response } = drifts(ledger)[i]!;
    assert.equal(process, "nft");
    assert.ok(pid > 0);
    assert.ok(changes.some((text) => change.test(text)), changes.join());
    assert.equal(response, "rules are put back");
  }
  assert.deepEqual(inKernel(kernel), elements);
  assertWhole(ledger, kernel);

  const act = async (act: string): Promise<string> => {
    const before = drifts(ledger).length;
    shell(`nft '${act}'`);
    await until(`${act} is recorded`, () => drifts(ledger).length > before);
    return drifts(ledger).at(-1)!.response;
  };
  let response = "";
  // The second time, unless the machine is so busy that the first ones are a minute ago.
  await until("that is too often", async () => {
    await until("there is something to destroy", () => text() === rules && isPutBack(ledger));
    response = await act("flush ruleset");
    return / put back in [2-6]\d s$/.test(response);
  }, PUT_BACK_MILLISECONDS_MAX);
  assert.match(response, /^that was too often: rules are put back in [2-6]\d s$/);
  assert.equal(await act("add table ip ledgerproxy"), "rules wait to be put back");
  const said = /warning: nft \(process \d+\) changed our tables: .*delete table ip ledgerproxy/;
  await until("the log says so", () => said.test(program.log));
  assert.equal(inKernel(kernel).length, 0);
  // A change of the cluster puts the rules back without waiting.
  writeSource(folder, 4);
  await until("a change brings them back", served(kernel, 4));
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an element that another program steals again and again: /healthz names it for as long as it is missing", async () => {
  const folder = newNodeFolder();
  const ledger = `${folder}/store/ledger`;
  using kernel = new NetlinkKernel();
  writeSource(folder, 3);
  await using program = new SourceProgram(folder, "store");
  await until("the Service is served", served(kernel, 3));
  const isThere = () =>
    inKernel(kernel).some((text) => text.startsWith("ip ledgerproxy cluster-ips 10.96.0.1 "));
  const theft = "delete element ip ledgerproxy cluster-ips { 10.96.0.1 }";
  const mayAct = inTurn(ledger);
  assert.ok(isThere());
  await until("it is stolen so often that rules wait", () => {
    if (mayAct()) shell(`nft '${theft}'`);
    return /that was too often: rules are put back in \d+ s/.test(program.log);
  });
  const isNamed = async () => {
    const { problems, drift } = await health();
    return problems?.includes("another program changes our tables") && drift.process === "nft" &&
      drift.changes.includes("delete element ip ledgerproxy cluster-ips");
  };
  assert.equal(isThere(), false, "the element is missing");
  assert.ok(await isNamed(), "and health says who took it");
  await until("it is put back", async () => {
    const named = await isNamed();
    if (!isThere()) assert.ok(named, "it is named for as long as it is missing");
    return isThere();
  }, PUT_BACK_MILLISECONDS_MAX);
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

/** What another program can make of our tables that this program never writes. */
const FOREIGN: readonly (readonly [what: string, act: string])[] = [
  ["made dormant", "add table ip ledgerproxy { flags dormant; }"],
  [
    "gave a rule about two fields at once",
    "add rule ip ledgerproxy nat-prerouting @nh,96,64 0x0102030405060708 accept",
  ],
  [
    "gave intervals of ports",
    "add set ip ledgerproxy more { type inet_service; flags interval; elements = { 80-255 } }",
  ],
];

for (const [what, act] of FOREIGN) {
  Deno.test(`a table that another program ${what} is made anew, while the program runs and at a start`, async () => {
    const folder = newNodeFolder();
    using kernel = new NetlinkKernel();
    writeSource(folder, 3);
    const rules = () => shell("nft list table ip ledgerproxy").replace(/comment "ledger [^"]*"/, "");
    let before = "";
    {
      await using program = new SourceProgram(folder, "store");
      await until("the Service is served", served(kernel, 3));
      before = rules();
      shell(`nft '${act}'`);
      await until("the rules are applied again", () => rules() === before);
      assert.equal(await program.stop(), 0);
    }
    shell(`nft '${act}'`);
    await using program = new SourceProgram(folder, "store");
    await until("the rules are applied again after a start", () => rules() === before);
    assert.equal(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("notifications of our own batch are off, and a commit of another program meanwhile is reported as lost", () => {
  using kernel = new NetlinkKernel();
  using monitor = new RulesetMonitor("ledgerproxy", kernel.port);
  const generation = () => kernel.generation();
  const act = (verb: "add" | "delete") =>
    kernel.commit([{ verb, noun: "table", family: "ip", table: "ledgerproxy" } as Operation]);
  for (const { family, name } of kernel.tables()) shell(`nft delete table ${family} ${name}`);
  monitor.poll();
  monitor.withoutNotifications(generation, () => act("add"));
  assert.deepEqual(monitor.poll(), { foreign: [], lost: false });
  monitor.withoutNotifications(generation, () => {
    shell("nft add chain ip ledgerproxy foreign");
    act("delete");
  });
  assert.deepEqual(monitor.poll(), { foreign: [], lost: true });
  assert.deepEqual(monitor.poll(), { foreign: [], lost: false }, "reported once");
  assert.throws(
    () => monitor.withoutNotifications(generation, () => kernel.commit([NO_SUCH_TABLE])),
    KernelRejection,
  );
  assert.equal(monitor.poll().lost, false, "a rejected batch changes nothing");
  shell("nft add table ip ledgerproxy");
  const { foreign } = monitor.poll();
  assert.deepEqual(foreign.map(({ process, changes }) => [process, changes]), [
    ["nft", ["add table ip ledgerproxy"]],
  ], "notifications are on again");
  act("delete");
});

Deno.test("other programs cannot change owned tables; the tables outlive the process, which owns them again after a start", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  const ours = () =>
    kernel.tables().filter(({ name }) => name === "ledgerproxy").map(({ flags }) => flags.join());
  const nft = (act: string) => new Deno.Command("nft", { args: [act], stderr: "null" }).outputSync().success;
  writeSource(folder, 3);
  const lives: [string[], string, string][] = [
    [["--own-tables"], "owner,persist", "persist"],
    [["--own-tables"], "owner,persist", "persist"],
    [[], "", ""],
    [["--own-tables"], "owner,persist", "persist"],
  ];
  for (const [i, [flags, alive, dead]] of lives.entries()) {
    {
      await using program = new SourceProgram(folder, "store", ...flags);
      await until(
        "the rules are its own",
        () => served(kernel, 3)() && ours().join(";") === `${alive};${alive}`,
      );
      if (flags.length > 0) {
        for (
          const act of [
            "delete table ip ledgerproxy",
            "flush table ip ledgerproxy",
            "delete map ip ledgerproxy endpoints",
          ]
        ) {
          assert.equal(nft(act), false, act);
        }
        assert.equal(nft("flush ruleset"), true);
        assert.equal(ours().length, 2, "the flush skipped owned tables");
        using other = new NetlinkKernel();
        assert.throws(() => ownTables(other, true), /another process owns our tables: end it first/);
      }
      writeSource(folder, 4);
      await until("a change is served", served(kernel, 4));
      writeSource(folder, 3);
      await until("and another", served(kernel, 3));
      if (i === 1) {
        await until(
          "it says that nothing was to be done",
          () => /are in place, as of @\d+/.test(program.log),
        );
      }
      assert.equal(await program.stop(), 0);
    }
    assert.deepEqual(ours(), [dead, dead], "they outlive the process");
    assert.ok(served(kernel, 3)());
  }
  assertWhole(`${folder}/store/ledger`, kernel);
  await Deno.remove(folder, { recursive: true });
});
