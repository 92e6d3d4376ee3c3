// An installation: the objects that run the proxy on the nodes of a cluster, and what its pods may reach.

import { PROXY_FLAGS, type ProxyFlags } from "../node/proxy_flags.ts";
import type { OwnFlags } from "../kube/proxy_config_file.ts";
import { type Settings, settings } from "../node/config.ts";
import { UsageError } from "../node/usage_error.ts";
import { isLoopback } from "../serve/metrics_server.ts";
import type { ClusterFacts } from "./cluster_facts.ts";
import { type MonitoringChoice, monitoringObjects } from "./monitors.ts";
import { leaseObjects } from "./lease_objects.ts";
import { type Network, networkOf, runtimeCommand } from "./runtime_command.ts";
import { labelsOf, NAME, namespaceObject, workloadObjects } from "./workload.ts";

/** What is chosen for an installation: the flags of `manifest`. */
export interface InstallationOptions extends ProxyFlags, MonitoringChoice {
  readonly image: string;
  readonly apiServer?: string;
  readonly configMap?: string;
  /** Name of a distribution. */
  readonly for?: string;
  readonly kubeconfig?: string;
  readonly allNodes?: boolean;
  readonly namespace: string;
  /** Whether the namespace is one of the objects. */
  readonly createNamespace?: boolean;
  /** Folder of the ledger on each node; absent: one with the name of the objects. */
  readonly ledger?: string;
  /** Serve only Services whose label has this name. */
  readonly serviceProxyName?: string;
  readonly countConnections?: OwnFlags["countConnections"];
  readonly setSysctls?: boolean;
  readonly headLease?: boolean;
  /** The job of the metrics in Prometheus. */
  readonly metricsJob: string;
}

/** The options, with what a cluster says of kube-proxy's ConfigMap and of the families of nodes. */
export type KnownOptions = InstallationOptions & Pick<ClusterFacts, "config" | "families" | "kubeProxyMode">;

/** The network addresses that the proxy in a pod uses. */
export function networkOfPods(options: KnownOptions, settings: Settings): Network {
  const { healthzBindAddress, metricsBindAddress, proxy } = settings;
  const listens = [healthzBindAddress, metricsBindAddress].filter((one) => one !== undefined);
  const configured = options.config !== undefined || options.configMap !== undefined;
  return networkOf({
    apiServer: options.apiServer,
    configured,
    listens,
    proxy,
    families: options.families ?? [],
  });
}

/** What the runtime in the pods may reach, as a comment. */
export function networkText(network: Network): string {
  return network.known
    ? `# The runtime of the pods uses these network addresses alone: ${network.net.join(", ")}`
    : `# The runtime of the pods may use any network address: ${network.why}.`;
}

/** What the namespace of the objects has to do with them, as a comment; undefined where it is there in every cluster. */
export function namespaceText({ namespace, createNamespace }: InstallationOptions): string | undefined {
  if (createNamespace) {
    return `# Namespace ${namespace} is one of the objects: kubectl delete -f of this file deletes it with all that is in it.`;
  }
  if (namespace === SYSTEM) return undefined;
  return `# Namespace ${namespace} must be there, and allow privileged pods:\n` +
    `#     kubectl create namespace ${namespace}\n` +
    `#     kubectl label namespace ${namespace} pod-security.kubernetes.io/enforce=privileged`;
}

/** It is there in every cluster. */
const SYSTEM = "kube-system";

