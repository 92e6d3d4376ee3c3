// The text of a file that was named on the command line. Where it cannot be read, that is wrong usage, and the message names both.

import { readFault, readTextUpTo } from "../ingest/bounded_file.ts";
import { UsageError } from "./usage_error.ts";

/** The text of the file `path`, of at most `limit` bytes. `flag` names the path, as `--key`; "" where it is an argument. Throws UsageError. */
export function namedFile(flag: string, path: string, limit: number): string {
  try {
    return readTextUpTo(path, limit);
  } catch (error) {
    throw new UsageError(`${flag === "" ? "" : `${flag} `}${path}: ${readFault(error)}`);
  }
}
