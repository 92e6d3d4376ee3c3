// Checks the lists of a source of files before they delete anything that the ledger has. A wrong path or an empty folder must
// not remove the rules of a node.

import { deletedByList, emptied } from "../ingest/emptied.ts";
import type { Source } from "../ingest/source.ts";
import type { KubeObject } from "../kube/objects.ts";
import { UsageError } from "./usage_error.ts";

/** Flags about what a list may delete. */
export interface CheckOptions {
  readonly allowEmpty?: boolean;
  readonly once?: boolean;
}

/**
 * `source` with checked lists: a list without any object deletes nothing while `known` has objects. Where the first list is
 * such a list, it throws {@link UsageError}: the path is wrong, or nothing is there yet. A later one is reported as a problem.
 * So is a first one of broken files, because they may be mended; with `once` there is no later list, so it throws.
 */
export function checkedSource(
  source: Source,
  known: () => ReadonlyMap<string, KubeObject>,
  { allowEmpty = false, once = false }: CheckOptions,
): Source {
  return {
    ...source,
    async *batches(signal, versions) {
      let first = true;
      for await (const batch of source.batches(signal, versions)) {
        if (batch.kind === "events") {
          yield batch;
          continue;
        }
        const refusal = emptied(batch, known(), allowEmpty);
        if (refusal !== undefined && first && (once || batch.complete)) {
          throw new UsageError(refusalText(source, refusal, batch.problems));
        }
        // A program that was stopped for a while may find files gone. What the first list deletes is reported, so that it is seen.
        const deleted = first ? deletedByList(batch, known()) : undefined;
        first = false;
        const more = [refusal, deleted].filter((text) => text !== undefined).map((text) =>
          `${source.description}: ${text}`
        );
        yield {
          ...batch,
          complete: batch.complete && refusal === undefined,
          problems: [...batch.problems, ...more],
        };
      }
    },
  };
}

/** The message of the UsageError: the problems of the files first, because they may explain the empty list. */
function refusalText({ description }: Source, refusal: string, problems: readonly string[]): string {
  return [...problems, `--source ${description}: ${refusal}`].join("\n");
}
