// Seconds since 1970 as RFC 3339.

import assert from "node:assert/strict";
import { secondsText } from "../../src/ingest/unix_time.ts";

Deno.test("a time from year 0 to year 9999 is written without fraction, others are not", () => {
  assert.equal(secondsText(0), "1970-01-01T00:00:00Z");
  assert.equal(secondsText(-62_167_219_200), "0000-01-01T00:00:00Z");
  assert.equal(secondsText(253_402_300_799), "9999-12-31T23:59:59Z");
  for (const seconds of [-62_167_219_201, 253_402_300_800, Infinity, NaN]) {
    assert.equal(secondsText(seconds), undefined);
  }
});

Deno.test("many times in turn have their own texts, also those that come again", () => {
  for (let turn = 0; turn < 2; turn++) {
    for (let minute = 0; minute < 3000; minute++) {
      const iso = new Date(minute * 60_000).toISOString();
      assert.equal(secondsText(minute * 60), iso.replace(".000", ""));
    }
  }
});
