// Lowers the allowances of tests/tidy_test.ts to what is found, and takes what is not needed out of untested.json.
//
//   deno task ratchet          an allowance never grows by itself
//   deno task ratchet --all    writes what is found, also where it is more: after files were moved; the commit says why

import { needlessEntries } from "./tidy/found_tests.ts";
import { readAllowances, readText, repositorySources, writeList } from "./tidy/repository.ts";
import { lowered, RATCHETS } from "./tidy_rules.ts";

const untested = JSON.parse(readText("tests/support/tidy/untested.json"));
for (const path of needlessEntries(repositorySources())) delete untested[path];
writeList("untested.json", untested);

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
