// What a running proxy answers, and what something else in its place does.

import assert from "node:assert/strict";
import { proxyFindings } from "../../src/cli/proxy_answers.ts";

async function findings(answer: Response): Promise<string[]> {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => answer.clone());
  const place = `127.0.0.1:${server.addr.port}`;
  return (await proxyFindings(place, place)).map(({ severity, text }) => `${severity} ${text}`);
}

Deno.test("a healthy proxy has no finding; another server is a note, whatever it answers", async () => {
  assert.deepEqual(await findings(Response.json({ problems: [], sources: {} })), []);
  const [kubeProxy] = await findings(Response.json({ lastUpdated: "x", nodeEligible: true }));
  assert.match(kubeProxy!, /^note what answers on .* is not this program$/);
  for (
    const answer of [
      new Response("<html>"),
      new Response("x".repeat(300_000)),
      Response.redirect("http://127.0.0.1:1/"),
    ]
  ) {
    const [finding] = await findings(answer);
    assert.match(finding!, /^note no proxy answers/);
  }
});

Deno.test("assertions that are broken are failing", async () => {
  const assertions = [{ name: "web", text: "0 ready", since: "2026-11-26T00:00:00Z" }];
  assert.deepEqual(await findings(Response.json({ problems: [], sources: {}, assertions })), [
    "failing web: 0 ready",
  ]);
});

Deno.test("of a ledger that cannot be written it is said why, and that what is read from it is old", async () => {
  const problems = ["ledger cannot be written"];
  const full = "No space left on device (os error 28): free room";
  // One server answers both, so the texts of /details are beside the problems.
  const shown = (unwrittenRecords: number, ledger: object) =>
    findings(Response.json({ problems, sources: {}, ledger: { unwrittenRecords, ...ledger } }));
  assert.deepEqual(await shown(3, {}), [
    "warning the running proxy says: ledger cannot be written; 3 records are not in it, so what follows is of the time before",
  ]);
  assert.deepEqual(await findings(Response.json({ problems, sources: {}, ledger: full })), [
    `warning the running proxy says: ledger cannot be written: ${full}`,
  ]);
});

Deno.test("problems that are no texts are left out, and characters that move a cursor are escaped", async () => {
  const body = { problems: [7, "own Node deleted", "\u001b[2J"], sources: [null, { problem: 3 }] };
  assert.deepEqual(await findings(Response.json(body, { status: 503 })), [
    "warning the running proxy says: own Node deleted",
    "warning the running proxy says: \\u{1b}[2J",
  ]);
});
