// How much of the past the flags of `run` keep.

import assert from "node:assert/strict";
import { givenFlags, retention } from "../../src/node/run_options.ts";

Deno.test("the past is kept for 30 days and up to 1 GiB, or as the flags say", () => {
  const day = 86_400_000;
  assert.deepEqual(retention({}), { bytes: 2 ** 30, milliseconds: 30 * day });
  assert.deepEqual(retention({ retainDays: 0.5, retainMegabytes: 2 }), {
    bytes: 2_097_152,
    milliseconds: day / 2,
  });
});

Deno.test("the flags of a command line, with and without values", () => {
  assert.deepEqual(
    givenFlags(["run", "--node", "a", "--once", "--v=2", "--master=", "--allow-empty"]),
    {
      node: "a",
      once: "true",
      v: "2",
      master: "",
      "allow-empty": "true",
    },
  );
  // As `-v 4` is written for kube-proxy.
  for (const args of [["-v", "4"], ["-v=4"], ["-v4"]]) assert.deepEqual(givenFlags(args), { v: "4" });
});
