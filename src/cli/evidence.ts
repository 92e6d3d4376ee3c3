// What an auditor brings to `verify`: a key, and the heads that a witness saw.

import { textUpTo } from "../bounded_body.ts";
import { ApiClient } from "../ingest/api_client.ts";
import { httpFailure, isUnanswered } from "../ingest/api_failure.ts";
import { kubeconfigOf } from "../install/asked_cluster.ts";
import { array, object, optional, record, string } from "../kube/zod.ts";
import { headsOfAnnotations, type LedgerHead, readHeads } from "../ledger/head.ts";
import { isVerifier } from "../ledger/signed_note.ts";
import { partsExcess } from "../json_parts.ts";
import { CREDENTIAL_BYTES_MAX } from "../limits/input.ts";
import {
  JSON_LIST_PARTS_MAX,
  LEASES_MAX,
  WITNESS_BYTES_MAX,
  WITNESS_MILLISECONDS_MAX,
} from "../limits/ledger.ts";
import { namedFile } from "../node/named_file.ts";
import { UsageError } from "../node/usage_error.ts";
import { HEAD_LEASE_LABEL } from "../node/head_lease.ts";
import { messageOf } from "../thrown.ts";

/** The key in `text`, or in the file that it names. Throws UsageError. */
export function keyArgument(text: string): string {
  if (isVerifier(text)) return text;
  const file = namedFile("--key", text, CREDENTIAL_BYTES_MAX).trim();
  if (isVerifier(file)) return file;
  throw new UsageError(
    `--key ${text}: neither a key, such as ledgerproxy/0123456789abcdef+01234567+AX3f..., nor a file with one`,
  );
}

/** The word that means the Leases of the API server. */
const LEASE = "lease";

/**
 * The heads in the file or at the URL `where`; for `lease` in the Leases of the API server that `kubeconfig` leads to. Throws
 * UsageError.
 */
export async function headsAt(where: string, kubeconfig?: string): Promise<readonly LedgerHead[]> {
  if (where === LEASE) return await headsOfLeases(kubeconfig);
  const text = /^https?:\/\//.test(where)
    ? await fetched(where)
    : namedFile("--witness", where, WITNESS_BYTES_MAX);
  const heads = readHeads(text);
  if (typeof heads === "string") throw new UsageError(`--witness ${where}: ${heads}`);
  return heads;
}

async function fetched(url: string): Promise<string> {
  const where = `--witness ${url}`;
  if (!URL.canParse(url)) throw new UsageError(`${where}: Invalid URL`);
  return await witnessText(where, (signal) => fetch(url, { signal }));
}

/** What is read of a list of Leases. */
const LEASES = object({
  metadata: object({ continue: optional(string()) }),
  items: array(object({
    metadata: object({
      namespace: string(),
      name: string(),
      annotations: optional(record(string(), string())),
    }),
  })),
});

/** The heads in all Leases with the label of the proxy, in the cluster that `kubeconfig` leads to. Throws UsageError, ApiFailure. */
async function headsOfLeases(kubeconfig: string | undefined): Promise<readonly LedgerHead[]> {
  using client = new ApiClient(kubeconfigOf(kubeconfig));
  const where = `--witness lease: ${client.server}`;
  const query = {
    labelSelector: `${HEAD_LEASE_LABEL.name}=${HEAD_LEASE_LABEL.value}`,
    limit: String(LEASES_MAX),
  };
  const path = "/apis/coordination.k8s.io/v1/leases";
  const text = await witnessText(where, (signal) => client.get(path, query, signal), MAY_LIST);
  const excess = partsExcess(text, JSON_LIST_PARTS_MAX);
  if (excess !== undefined) throw new UsageError(`${where}: ${excess}`);
  const list = LEASES.safeParse(jsonOf(text));
  if (!list.success) throw new UsageError(`${where}: the answer is no list of Leases`);
  const { items, metadata } = list.data;
  if (metadata.continue) throw new UsageError(`${where}: it has more than ${LEASES_MAX} Leases with heads`);
  const heads = items.flatMap(({ metadata: { namespace, name, annotations } }) => {
    const seenIn = `Lease ${namespace}/${name}`;
    const read = headsOfAnnotations(annotations ?? {});
    if (typeof read === "string") throw new UsageError(`${where}: ${seenIn}: ${read}`);
    return read.map((head) => ({ ...head, seenIn }));
  });
  if (heads.length > 0) return heads;
  throw new UsageError(`${where}: no Lease has heads; nodes with run --head-lease publish them`);
}

/** The account of the pods may write heads, and not list them. */
const MAY_LIST = "; give --kubeconfig FILE of an account that may list Leases";

/** The text with which the witness at `where` answers. Throws UsageError where there is none, or it is an error or too long; `remedy` is added where it forbids that. */
async function witnessText(
  where: string,
  ask: (signal: AbortSignal) => Promise<Response>,
  remedy = "",
): Promise<string> {
  try {
    const answer = await ask(AbortSignal.timeout(WITNESS_MILLISECONDS_MAX));
    const { text, isWhole } = await textUpTo(answer, WITNESS_BYTES_MAX);
    if (answer.ok && isWhole) return text;
    if (answer.ok) throw new UsageError(`${where}: more than ${WITNESS_BYTES_MAX} characters`);
    const { reason, message } = httpFailure(where, answer.status, text, 0);
    throw new UsageError(reason === "forbidden" ? `${message}${remedy}` : message);
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    throw new UsageError(`${where}: ${messageOf(error.cause ?? error)}`);
  }
}

/** The value that `text` describes; undefined where it is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
