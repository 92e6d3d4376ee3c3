// What follows a ledger goes on while its segments begin, end and go, while the proxy starts again, and where another ledger comes to the
// folder.

import assert from "node:assert/strict";
import { segmentFirst, segmentNames } from "../../src/ledger/format.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { AskedLedger } from "../support/asked_program.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { imageCommand } from "../support/bundle.ts";
import { timeAt } from "../support/past.ts";
import { RotatingLedger } from "../support/rotating_ledger.ts";
import { ShownLines } from "../support/shown_lines.ts";

const ENDED_MILLISECONDS_MAX = 60_000;

/** What follows a ledger, and how each shows that shop/web was changed by record `offset`. */
const FOLLOWING:
  readonly (readonly [words: readonly string[], shown: (offset: number, address: string) => RegExp])[] = [
    [["services", "--watch"], (offset) => new RegExp(`^shop/web .* 1/1 +ok +@${offset} `, "m")],
    [
      ["services", "web", "--watch"],
      (offset, address) => new RegExp(`^  ${address}:8080 .* @${offset} `, "m"),
    ],
    [
      ["status", "--watch"],
      (offset) => new RegExp(`at @${offset + 1}, .*in sync: the kernel has the rules of @${offset}$`, "m"),
    ],
    [["log", "web", "-f"], (_, address) => new RegExp(`\\+ ${address} ready`)],
  ];

for (const [words, shown] of FOLLOWING) {
  Deno.test(`${words.join(" ")} goes on while segments and snapshots begin and go, and the proxy starts again`, async () => {
    using ledger = new AskedLedger();
    await using program = new ShownLines(...words, "--ledger", ledger.folder);
    await program.until(/\n/);
    for (let start = 0; start < 2; start++) {
      using writer = new RotatingLedger(ledger.folder, `10.244.${7 + start}`);
      for (const bytes of [Infinity, 0, Infinity]) {
        // A segment ends with a change that may not be shown yet.
        writer.change();
        writer.rotate(bytes);
        const { address, offset } = writer.change();
        await program.until(shown(offset, address));
      }
    }
    const [oldest = ""] = segmentNames(folderStorage(ledger.folder, false));
    assert.ok(segmentFirst(oldest)! > 0, "old segments were removed");
    assert.equal(await program.errors(), "");
  });
}

Deno.test("where another ledger comes to the folder, as after a repair, what follows goes on with that one", async () => {
  using ledger = new AskedLedger();
  await using services = new ShownLines("services", "--watch", "--ledger", ledger.folder);
  await using status = new ShownLines("status", "--watch", "--ledger", ledger.folder);
  await using log = new ShownLines("log", "-f", "--ledger", ledger.folder);
  await Promise.all([services, status, log].map((one) => one.until(/\n/)));
  const storage = folderStorage(ledger.folder, false);
  const { folder } = ledger;
  await Deno.mkdir(`${folder}/before`);
  for (const name of storage.names()) await Deno.rename(`${folder}/${name}`, `${folder}/before/${name}`);
  {
    using writer = new LedgerWriter(storage, { policy: "never" });
    const objects = [
      service("shop/next 10.96.0.8 http:80/tcp"),
      slice("shop/next-a http:8080/tcp 10.244.0.8"),
    ];
    writer.append(objects.map((object) => ({ ...appears(object), time: timeAt(60) })));
    await Promise.all([
      services.until(/^shop\/next .* 1\/1 +ok +@1 /m).then(() => services.until(/^shop\/web {2}is gone$/m)),
      status.until(/ at @1, .*: nothing was committed\n1 Service, 1 endpoint\n/),
      log.until(/^@0 .* Service shop\/next .*\n@1 .* \+ 10\.244\.0\.8 ready/m),
    ]);
  }
  assert.match(await log.errors(), /another ledger is in the folder now; its records follow/);
});

for (const words of [["log", "-n", "1", "-f"], ["services", "--watch"], ["status", "--watch"]]) {
  Deno.test(`${words.join(" ")} ends once its reader has, although nothing more is written`, async () => {
    using ledger = new AskedLedger();
    const command = imageCommand(...words, "--ledger", ledger.folder).map((word) => `'${word}'`).join(" ");
    const process = new Deno.Command("sh", { args: ["-c", `${command} | head -1`], stdout: "piped" }).spawn();
    const late = setTimeout(() => process.kill("SIGKILL"), ENDED_MILLISECONDS_MAX);
    // The shell ends once both have.
    const { success, stdout } = await process.output();
    clearTimeout(late);
    assert.ok(success, "it ends by itself");
    assert.match(new TextDecoder().decode(stdout), /^.+\n$/);
  });
}
