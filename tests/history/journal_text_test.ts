// The journal of a segment as text, and back.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { JournalEntry } from "../../src/history/journal.ts";
import { DETAIL_KINDS, journalText, readJournalText } from "../../src/history/journal_text.ts";

const count = fc.nat(1000);
const text = fc.string({ maxLength: 12 });
const texts = fc.array(text, { maxLength: 3 });
const ENTRIES: fc.Arbitrary<JournalEntry[]> = fc.array(
  fc.record({
    offset: count,
    time: count,
    kind: fc.constantFrom("event", "config", "commit", "drift", "gap"),
    object: text,
    verb: fc.constantFrom("appeared", "changed", "gone"),
    service: fc.constantFrom("", "shop/web", "shop/cart"),
    trigger: count,
    effect: fc.boolean(),
    waits: fc.boolean(),
    waited: fc.option(fc.record({ offset: count, time: count }), { nil: undefined }),
    endpoints: fc.array(fc.record({ address: text, was: text, is: text, node: text, pod: text }), {
      maxLength: 3,
    }),
    fields: fc.array(fc.record({ path: text, was: text, is: text }), { maxLength: 3 }),
    condition: fc.option(fc.record({ serving: count, lacking: texts }), { nil: undefined }),
    came: texts,
    left: texts,
    commit: fc.option(
      fc.record({
        from: count,
        through: count,
        microseconds: count,
        operations: count,
        accepted: fc.boolean(),
      }),
      { nil: undefined },
    ),
    text,
  }),
  { maxLength: 8 },
);

Deno.test("property: entries are read as they were written; of one Service only its own and commits", () => {
  fc.assert(fc.property(ENTRIES, (entries) => {
    const written = journalText(entries);
    const same = (found: unknown) => JSON.parse(JSON.stringify(found));
    assert.deepEqual(same(readJournalText(written)), same(entries));
    const own = entries.filter(({ service, commit }) => service === "shop/web" || commit !== undefined);
    const bare = entries.map((entry) => ({ ...entry, endpoints: [], fields: [] }));
    assert.deepEqual(same(readJournalText(written, { details: false })), same(bare));
    assert.deepEqual(same(readJournalText(written, { service: "shop/web", details: true })), same(own));
  }));
});

Deno.test("a text of another version, one that is cut, and any other text have no entries", () => {
  const written = journalText([]);
  for (
    const wrong of [
      written.replace(/"version":\d+/, '"version":0'),
      written.slice(0, -1),
      "",
      "{}",
      "null\n[]",
    ]
  ) {
    assert.equal(readJournalText(wrong), undefined, wrong);
  }
});

/** Whether any text of an entry is `needle`. */
const hasText = (entry: JournalEntry, needle: string) =>
  Object.values(entry).some((value) => hasTextIn(value, needle));
function hasTextIn(value: unknown, needle: string): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some((one) => hasTextIn(one, needle));
  }
  return value === needle;
}

Deno.test("property: with a needle, the entries that have it as a text are read whole, and all commits", () => {
  fc.assert(fc.property(ENTRIES, fc.stringMatching(/^[a-z0-9.]{1,3}$/), fc.nat(7), (entries, needle, at) => {
    const marked = entries.map((entry, i) =>
      i === at
        ? { ...entry, endpoints: [{ address: needle, was: "", is: "ready", node: "", pod: "" }] }
        : entry
    );
    const same = (found: unknown) => JSON.parse(JSON.stringify(found));
    const read = readJournalText(journalText(marked), { details: true, needle })!;
    const wanted = (entry: JournalEntry) => hasText(entry, needle) || entry.commit !== undefined;
    const offsets = (found: readonly JournalEntry[]) => found.filter(wanted).map(({ offset }) => offset);
    assert.deepEqual(offsets(read), offsets(marked));
    const whole = (found: readonly JournalEntry[]) => same(found.filter((entry) => hasText(entry, needle)));
    assert.deepEqual(whole(read), whole(marked));
  }));
});

Deno.test("an address with leading zeros may be the needle", () => {
  const [entry] = fc.sample(ENTRIES.filter((entries) => entries.length > 0), { numRuns: 1, seed: 1 })[0]!;
  const one = { ...entry!, endpoints: [{ address: "10.00.0.7", was: "", is: "ready", node: "", pod: "" }] };
  const [read] = readJournalText(journalText([one]), { details: true, needle: "10.0.0.7" })!;
  assert.equal(read!.endpoints[0]!.address, "10.00.0.7");
});

const KINDS_OF_ENDPOINT = (one: { was: string; is: string }) =>
  one.was === "" ? "endpoint-added" : one.is === "" ? "endpoint-removed" : "readiness";

Deno.test("property: of a kind of change, and of a text, the entries that have it are read, commits and steps", () => {
  const kinds = fc.option(fc.constantFrom(...DETAIL_KINDS), { nil: undefined });
  const letters = fc.option(fc.stringMatching(/^[a-f]$/), { nil: undefined });
  fc.assert(fc.property(ENTRIES, kinds, letters, (entries, change, letter) => {
    const hasChange = ({ endpoints, fields }: JournalEntry) =>
      change === "fields" ? fields.length > 0 : endpoints.some((one) => KINDS_OF_ENDPOINT(one) === change);
    const has = ({ object, text, endpoints, fields }: JournalEntry) =>
      [object, text, ...[...endpoints, ...fields].flatMap((one) => Object.values(one))].some((one) =>
        one.includes(letter!)
      );
    const asked: string[] = [];
    const mentions = letter && ((one: string) => asked.push(one) > 0 && one.includes(letter));
    const part = { details: true, change, mentions: mentions || undefined };
    const same = (found: unknown) => JSON.parse(JSON.stringify(found));
    const wanted = entries.filter((entry) =>
      entry.commit !== undefined || entry.waited !== undefined ||
      (change === undefined || hasChange(entry)) && (letter === undefined || has(entry))
    );
    assert.deepEqual(same(readJournalText(journalText(entries), part)), same(wanted));
    assert.equal(asked.length, new Set(asked).size, "each text is looked at once");
  }));
});

Deno.test("of a range of times its entries are read whole, and the commits of any time", () => {
  const entry = (offset: number, time: number, commit: boolean): JournalEntry => ({
    ...{ offset, time, kind: commit ? "commit" : "event", object: "Service shop/web", verb: "changed" },
    ...{ service: "shop/web", trigger: 0, effect: true, waits: false, waited: undefined, endpoints: [] },
    ...{ condition: undefined, came: [], left: [], text: "", fields: [{ path: "type", was: "a", is: "b" }] },
    commit: commit ? { from: 0, through: 0, microseconds: 1, operations: 1, accepted: true } : undefined,
  });
  const entries = [entry(0, 10, false), entry(1, 20, false), entry(2, 30, true), entry(3, 40, false)];
  const read = readJournalText(journalText(entries), { details: true, since: 15, until: 25 })!;
  assert.deepEqual(read.map(({ offset, fields }) => [offset, fields.length]), [[1, 1], [2, 0]]);
});
