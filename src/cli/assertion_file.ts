// Reads a file of assertions.

import { type Assertion, parseAssertions } from "../history/assertion.ts";
import { readDocuments } from "../ingest/manifest_documents.ts";
import { CONFIG_BYTES_MAX } from "../limits/input.ts";
import { namedFile } from "../node/named_file.ts";
import { UsageError } from "../node/usage_error.ts";

/** The assertions in `file`. Throws {@link UsageError}, which says all that is wrong with it. */
export function assertionsIn(file: string): readonly Assertion[] {
  const { values, problems } = readDocuments(file, namedFile("", file, CONFIG_BYTES_MAX));
  const parsed = problems.length > 0 ? { problems } : parseAssertions(values);
  if ("problems" in parsed) throw new UsageError([`${file}:`, ...parsed.problems].join("\n  "));
  return parsed;
}