/** All objects, in the order in which kubectl must apply them. Throws {@link UsageError}. */
export function installationObjects(
  options: KnownOptions,
  canary: boolean,
  network: Network,
  { healthzBindAddress, metricsBindAddress }: Settings,
): unknown[] {
  requireUsable(options);
  const name = objectName(options);
  const scraped = options.podMonitor || options.rules || options.dashboard;
  if (scraped && (metricsBindAddress === undefined || isLoopback(metricsBindAddress.hostname))) {
    throw new UsageError(
      "monitoring needs metrics that other machines can read: give --metrics-bind-address 0.0.0.0:PORT",
    );
  }
  const { namespace, createNamespace, metricsJob } = options;
  if (createNamespace && namespace === SYSTEM) {
    throw new UsageError(
      `--create-namespace goes with --namespace NAME: ${SYSTEM} is there in every cluster`,
    );
  }
  const port = metricsBindAddress?.port ?? 0;
  const { serviceProxyName, countConnections } = options;
  const workload = {
    ...options,
    name,
    ledger: options.ledger ?? `/var/lib/${name}`,
    canary,
    ...(network.known ? { command: runtimeCommand(network.net) } : {}),
    setSysctls: options.setSysctls === true,
    headLease: options.headLease === true,
    flags: [
      ...(serviceProxyName === undefined ? [] : [`--service-proxy-name=${serviceProxyName}`]),
      ...(countConnections === undefined ? [] : [`--count-connections=${countConnections}`]),
      ...Object.entries(proxyFlags(options)).map(([flag, value]) => `${longFlag(flag)}=${value}`),
    ],
    healthPort: healthzBindAddress!.port,
    ...(isLoopback(healthzBindAddress!.hostname) ? { healthHost: healthzBindAddress!.hostname } : {}),
    ...(scraped ? { metricsPort: port } : {}),
  };
  const monitored = { metadata: { name, namespace }, labels: labelsOf(name), port, job: metricsJob };
  const witness = options.headLease ? leaseObjects({ name, namespace }) : [];
  return [
    ...(createNamespace ? [namespaceObject(namespace)] : []),
    ...witness,
    ...workloadObjects(workload),
    ...monitoringObjects(monitored, options),
  ];
}

/** What Kubernetes would refuse, or kubelet on every node. */
function requireUsable({ image, namespace, ledger, metricsJob }: InstallationOptions): void {
  const wrong = !/^\S+$/.test(image)
    ? `--image ${JSON.stringify(image)}: it must name an image, such as registry.example/ledgerproxy:0.6.0`
    : namespace.length > LABEL_MAX || !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(namespace)
    ? `--namespace ${
      JSON.stringify(namespace)
    }: it must be at most ${LABEL_MAX} lower-case letters, digits and -`
    : ledger !== undefined && !ledger.startsWith("/")
    ? `--ledger ${
      JSON.stringify(ledger)
    }: it must be a path from the root of each node, such as /var/lib/ledgerproxy`
    : metricsJob === ""
    ? "--metrics-job: it must have a name; leave it out for ledgerproxy"
    : undefined;
  if (wrong !== undefined) throw new UsageError(wrong);
}

/** The settings of the proxy in the pods. Wrong flags are reported here, not on every node. Throws {@link UsageError}; warns. */
export function settingsOfPods(options: KnownOptions): Settings {
  const { serviceProxyName, config } = options;
  const text = config?.["config.conf"];
  const found = settings({
    ...proxyFlags(options),
    ...(text === undefined
      ? {}
      : { configText: { name: "the cluster's configuration of kube-proxy", text } }),
    ...(serviceProxyName === undefined ? {} : { serviceProxyName }),
  });
  if (serviceProxyName !== undefined && text !== undefined) requireOwnAddresses(options, found);
  return found;
}

/** A proxy with a name runs beside kube-proxy, and may not take the addresses that the cluster's configuration gives that one. */
function requireOwnAddresses(options: KnownOptions, { document }: Settings): void {
  for (const [field, port] of [["healthzBindAddress", 10356], ["metricsBindAddress", 10349]] as const) {
    const theirs = document[field];
    if (options[field] !== undefined || typeof theirs !== "string" || theirs === "") continue;
    throw new UsageError(
      `the cluster's configuration of kube-proxy has ${field} ${theirs}, where kube-proxy itself listens: ` +
        `give ${longFlag(field)} IP:PORT, such as 0.0.0.0:${port}`,
    );
  }
}

/** The name of the objects. That of a proxy with a name is part of them, and names of objects have fewer characters than labels. */
function objectName({ serviceProxyName, headLease }: InstallationOptions): string {
  if (serviceProxyName === undefined) return NAME;
  const name = `${NAME}-${serviceProxyName}`;
  if (!/^[a-z0-9-]*[a-z0-9]$/.test(name) || name.length > LABEL_MAX) {
    throw new UsageError(
      `--service-proxy-name ${serviceProxyName}: the objects would be called ${name}, which must be at most ${LABEL_MAX} lower-case letters, digits and -`,
    );
  }
  if (headLease) throw new UsageError("--head-lease goes with a proxy without --service-proxy-name");
  return name;
}

/** Longest name of a DaemonSet's pods (DNS label), and longest value of a label. */
const LABEL_MAX = 63;

/** kube-proxy's flags among `options`, without those that the pod has of its own. */
function proxyFlags(options: InstallationOptions): ProxyFlags {
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
