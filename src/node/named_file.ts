// Files that were named on the command line. Where one cannot be read or made, that is wrong usage, and the message names flag and path.

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

/** Writes `text` to the file `path`, which `flag` names as in {@link namedFile}. Throws UsageError where no such file can be made. */
export function writeNamedFile(
  flag: string,
  path: string,
  text: string,
  options: Deno.WriteFileOptions = {},
): void {
  const named = `${flag === "" ? "" : `${flag} `}${path}`;
  try {
    Deno.writeTextFileSync(path, text, options);
  } catch (error) {
    const fault = writeFault(error);
    throw fault === undefined ? error : new UsageError(`${named}: ${fault}`);
  }
}

/** Why no file can be there, and what to do; undefined where it is the disk that failed. */
function writeFault(error: unknown): string | undefined {
  const { AlreadyExists, IsADirectory, NotADirectory, NotFound, PermissionDenied } = Deno.errors;
  if (error instanceof AlreadyExists) {
    return "it is there already, and is not overwritten; give another name, or remove it";
  }
  if (error instanceof NotFound || error instanceof NotADirectory) {
    return "its folder is not there; make it, or name another";
  }
  if (error instanceof IsADirectory) return "it is a folder; name a file";
  return error instanceof PermissionDenied ? "this user may not write it; name another file" : undefined;
}
