// The checks that `deno task sabotage` removes are those of the present source.

import assert from "node:assert/strict";
import { sabotaged, SABOTAGES } from "./sabotages.ts";

Deno.test("each sabotage finds the check that it removes, and changes it", () => {
  for (const sabotage of SABOTAGES) {
    const text = Deno.readTextFileSync(new URL(`../../${sabotage.file}`, import.meta.url));
    assert.notEqual(sabotaged(text, sabotage), text);
  }
  assert.equal(new Set(SABOTAGES.map(({ check }) => check)).size, SABOTAGES.length);
});
