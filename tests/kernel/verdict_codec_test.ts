// Verdicts as attributes and back.

import assert from "node:assert/strict";
import { attributes } from "../../src/kernel/netlink_reader.ts";
import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";
import { readVerdict, writeVerdict } from "../../src/kernel/verdict_codec.ts";
import { parseVerdict } from "../../src/nft/statement.ts";

Deno.test("every verdict is read back from its attributes", () => {
  for (const text of ["accept", "drop", "return", "continue", "goto pick-4", "jump services"]) {
    const writer = new NetlinkWriter();
    writeVerdict(writer, parseVerdict(text));
    assert.deepEqual(readVerdict(attributes(writer.finish())), parseVerdict(text));
  }
});
