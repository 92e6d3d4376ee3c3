// Commands that write a ledger, on a real disk without room for it: they fail, say so, and leave what was there as it was.

import assert from "node:assert/strict";
import { imageCommand } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const EVENING = `${FIXTURES}recordings/evening/00000000000000000000.ndjson`;
const IMPORTS = ["services", "endpointslices"].map((name) => `${FIXTURES}imports/${name}.events.json`);

/** What a script printed on a disk of its own, with room for so many KiB, where FOLDER is; `ledgerproxy` there is the program with `args`. */
async function onDisk(kibibytes: number, script: string, ...args: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  const placed = args.map((word) => word.replace("FOLDER", folder));
  const quoted = imageCommand(...placed).map((word) => `'${word}'`).join(" ");
  const lines = `mount -t tmpfs -o size=${kibibytes}k full $0 && cd $0 && ledgerproxy() { ${quoted}; }; ${
    script.replaceAll("FOLDER", folder)
  }`;
  const { stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", lines, folder],
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(folder, { recursive: true });
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("import without room fails and leaves no ledger, so that it can be tried again", async () => {
  const said = await onDisk(
    8,
    "ledgerproxy; echo code $?; ls FOLDER/ledger",
    ...["import", ...IMPORTS, "--ledger", "FOLDER/ledger"],
  );
  assert.match(said, /code 3\nwriter\.lock\n/);
  assert.match(
    said,
    /error: ledger .*: its last \d+ records? (is|are) not written \(No space left on device/,
  );
});

Deno.test("record without room fails, and says how much is missing", async () => {
  const said = await onDisk(
    64,
    "ledgerproxy; echo code $?",
    ...["record", "--once", "--source", EVENING.replace(/\/[^/]*$/, ""), "--speed", "100000"],
    ...["--node", "node-a", "--ledger", "FOLDER/ledger"],
  );
  assert.match(said, /code 3\n/);
  assert.match(
    said,
    /error: ledger .*: its last \d+ records? (is|are) not written \(No space left on device/,
  );
});

Deno.test("verify --repair without room fails, and the damaged ledger keeps its place", async () => {
  const damaged = "mkdir -m 700 ledger && sed '200s/^......./xxxxxxx/' " + EVENING +
    " > ledger/00000000000000000000.ndjson && chmod 600 ledger/* && sum ledger/*.ndjson > before";
  const fill = "cat /dev/zero > fill 2> /dev/null; truncate -s -8K fill";
  const said = await onDisk(
    1024,
    `${damaged}; ${fill}; ledgerproxy; echo code $?; ls ledger; sum ledger/*.ndjson | cmp - before && echo same; ` +
      "rm fill; ledgerproxy; echo code $?; ls ledger",
    ...["verify", "--repair", "--ledger", "FOLDER/ledger"],
  );
  const [without, room] = said.split("same\n");
  assert.match(without!, /code 3\n00000000000000000000\.ndjson\nwriter\.lock\n$/);
  assert.match(room!, /code 1\n00000000000000000000\.ndjson\ndamaged-.*\nwriter\.lock\n/);
  assert.match(
    said,
    /error: ledger .* is damaged, and its disk refuses .* \(No space left on device \(os error 28\): '.*\/ledger\/'\); nothing/,
  );
});
