// Numbers with what they count.

import assert from "node:assert/strict";
import { countText } from "../src/count_text.ts";

Deno.test("one has the singular, every other number the plural, with its verb where one follows", () => {
  assert.deepEqual([0, 1, 2].map((count) => countText(count, "record")), [
    "0 records",
    "1 record",
    "2 records",
  ]);
  assert.deepEqual(
    [1, 2].map((count) => countText(count, "object changes", "objects change")),
    ["1 object changes", "2 objects change"],
  );
});
