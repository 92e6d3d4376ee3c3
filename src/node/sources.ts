// Opens the source that the flags name: an API server, a recorded ledger (a folder with segments), or files of YAML and JSON.

import { ApiClient } from "../ingest/api_client.ts";
import { apiSource } from "../ingest/api_source.ts";
import { manifestSource } from "../ingest/manifest_source.ts";
import { recordingSource } from "../ingest/recording_source.ts";
import type { Source } from "../ingest/source.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";
import { readLedger } from "../ledger/reader.ts";
import { segmentFirst, segmentNames } from "../ledger/format.ts";
import { folderStorage } from "../ledger/storage.ts";
import { log } from "./log.ts";
import { UsageError } from "./usage_error.ts";

/** Flags about the source of the cluster. */
export interface SourceOptions {
  readonly source?: string;
  readonly kubeconfig?: string;
  /** URL of the API server, in place of the kubeconfig's. */
  readonly master?: string;
  /** Name of the own Node object. */
  readonly node: string;
  /** The configuration, whose name of the proxy decides which Services are asked for. */
  readonly proxy?: ProxyConfig;
  /** How many times faster than it was recorded; undefined: at its own pace, or all at once with `once`. */
  readonly speed?: number;
}

/**
 * The source that `options` name; where they name none, the API server of the pod's cluster. With `once` it delivers the
 * present state and ends. Throws {@link UsageError}, KubeconfigProblem.
 */
export function openSource(
  options: SourceOptions,
  once: boolean,
  client: ApiClient | undefined,
): Source {
  const { source, node, speed } = options;
  if (client === undefined) return openPath(source!, once, speed);
  if (speed !== undefined) throw new UsageError(`--speed ${speed} needs --source with a recording`);
  return apiSource(client, node, once, {}, options.proxy?.serviceProxyName);
}

/** The client of the API server; undefined where `source` names files. Throws as {@link openSource} does. */
export function apiClient({ source, kubeconfig, master }: SourceOptions): ApiClient | undefined {
  if (source === undefined) {
    const client = new ApiClient(kubeconfig, master);
    for (const warning of client.warnings) log.warn(warning);
    return client;
  }
  if (kubeconfig === undefined && master === undefined) return undefined;
  throw new UsageError("give either --source or --kubeconfig: the cluster is read from one place");
}

/** Opens a recorded ledger, or else files of YAML and JSON. */
function openPath(path: string, once: boolean, speed: number | undefined): Source {
  const stat = statOrExplain(path);
  const storage = stat.isDirectory ? folderStorage(path, false) : undefined;
  if (storage !== undefined && segmentNames(storage).length > 0) {
    const first = segmentFirst(segmentNames(storage)[0]!)!;
    if (first > 0) {
      throw new UsageError(
        `--source ${path}: it begins at @${first}, its past was removed; a recording is played from its beginning`,
      );
    }
    return recordingSource(`recording ${path}`, () => readLedger(storage), speed ?? (once ? Infinity : 1));
  }
  if (speed !== undefined) {
    throw new UsageError(
      `--speed ${speed}: ${path} is not a recording (it has no *.ndjson segments), so it has no timing; leave --speed out`,
    );
  }
  return manifestSource(path, !once);
}

/** The path's kind. Where it does not exist, throws {@link UsageError} with the command that writes such a file. */
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
