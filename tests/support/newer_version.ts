// A copy of this program that says it is of a later version: the format of its ledger has the next number, and its tables have a
// set, a chain and rules that this version does not make.

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const PARTS = ["src", "deno.json", "deno.lock"];

/** Pairs of an old and a new text. Each old text is in the file exactly once. */
const CHANGES: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>> = {
  "src/ledger/format.ts": [["FORMAT_VERSION = 1;", "FORMAT_VERSION = 2;"]],
  "src/fold/skeleton.ts": [
    [
      'name: POSITION_SET,\n      key: ["mark"],',
      'name: "later",\n      key: [address],\n    },\n    {\n      kind: "set",\n      name: POSITION_SET,\n      key: ["mark"],',
    ],
    [
      'chain("reject-chain", [',
      'chain("reject-chain", [rule([{ kind: "lookup", key: [frontendKey(family)[0]!], set: "later" }, { kind: "verdict", verdict: { kind: "return" } }]),',
    ],
  ],
  "deno.json": [['"version": "', '"version": "99.']],
};

/** Runs the later version with `args`, to its end. */
export class NewerVersion implements Disposable {
  readonly #folder = Deno.makeTempDirSync();

  constructor() {
    const paths = PARTS.map((part) => new URL(part, ROOT).pathname);
    run("cp", ["-r", ...paths, this.#folder]);
    for (const [file, changes] of Object.entries(CHANGES)) {
      const path = `${this.#folder}/${file}`;
      let text = Deno.readTextFileSync(path);
      for (const [from, to] of changes) {
        assert.equal(text.split(from).length, 2, `${file} has ${from} once`);
        text = text.replace(from, to);
      }
      Deno.writeTextFileSync(path, text);
    }
  }

  run(...args: readonly string[]): string {
    return run(Deno.execPath(), ["run", "--allow-all", `${this.#folder}/src/cli/main.ts`, ...args]);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function run(command: string, args: readonly string[]): string {
  const options = { args: [...args], env: { NO_COLOR: "1" }, stdin: "null" as const };
  const { success, stdout, stderr } = new Deno.Command(command, options).outputSync();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text);
  return text;
}
