// log, show, diff and blame on a ledger with commits: the recorded evening, folded and committed in the fake kernel.

import assert from "node:assert/strict";
import { printable } from "../../src/printable.ts";
import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform, type Ports } from "../../src/engine/run_loop.ts";
import { rulesetAt } from "../../src/fold/ruleset_at.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { rulesetText } from "../../src/nft/text.ts";

const ROOT = new URL("../../", import.meta.url);
const RECORDING = new URL("fixtures/recordings/evening", ROOT).pathname;

async function ledgerproxy(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", new URL("src/cli/main.ts", ROOT).pathname, ...args],
    env: { NO_COLOR: "1", TZ: "Asia/Kathmandu" },
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Folds and commits the evening, record by record; returns the folder of the ledger. */
function committedEvening(): string {
  const folder = Deno.makeTempDirSync();
  const engine = newEngine();
  using kernel = new FakeKernel();
  using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
  const ports: Ports = {
    kernel,
    ledger,
    now: () => "2026-11-23T18:00:00.000Z",
    report: () => {},
    warn: () => {},
  };
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger, complete: true });
  perform(engine, ports, list(kernel));
  for (const { record } of readLedger(folderStorage(RECORDING, false))) {
    perform(engine, ports, { kind: "appended", first: ledger.append([record]), records: [record] });
    commitBatch(engine, ports);
  }
  const drift: LedgerRecord = {
    kind: "drift",
    time: "2026-11-23T19:00:00.000Z",
    process: "\u001b[31mnft\u202e",
    pid: 7,
    changes: ["delete table ip ledgerproxy"],
    response: "rules are put back",
  };
  ledger.append([drift]);
  return folder;
}

Deno.test("log, show, diff and blame agree with the ledger and with each other", async () => {
  const folder = committedEvening();
  const records = [...readLedger(folderStorage(folder, false))];
  const commits = records.filter(({ record }) => record.kind === "commit" && record.changes.length > 0);
  const [first, second] = commits.slice(-9).filter(({ record }) =>
    (record as CommitRecord).changesOmitted === 0
  );
  const { changes, through } = second!.record as CommitRecord;
  const at = (arg: string, ...rest: string[]) => ledgerproxy(...[arg, ...rest, "--ledger", folder]);

  const shown = await at("show", `@${through}`);
  const rules = shown.stdout.split("\n").filter((line) => !line.startsWith("#")).join("\n").trim();
  assert.equal(rules, rulesetText(rulesetAt(records, through)).trim(), "the rules at that moment");
  assert.match(shown.stdout, /^# @\d+ {2}2026-11-2[34] \d\d:\d\d:\d\d\.\d{3} \+05:45 {2}/);
  for (const { key } of changes) assert.ok(shown.stdout.includes(`{ ${key}`), key);
  const json = JSON.parse((await at("show", `@${through}`, "--json")).stdout);
  assert.deepEqual(json.commit.record.changes, changes);

  const before = (first!.record as CommitRecord).through;
  const ndjson = (await at("diff", `@${before}`, `@${through}`, "--json")).stdout.trim().split("\n").map((
    line,
  ) => JSON.parse(line));
  const between = commits.filter(({ record }) => {
    const commit = record as CommitRecord;
    return commit.through > before && commit.through <= through;
  }).flatMap(({ record }) => (record as CommitRecord).changes);
  assert.deepEqual(
    [...new Set(ndjson.map(({ set, key }) => `${set} ${key}`))].sort(),
    [...new Set(between.map(({ set, key }) => `${set} ${key}`))].sort(),
    "the changes that the commits in between recorded",
  );
  assert.equal((await at("diff", "HEAD", "HEAD")).code, 0, "no difference");

  const added = changes.find(({ verb }) => verb === "add")!;
  const blamed = (await at("blame", added.key, "--at", `@${through}`, "--json")).stdout.trim().split("\n")
    .map((line) => JSON.parse(line)).find(({ set }) => set === added.set);
  assert.equal(blamed.cause.offset, added.cause);
  assert.equal(blamed.commit.offset, second!.offset);
  assert.equal((await at("blame", "10.9.9.9")).code, 1);

  const log = await at("log", "shop/web", "--json", "--limit", "1000");
  const found = log.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(found.every((record, i) => i === 0 || record.offset < found[i - 1].offset), "newest first");
  const events = records.filter(({ record }) =>
    record.kind === "event" && /^(web|web-[a-z0-9]{5})$/.test(record.key.name) &&
    record.key.namespace === "shop"
  );
  assert.equal(found.filter(({ record }) => record.kind === "event").length, events.length);
  const kinds = await at("log", "--kind", "drift");
  assert.equal(
    kinds.stdout,
    `@${
      records.length - 1
    }  2026-11-24 00:45:00.000 +05:45  drift: \\u{1b}[31mnft\\u{202e} (process 7): delete table ip ledgerproxy; rules are put back\n`,
    "control characters in a name of another program are escaped",
  );
  const cut = await at("log", "--limit", "2");
  assert.equal(cut.stdout.match(/^@/gm)!.length, 2);
  assert.match(cut.stderr, /^older records match too: --limit 20 shows more/);
  assert.match((await at("log", "--since", "noon")).stderr, /noon: a position is an offset/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("characters that move a cursor or reverse text are escaped, all others stay", () => {
  assert.equal(printable("shop/web\tä 漢 🦀\n"), "shop/web\tä 漢 🦀\n");
  assert.equal(
    printable("\u001b]0;x\u0007\r\u009b2J\u202e\u2066\u200b\u2028"),
    "\\u{1b}]0;x\\u{7}\\u{d}\\u{9b}2J\\u{202e}\\u{2066}\\u{200b}\\u{2028}",
  );
});

Deno.test("replay makes each commit again, and shows both sides of the first that differs", async () => {
  const folder = committedEvening();
  const commits = [...readLedger(folderStorage(folder, false))].filter(({ record }) =>
    record.kind === "commit"
  );
  const whole = await ledgerproxy("replay", folder, "--json");
  assert.equal(whole.code, 0, whole.stdout + whole.stderr);
  assert.equal(JSON.parse(whole.stdout).commits, commits.length);

  // The same ledger, written by a program that made another rule of one event.
  const forged = Deno.makeTempDirSync();
  const wrong = commits[20]!.offset;
  {
    using writer = new LedgerWriter(folderStorage(forged, true), { policy: "never" });
    for (const { offset, record } of readLedger(folderStorage(folder, false))) {
      const different = { ...record, digest: "0".repeat(64) } as LedgerRecord;
      writer.append([offset === wrong ? different : record]);
    }
  }
  const differs = await ledgerproxy("replay", forged);
  assert.equal(differs.code, 1);
  assert.match(differs.stdout, new RegExp(`^the commit @${wrong} of @\\d+ to @\\d+ comes out differently\n`));
  assert.match(
    differs.stdout,
    /as it was, digest 0{64}:\n {4}[+-] ip[\s\S]*as it is now, digest [0-9a-f]{64}:\n {4}[+-] ip/,
  );
  assert.equal(
    (await ledgerproxy("replay", forged, "--to", `@${wrong - 1}`)).code,
    0,
    "up to there the commits are the same",
  );
  for (const one of [folder, forged]) await Deno.remove(one, { recursive: true });
});
