// Completes the choices of an installation with what a running cluster says about itself.

import { ApiClient } from "../ingest/api_client.ts";
import { ApiFailure } from "../ingest/api_failure.ts";
import { UsageError } from "../node/usage_error.ts";
import { clusterFacts } from "./cluster_facts.ts";
import type { Distribution } from "./distributions.ts";
import type { InstallationOptions, KnownOptions } from "./installation.ts";

/** Longest wait for an answer of the cluster. */
const ASK_MILLISECONDS = 10_000;

/** The options, with what the cluster says in place of what the user left out. Throws {@link UsageError}, ApiFailure. */
export async function withFacts(
  options: InstallationOptions,
  { apiServer: local }: Distribution,
): Promise<KnownOptions> {
  using client = new ApiClient(options.kubeconfig ?? Deno.env.get("KUBECONFIG") ?? homeKubeconfig());
  const { apiServer, clusterCidr, podCidrs, config } = await clusterFacts((path) => read(client, path));
  const found = { ...options, apiServer: options.apiServer ?? local ?? apiServer ?? client.server };
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

/** Where kubectl has its kubeconfig unless another one is named. */
export function homeKubeconfig(): string {
  return `${Deno.env.get("HOME") ?? ""}/.kube/config`;
}

/** An object of the cluster; undefined where it does not exist or may not be read. */
async function read(client: ApiClient, path: string): Promise<unknown> {
  const response = await client.get(path, {}, AbortSignal.timeout(ASK_MILLISECONDS));
  if (response.ok) return await response.json();
  await response.body?.cancel();
  if (response.status === 403 || response.status === 404) return undefined;
  throw new ApiFailure("error", `${client.server}${path}: ${response.status} ${response.statusText}`);
}
