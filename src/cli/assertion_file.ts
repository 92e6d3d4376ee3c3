// Reads a file of assertions.

import { type Assertion, parseAssertions } from "../history/assertion.ts";
import { readFault, readTextUpTo } from "../ingest/bounded_file.ts";
import { readDocuments } from "../ingest/manifest_documents.ts";
import { CONFIG_BYTES_MAX } from "../limits/input.ts";
import { UsageError } from "../node/usage_error.ts";

/** The assertions in `file`. Throws {@link UsageError}, which says all that is wrong with it. */
export function assertionsIn(file: string): readonly Assertion[] {
  let text: string;
  try {
    text = readTextUpTo(file, CONFIG_BYTES_MAX);
  } catch (error) {
    throw new UsageError(`${file}: ${readFault(error)}`);
  }
  const { values, problems } = readDocuments(file, text);
  const parsed = problems.length > 0 ? { problems } : parseAssertions(values);
  if ("problems" in parsed) throw new UsageError([`${file}:`, ...parsed.problems].join("\n  "));
  return parsed;
}
