// `ledgerproxy manifest`: prints the objects that run the proxy on the nodes of a cluster. With --for it asks the cluster what it
// needs to know, and prints above the objects how to free the place of kube-proxy in that distribution.

import { ApiFailure } from "../../ingest/api_failure.ts";
import { ApiClient } from "../../ingest/api_client.ts";
import { writeDocuments } from "../../ingest/manifest_documents.ts";
import { type ClusterFacts, clusterFacts } from "../../install/cluster_facts.ts";
import { type Distribution, DISTRIBUTIONS, instructions } from "../../install/distributions.ts";
import { type MonitoringChoice, monitoringObjects } from "../../install/monitors.ts";
import { type Network, networkOf, runtimeCommand } from "../../install/runtime_command.ts";
import { LABELS, NAME, workloadObjects } from "../../install/workload.ts";
import { settings } from "../../node/config.ts";
import { PROXY_FLAGS, type ProxyFlags } from "../../node/proxy_flags.ts";
import { UsageError } from "../../node/usage_error.ts";
import { isLoopback } from "../../serve/metrics_server.ts";
import { printText } from "../terminal.ts";

/** Flags of `manifest`. */
export interface ManifestOptions extends ProxyFlags, MonitoringChoice {
  readonly image: string;
  readonly apiServer?: string;
  readonly configMap?: string;
  /** Name of a distribution. */
  readonly for?: string;
  readonly kubeconfig?: string;
  readonly allNodes?: boolean;
  readonly namespace: string;
  readonly ledger: string;
  readonly setSysctls?: boolean;
  /** The job of the metrics in Prometheus. */
  readonly metricsJob: string;
}

/** Longest wait for an answer of the cluster. */
const ASK_MILLISECONDS = 10_000;

/** Prints the objects as YAML; returns the exit code. Throws {@link UsageError}. */
export async function manifest(options: ManifestOptions): Promise<number> {
  const distribution = distributionOf(options);
  const asked = distribution === undefined ? options : await withFacts(options, distribution);
  const { apiServer } = asked;
  if (apiServer !== undefined && !(URL.canParse(apiServer) && apiServer.startsWith("https://"))) {
    throw new UsageError(`--api-server ${apiServer}: it must be an https URL, such as https://10.0.0.2:6443`);
  }
  const canary = distribution !== undefined && options.allNodes !== true;
  if (distribution !== undefined) printText(instructions(distribution, canary));
  const network = networkOfPods(asked);
  printText(networkText(network));
  printText(writeDocuments(objects(asked, canary, network)).trimEnd());
  return 0;
}

/** The network addresses that the proxy in a pod uses. */
function networkOfPods(options: ManifestOptions & Pick<ClusterFacts, "config">): Network {
  const { healthzBindAddress, metricsBindAddress, proxy } = settings(proxyFlags(options));
  const listens = [healthzBindAddress, metricsBindAddress].filter((one) => one !== undefined);
  const configured = options.config !== undefined || options.configMap !== undefined;
  return networkOf({ apiServer: options.apiServer, configured, listens, proxy });
}

/** What the runtime in the pods may reach, as a comment. */
function networkText(network: Network): string {
  return network.known
    ? `# The runtime of the pods uses these network addresses alone: ${network.net.join(", ")}`
    : `# The runtime of the pods may use any network address: ${network.why}.`;
}

/** The distribution that is asked for. Without one, the flags must say how pods reach the API server. */
function distributionOf(
  { for: name, apiServer, configMap, allNodes }: ManifestOptions,
): Distribution | undefined {
  const names = Object.keys(DISTRIBUTIONS).join(", ");
  if (name !== undefined) {
    const found = Object.hasOwn(DISTRIBUTIONS, name) ? DISTRIBUTIONS[name] : undefined;
    if (found === undefined) throw new UsageError(`--for ${name}: not known; known are ${names}`);
    return found;
  }
  if (allNodes) throw new UsageError("--all-nodes goes with --for; without it every node runs the proxy");
  if ((apiServer === undefined) === (configMap === undefined)) {
    throw new UsageError(
      `give --for ${names}, or one of --api-server URL and --config-map NAME: ` +
        "a pod finds the API server by a cluster IP, and those do not work before this proxy does",
    );
  }
  return undefined;
}

/** The options, with what the cluster says in place of what the user left out. */
async function withFacts(
  options: ManifestOptions,
  { apiServer: local }: Distribution,
): Promise<ManifestOptions & Pick<ClusterFacts, "config">> {
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

function homeKubeconfig(): string {
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

/** All objects, in the order in which kubectl must apply them. */
function objects(
  options: ManifestOptions & Pick<ClusterFacts, "config">,
  canary: boolean,
  network: Network,
): unknown[] {
  // Wrong flags are reported here, not on every node.
  const { healthzBindAddress, metricsBindAddress } = settings(proxyFlags(options));
  const scraped = options.podMonitor || options.rules || options.dashboard;
  if (scraped && (metricsBindAddress === undefined || isLoopback(metricsBindAddress.hostname))) {
    throw new UsageError(
      "monitoring needs metrics that other machines can read: give --metrics-bind-address 0.0.0.0:10249",
    );
  }
  const { namespace, metricsJob } = options;
  const port = metricsBindAddress?.port ?? 0;
  const workload = {
    ...options,
    canary,
    ...(network.known ? { command: runtimeCommand(network.net) } : {}),
    setSysctls: options.setSysctls === true,
    flags: Object.entries(proxyFlags(options)).map(([name, value]) => `${longFlag(name)}=${value}`),
    healthPort: healthzBindAddress!.port,
    ...(scraped ? { metricsPort: port } : {}),
  };
  const monitored = { metadata: { name: NAME, namespace }, labels: LABELS, port, job: metricsJob };
  return [...workloadObjects(workload), ...monitoringObjects(monitored, options)];
}

/** kube-proxy's flags among `options`, without those that the pod has of its own. */
function proxyFlags(options: ManifestOptions): ProxyFlags {
  const names = new Set(PROXY_FLAGS.map(({ name }) => name.replace(/^.*--/, "--")));
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => !OWN.has(name) && names.has(longFlag(name))),
  );
}

/** Flags that say something about this command, and not about the proxy in the pods. */
const OWN = new Set(["node", "kubeconfig"]);

/** `--cluster-cidr` of `clusterCidr`, the name that commander gives the option. */
function longFlag(camelCase: string): string {
  return `--${camelCase.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
