// What is logged is what people read: texts come from API servers, files and kernels.

import assert from "node:assert/strict";

const LOG = new URL("../../src/node/log.ts", import.meta.url).href;

Deno.test("a text with braces is logged as it is, on one line, without control characters", async () => {
  const text = 'an answer {"status":"ok"} and {{more}}\u001b[2J';
  const program = `import { log, startLog } from ${JSON.stringify(LOG)};
startLog();
log.warn(${JSON.stringify(text)});`;
  const { stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.ok(success);
  assert.equal(
    new TextDecoder().decode(stderr),
    'warning: an answer {"status":"ok"} and {{more}}\\u{1b}[2J\n',
  );
});
