// Lowers the allowances of tests/tidy_test.ts to what is found. In untested.json it follows files that were moved, and removes
// entries that are not needed.
//
//   deno task ratchet          an allowance never grows by itself
//   deno task ratchet --all    writes what is found, also where it is more: after files were moved. The commit says why.

import { afterMoves, type Covered, needlessEntries } from "./tidy/found_tests.ts";
import { readAllowances, readText, repositorySources, writeList } from "./tidy/repository.ts";
import { lowered, RATCHETS } from "./tidy_rules.ts";

writeList(
  "untested.json",
  afterMoves(repositorySources(), JSON.parse(readText("tests/support/tidy/untested.json"))),
);
const needless = needlessEntries(repositorySources());
const untested = JSON.parse(readText("tests/support/tidy/untested.json")) as Covered;
writeList(
  "untested.json",
  Object.fromEntries(Object.entries(untested).filter(([path]) => !needless.includes(path))),
);

const all = Deno.args.includes("--all");
const sources = repositorySources();
const allowances = readAllowances();
writeList(
  "allowances.json",
  Object.fromEntries(
    Object.entries(RATCHETS).map(([sentence, rule]) => {
      const found = rule(sources);
      return [sentence, lowered(found, all ? found : allowances[sentence] ?? {})];
    }),
  ),
);
