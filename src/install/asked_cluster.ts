// Completes the choices of an installation with what a running cluster says about itself.

import { ApiClient } from "../ingest/api_client.ts";
import { ApiFailure, invalid, isUnanswered } from "../ingest/api_failure.ts";
import { PagePart } from "../ingest/body.ts";
import { framingFor } from "../ingest/framing.ts";
import { fieldsOf } from "../kube/json_value.ts";
import { ANSWERS_BYTES_MAX, LIST_OBJECTS_MAX } from "../limits/input.ts";
import { UsageError } from "../node/usage_error.ts";
import { messageOf } from "../thrown.ts";
import { clusterFacts } from "./cluster_facts.ts";
import type { Distribution } from "./distributions.ts";
import type { InstallationOptions, KnownOptions } from "./installation.ts";

/** Longest wait for an answer of the cluster. */
const ASK_MILLISECONDS = 10_000;

/** The options, with what the cluster says in place of what the user left out. Throws {@link UsageError}, ApiFailure. */
export async function withFacts(
  options: InstallationOptions,
  { apiServer: local }: Distribution,
  milliseconds = ASK_MILLISECONDS,
): Promise<KnownOptions> {
  using client = new ApiClient(kubeconfigOf(options.kubeconfig));
  const facts = await clusterFacts((path) => read(client, path, milliseconds));
  const { clusterCidr, podCidrs, config, families, kubeProxyMode } = facts;
  const apiServer = options.apiServer ?? local ?? facts.apiServer ?? client.server;
  const found = {
    ...options,
    apiServer,
    ...(families === undefined ? {} : { families }),
    ...(kubeProxyMode === undefined ? {} : { kubeProxyMode }),
  };
  // Flags go before the configuration, and a configuration before what can be guessed.
  if (options.configMap !== undefined) return found;
  if (config !== undefined) return { ...found, config };
  if (options.clusterCidr !== undefined || options.detectLocalMode !== undefined) return found;
  if (clusterCidr !== undefined) return { ...found, clusterCidr };
  if (podCidrs) return { ...found, detectLocalMode: "NodeCIDR" };
  throw new UsageError(
    "the cluster does not say which addresses its pods have (no ConfigMap kube-proxy or kubeadm-config, no podCIDR at its " +
      "Nodes): give --cluster-cidr CIDR,CIDR",
  );
}

/** The kubeconfig that a flag names, else the one that kubectl would read. Throws {@link UsageError}. */
export function kubeconfigOf(flag: string | undefined): string {
  if (flag !== undefined) return flag;
  const named = Deno.env.get("KUBECONFIG");
  if (named === undefined || named === "") return `${Deno.env.get("HOME") ?? ""}/.kube/config`;
  const files = named.split(":").filter((file) => file !== "");
  if (files.length === 1) return files[0]!;
  // kubectl merges them, by rules of its own.
  throw new UsageError(
    `KUBECONFIG names ${files.length} files: give --kubeconfig FILE; kubectl config view --flatten --raw prints one of all`,
  );
}

/** An object of the cluster; undefined where it does not exist or may not be read. */
async function read(client: ApiClient, path: string, milliseconds: number): Promise<unknown> {
  try {
    return await answered(client, path, milliseconds);
  } catch (error) {
    if (error instanceof ApiFailure || !isUnanswered(error)) throw error;
    throw new ApiFailure("cut", `${client.server}${path}: ${messageOf(error.cause ?? error)}`);
  }
}

/** The time for an answer begins once there are credentials: a program that makes them, for which a person may log in, has its own. */
async function answered(client: ApiClient, path: string, milliseconds: number): Promise<unknown> {
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ready = () => {
    const failure = new ApiFailure("silent", `${client.server}: no answer within ${milliseconds / 1000} s`);
    timer = setTimeout(() => late.abort(failure), milliseconds);
  };
  try {
    const response = await client.get(path, {}, late.signal, { ready });
    if (response.ok) return await objectIn(path, response);
    await response.body?.cancel();
    if (response.status === 403 || response.status === 404) return undefined;
    throw new ApiFailure("error", `${client.server}${path}: ${response.status} ${response.statusText}`);
  } finally {
    clearTimeout(timer);
  }
}

/** The object in an answer. Of the objects of a list little is kept: a cluster has thousands of Nodes. */
async function objectIn(path: string, { body }: Response): Promise<unknown> {
  const framing = framingFor("application/json", false);
  const items: unknown[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWERS_BYTES_MAX) throw invalid(`${path}: more than ${ANSWERS_BYTES_MAX} bytes`);
    takeParts(framing.push(chunk), items);
  }
  const [whole] = takeParts(framing.end(), items);
  return items.length === 0 ? whole : { ...fieldsOf(whole), items };
}

/** Adds the objects of the parts among `values` to `items`; returns the other values. */
function takeParts(values: readonly unknown[], items: unknown[]): unknown[] {
  return values.filter((value) => {
    if (!(value instanceof PagePart)) return true;
    const { items: more } = fieldsOf(value.read());
    for (const item of Array.isArray(more) ? more : []) {
      const { spec, status } = fieldsOf(item);
      items.push({ spec, status: { addresses: fieldsOf(status)["addresses"] } });
    }
    if (items.length > LIST_OBJECTS_MAX) throw invalid(`a list of more than ${LIST_OBJECTS_MAX} objects`);
    return false;
  });
}
