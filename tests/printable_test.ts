// Text that other programs chose, made safe to print.

import assert from "node:assert/strict";
import { printable, printableJson, redacted } from "../src/printable.ts";

Deno.test("control and format characters are escaped; letters, newlines and tabs stay", () => {
  assert.equal(printable("shop/web\tä 漢 🦀\n"), "shop/web\tä 漢 🦀\n");
  assert.equal(
    printable("a\u001b]0;x\u0007\r\u009b2J\u202e\u2066\u200b\u2028b"),
    "a\\u{1b}]0;x\\u{7}\\u{d}\\u{9b}2J\\u{202e}\\u{2066}\\u{200b}\\u{2028}b",
  );
});

Deno.test("printable JSON parses to the same value", () => {
  const value = { name: "a\u202eb", process: "c\u0007", tag: "\u{e0001}" };
  const json = printableJson(JSON.stringify(value));
  assert.match(json, /^[\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(json), value);
});

Deno.test("what looks like a credential is removed; names and digests stay", () => {
  const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkFCQ0RFRkdISUpLTE1OT1BRUlMifQ";
  assert.equal(redacted(`got ${token}.x.y`), "got ...");
  assert.equal(redacted("https://user:pass@10.0.0.1/x"), "https://...@10.0.0.1/x");
  assert.equal(redacted("Authorization: abc"), "Authorization: ...");
  assert.equal(redacted('{"token": "abc"}'), '{"token": "..."}');
  assert.equal(redacted("a -----BEGIN KEY-----\nabc\n-----END KEY----- b"), "a ... b");
  const name = "a-service-with-a-name-of-more-than-forty-characters-in-it";
  const digest = "0123456789abcdef".repeat(4);
  assert.equal(redacted(`${name} ${digest}`), `${name} ${digest}`);
});
