// The form of messages, and that they have no credential.

import assert from "node:assert/strict";
import { logLine, type LogSettings, type Message } from "../../src/node/log.ts";

const LOG = new URL("../../src/node/log.ts", import.meta.url).href;

/** What `program` writes to standard error. */
async function loggedBy(program: string): Promise<string> {
  const { stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.ok(success);
  return new TextDecoder().decode(stderr);
}

Deno.test("a text with braces is logged as it is, on one line, without control characters", async () => {
  const text = 'an answer {"status":"ok"} and {{more}}\u001b[2J';
  const program = `import { log, startLog } from ${JSON.stringify(LOG)};
startLog();
log.warn(${JSON.stringify(text)});`;
  assert.equal(
    await loggedBy(program),
    'warning: an answer {"status":"ok"} and {{more}}\\u{1b}[2J\n',
  );
});

Deno.test("a message that is made later comes before the next one, or at the end, and is made once", async () => {
  const program = `import { flushLog, log, logLater, startLog } from ${JSON.stringify(LOG)};
startLog();
const made = [];
logLater(() => "made of " + made, 600_000);
logLater(() => "never", 0);
made.push(1, 2);
log.warn("a warning");
await new Promise((resolve) => (logLater(() => (setTimeout(resolve), "made in time"), 1)));
logLater(() => "at the end", 600_000);
await flushLog();`;
  assert.equal(
    await loggedBy(program),
    "made of 1,2\nwarning: a warning\nmade in time\nat the end\n",
  );
});

const TIME = Date.parse("2026-11-23T03:12:00.123Z");
const shown = (message: Partial<Message>, format: LogSettings["format"]) =>
  logLine({ level: "info", time: TIME, text: "in sync", ...message }, { format, verbosity: 0 });

Deno.test("commands write sentences; the log of run has time and level; JSON has the keys of Kubernetes", () => {
  assert.equal(shown({}, "plain"), "in sync\n");
  assert.equal(shown({ level: "error" }, "plain"), "error: in sync\n");
  assert.equal(shown({}, "text"), "2026-11-23T03:12:00.123Z info: in sync\n");
  assert.equal(shown({ level: "warning" }, "json"), `{"ts":${TIME},"level":"warning","msg":"in sync"}\n`);
  assert.deepEqual(JSON.parse(shown({ level: "debug" }, "json"))["v"], 4);
});

Deno.test("each line of a message has time and level, and a long message is cut", () => {
  assert.equal(
    shown({ level: "error", text: "a\nb" }, "text"),
    "2026-11-23T03:12:00.123Z error: a\n2026-11-23T03:12:00.123Z error: b\n",
  );
  assert.ok(shown({ text: "x".repeat(1 << 20) }, "text").length < 17_000);
});

Deno.test("what looks like a credential is left out; names and digests stay", () => {
  const token = "aBcDeFgH0123456789aBcDeFgH0123456789aBcDeFgH";
  for (
    const text of [
      `https://user:${token}@host/x`,
      `Authorization: Bearer ${token}`,
      `token=${token}`,
      `"password":"${token}"`,
      `-----BEGIN PRIVATE KEY-----\n${token}\n-----END PRIVATE KEY-----`,
      `eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9aaaaaaa.eyJpc3MiOiJrdWJlcm5ldGVzIn0.${token}`,
      token,
    ]
  ) assert.doesNotMatch(shown({ text }, "json"), /aBcDeFgH/, text);
  const kept = `/var/lib/kubelet/pods/0b6d2c1e-5a4f-4e0b-9d6a-7c1f2e3d4b5a: digest ${
    "0123456789abcdef".repeat(4)
  }`;
  assert.equal(shown({ text: kept }, "plain"), `${kept}\n`);
});

Deno.test("of a credential that a long message would cut no part is left", () => {
  const token = "aBcDeFgH0123456789".repeat(4);
  for (let before = 16_000; before < 16 * 1024; before += 7) {
    const text = `${"- ".repeat(before / 2)}${token} ${"- ".repeat(1000)}`;
    assert.doesNotMatch(shown({ text }, "plain"), /aBc/, String(before));
  }
});
