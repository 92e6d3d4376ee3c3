// `diff` as a user runs it, compared with the changes that the ledger has recorded.

import assert from "node:assert/strict";
import { CommittedEvening } from "../../support/committed_evening.ts";
import { jsonLines } from "../../support/run_program.ts";

/** An element, wherever it is named. */
interface Place {
  readonly set: string;
  readonly key: string;
}

Deno.test("diff has the elements that the commits in between changed; no difference is exit code 0", async () => {
  using evening = new CommittedEvening();
  const [from, to] = evening.two.map(({ record }) => record.through);
  const differing: Place[] = jsonLines(await evening.ask("diff", `@${from}`, `@${to}`, "--json"));
  const recorded = evening.commits.filter(({ record }) => record.through > from! && record.through <= to!)
    .flatMap(({ record }): readonly Place[] => record.changes);
  const places = (all: readonly Place[]) => [...new Set(all.map(({ set, key }) => `${set} ${key}`))].sort();
  assert.deepEqual(places(differing), places(recorded));
  assert.equal((await evening.ask("diff", "HEAD", "HEAD")).code, 0);
  const wrong = await evening.ask("diff", "HEAD", "HEAD", "--other", "/nowhere");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--other \/nowhere: there is no ledger/);
});
