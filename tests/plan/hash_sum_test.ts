// Sums of hashes, beside those that node:crypto makes.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import fc from "fast-check";
import { HashSum } from "../../src/plan/hash_sum.ts";
import { LANES_FILE, lanesSource } from "../support/sha256_lanes.ts";

type Added = readonly [texts: readonly string[], sign: 1 | -1];

function expected(added: readonly Added[]): Uint32Array {
  const sum = new Uint32Array(8);
  for (const [texts, sign] of added) {
    const bytes = new DataView(Uint8Array.fromHex(hash("sha256", texts.join(""), "hex")).buffer);
    sum.forEach((_, word) => sum[word]! += sign * bytes.getUint32(4 * word, true));
  }
  return sum;
}

function summed(added: readonly Added[]): Uint32Array {
  const sum = new HashSum();
  for (const [texts, sign] of added) sum.add(texts, sign);
  const digest = new Uint32Array(8);
  sum.addTo(digest);
  return digest;
}

const arbitraryText = fc.oneof(
  fc.nat(500).map((length) => "x".repeat(length)),
  fc.string({ maxLength: 70 }),
  fc.string({ maxLength: 40, unit: "grapheme" }),
);
const arbitraryAdded = fc.array(
  fc.tuple(fc.array(arbitraryText, { maxLength: 4 }), fc.constantFrom<1 | -1>(1, -1)),
  { maxLength: 30 },
);

Deno.test("a sum is that of the hashes of the texts in UTF-8, whatever their number, lengths and signs", () => {
  fc.assert(fc.property(arbitraryAdded, (added) => assert.deepEqual(summed(added), expected(added))));
  for (let length = 0; length < 450; length++) {
    const added: Added[] = [[["y".repeat(length)], length % 3 === 0 ? -1 : 1]];
    assert.deepEqual(summed(added), expected(added), `${length} characters`);
  }
});

Deno.test("a sum that was left before its end adds nothing to the next one", () => {
  const left = new HashSum();
  for (const text of ["a", "b", "c", "d", "e", "f"]) left.add([text], 1);
  assert.deepEqual(summed([[["g"], 1]]), expected([[["g"], 1]]));
});

Deno.test("what is added and subtracted again leaves a digest as it was", () => {
  const digest = Uint32Array.from({ length: 8 }, (_, word) => 0xffff_fff0 + word);
  const sum = new HashSum();
  for (const sign of [1, -1] as const) {
    for (const text of ["a", "b".repeat(99), "\u20ac"]) sum.add([text], sign);
  }
  sum.addTo(digest);
  assert.deepEqual(digest, Uint32Array.from({ length: 8 }, (_, word) => 0xffff_fff0 + word));
});

Deno.test("a processor without these vectors hashes each text alone, to the same sum", async () => {
  const program = `
    const { HashSum } = await import(${
    JSON.stringify(new URL("../../src/plan/hash_sum.ts", import.meta.url))
  });
    const sum = new HashSum();
    for (const text of ["a", "b", "c".repeat(100)]) sum.add([text], 1);
    sum.add(["d"], -1);
    const digest = new Uint32Array(8);
    sum.addTo(digest);
    console.log(digest.join());`;
  const added: Added[] = [[["a"], 1], [["b"], 1], [["c".repeat(100)], 1], [["d"], -1]];
  for (const flags of [[], ["--v8-flags=--no-enable-sse4-1"]]) {
    const args = ["run", "--quiet", "--no-check", "--ext=ts", ...flags, "-"];
    const process = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
    const input = process.stdin.getWriter();
    await input.write(new TextEncoder().encode(program));
    await input.close();
    const { stdout } = await process.output();
    assert.equal(new TextDecoder().decode(stdout).trim(), expected(added).join());
  }
});

Deno.test("the committed module is the output of `deno task sha256-lanes`", async () => {
  assert.equal(await Deno.readTextFile(LANES_FILE), await lanesSource());
});
