// A source of files, held against what the ledger knows before any of it is deleted.

import { deletedByList, emptied } from "../ingest/emptied.ts";
import type { Source } from "../ingest/source.ts";
import type { KubeObject } from "../kube/objects.ts";
import { UsageError } from "./usage_error.ts";

/** Flags that say what a list may do. */
export interface GuardOptions {
  readonly allowEmpty?: boolean;
  readonly once?: boolean;
}

/**
 * `source`, whose lists delete nothing where they hold no object at all and `known` ones would go. The first such list ends
 * the program with a {@link UsageError}: the path is wrong, or nothing is there yet. A later one is a problem, and so is a
 * first one of files that are broken, unless it is the only one (`once`): they may be mended.
 */
export function guardedSource(
  source: Source,
  known: () => ReadonlyMap<string, KubeObject>,
  { allowEmpty = false, once = false }: GuardOptions,
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

function refusalText({ description }: Source, refusal: string, problems: readonly string[]): string {
  return [...problems, `--source ${description}: ${refusal}`].join("\n");
}
