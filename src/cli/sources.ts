// From --source to a source: a folder with segments is a recording, anything else YAML and JSON.

import { manifestSource } from "../ingest/manifest_source.ts";
import { recordingSource } from "../ingest/recording_source.ts";
import type { Source } from "../ingest/source.ts";
import { readLedger } from "../ledger/reader.ts";
import { segmentNames } from "../ledger/segment.ts";
import { folderStorage } from "../ledger/storage.ts";
import { UsageError } from "./usage_error.ts";

/** How a source is read. */
export interface SourceOptions {
  /** Deliver what there is and end. */
  readonly once: boolean;
  /** How much faster than recorded; undefined: as recorded, or at once with `once`. */
  readonly speed: number | undefined;
}

/** The source at `path`. Throws {@link UsageError}. */
export function openSource(path: string, { once, speed }: SourceOptions): Source {
  const stat = statOrExplain(path);
  const storage = stat.isDirectory ? folderStorage(path, false) : undefined;
  if (storage !== undefined && segmentNames(storage).length > 0) {
    return recordingSource(`recording ${path}`, () => readLedger(storage), speed ?? (once ? Infinity : 1));
  }
  if (speed !== undefined) {
    throw new UsageError(
      `--speed ${speed}: ${path} is not a recording (it has no *.ndjson segments), so it has no timing; leave --speed out`,
    );
  }
  return manifestSource(path, !once);
}

function statOrExplain(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError(
      `--source ${path}: no such file or folder. Write one with: kubectl get services,endpointslices,nodes -A -o yaml > cluster.yaml`,
    );
  }
}
