// README's picture shows what the commands print.

import assert from "node:assert/strict";
import { PICTURE, picture } from "../support/terminal_recording.ts";

Deno.test("the picture of a terminal in README is up to date: if not, run `deno task recording`", async () => {
  assert.equal(await picture(), await Deno.readTextFile(PICTURE));
});
