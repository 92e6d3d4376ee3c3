// Times in the zone of the machine.

import assert from "node:assert/strict";
import { localTime } from "../../src/cli/local_time.ts";

Deno.test("a time is written with its zone, and stays the same instant", () => {
  const text = localTime("2026-11-23T03:12:00.123Z");
  assert.match(text, /^2026-11-2[234] \d\d:\d\d:\d\d\.123 [+-]\d\d:\d\d$/);
  const [day, time, zone] = text.split(" ");
  assert.equal(Date.parse(`${day}T${time}${zone}`), Date.parse("2026-11-23T03:12:00.123Z"));
  assert.equal(localTime(""), "unknown time");
});
