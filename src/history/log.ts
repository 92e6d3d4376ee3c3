// What happened: the records that a search is about, newest first.

import type { Search } from "../ledger/ledger_view.ts";
import type { Placed } from "../ledger/reader.ts";
import { matcher } from "./mentions.ts";
import type { Past } from "./past.ts";

/** The records of `past` that `search` is about, newest first; all of them where nothing is searched for. */
export function* recordsAbout(past: Past, search: Search = {}): Generator<Placed> {
  const matches = matcher(search);
  for (const placed of past.newestFirst(search)) if (matches(placed.record)) yield placed;
}
