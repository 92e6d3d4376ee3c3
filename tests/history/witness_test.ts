// What a witness saw, beside a ledger that is whole in itself.

import assert from "node:assert/strict";
import { WitnessCheck } from "../../src/history/witness.ts";

const LEDGER = "0123456789abcdef";
const chain = (next: number) => String(next).padStart(64, "c");
const head = (next: number, ledger = LEDGER) => ({ ledger, next, chain: chain(next) });

/** What is found in a ledger with the records @2 to @9, whose chain is another one from `other` on. */
function problemsOf(heads: ReturnType<typeof head>[], other = Infinity): string[] {
  const check = new WitnessCheck(heads, LEDGER);
  for (let next = 2; next <= 10; next++) check.note(next, next >= other ? "d".repeat(64) : chain(next));
  return check.problems(2, 9);
}

Deno.test("a ledger that has what the witness saw has no problem; what retention removed cannot be compared", () => {
  for (const heads of [[], [head(4)], [head(1), head(4), head(10)], [head(4), head(8, "f".repeat(16))]]) {
    assert.deepEqual(problemsOf(heads), []);
  }
});

Deno.test("another past, a cut tail and another ledger are found", () => {
  const heads = [head(3), head(6), head(8)];
  assert.deepEqual(problemsOf(heads, 5), [
    "what is before @6 is not what the witness saw; the first record that cannot be trusted is @3",
  ]);
  assert.match(
    problemsOf(heads, 2).join(),
    /what is before @3 .* the first record that cannot be trusted is @2$/,
  );
  assert.match(problemsOf([...heads, head(12)]).join(), /^the witness saw @11, and the ledger ends at @9/);
  assert.match(
    problemsOf([head(3, "f".repeat(16))]).join(),
    /^the witness never saw ledger 0123456789abcdef, but f+: all of it/,
  );
});

Deno.test("a witness that saw only what is not kept any more proves nothing, and what it confirms is counted", () => {
  assert.deepEqual(problemsOf([head(0), head(1)]), [
    "the witness saw only what is before @1, and nothing before @2 is kept: it proves nothing",
  ]);
  assert.deepEqual(problemsOf([head(1), head(2)]), []);
  const check = new WitnessCheck([head(1), head(3), head(5), head(8)], LEDGER);
  for (let next = 2; next <= 10; next++) check.note(next, next === 8 ? chain(9) : chain(next));
  assert.deepEqual(check.summary, { count: 2, through: 5 });
});

Deno.test("a witness that saw two pasts of one place saw a ledger that was replaced", () => {
  assert.match(
    problemsOf([head(3), { ...head(3), chain: "e".repeat(64) }]).join(),
    /what is before @3 is not what/,
  );
});

Deno.test("what differs is reported with the objects that have it, a few of them by name", () => {
  const inLease = (next: number, node: string, seen = chain(next)) => ({
    ...{ ledger: LEDGER, next, chain: seen },
    seenIn: `Lease kube-system/ledgerproxy-${node}`,
  });
  assert.deepEqual(problemsOf([inLease(3, "a"), inLease(3, "b", "e".repeat(64)), inLease(12, "c")]), [
    "what is before @3 is not what the witness saw in Lease kube-system/ledgerproxy-b; " +
    "the first record that cannot be trusted is @2",
    "the witness saw @11 in Lease kube-system/ledgerproxy-c, and the ledger ends at @9: " +
    "its tail was cut, or it is an older copy",
  ]);
  const many = ["a", "b", "c", "d", "e"].map((node) => inLease(3, node, "e".repeat(64)));
  assert.match(problemsOf(many).join(), /ledgerproxy-a, .*-b, .*-c and 2 others; the first record/);
});
