// `ledgerproxy manifest`: prints the objects that run the proxy on every node of a cluster, with few rights. NET_ADMIN is the
// only capability, the root file system is read-only, and the ledger's folder is the only one of the node that is written.

import { writeDocuments } from "../../ingest/manifest_documents.ts";
import { settings } from "../../node/config.ts";
import { PROXY_FLAGS, type ProxyFlags } from "../../node/proxy_flags.ts";
import { UsageError } from "../../node/usage_error.ts";
import { METRICS_PORT, type MonitoringChoice, monitoringObjects } from "../../install/monitors.ts";
import { isLoopback } from "../../serve/metrics_server.ts";
import { printText } from "../terminal.ts";

/** Flags of `manifest`. */
export interface ManifestOptions extends ProxyFlags, MonitoringChoice {
  readonly image: string;
  readonly apiServer?: string;
  readonly configMap?: string;
  readonly namespace: string;
  readonly ledger: string;
  readonly setSysctls?: boolean;
  /** The job of the metrics in Prometheus. */
  readonly metricsJob: string;
}

/** The name of all objects. */
const NAME = "ledgerproxy";
/** The folder of the kubeconfig in kubeadm's configuration of kube-proxy. */
const CONFIG_FOLDER = "/var/lib/kube-proxy";
/** Where the node's folder is mounted in the container. */
const LEDGER_FOLDER = "/var/lib/ledgerproxy";
const LABELS = { "app.kubernetes.io/name": NAME };

/** Prints the objects as YAML; returns the exit code. Throws {@link UsageError}. */
export function manifest(options: ManifestOptions): number {
  const { apiServer, configMap } = options;
  if ((apiServer === undefined) === (configMap === undefined)) {
    throw new UsageError(
      "give either --api-server URL or --config-map NAME: a pod finds the API server by a cluster IP, and those do not work before this proxy does",
    );
  }
  if (apiServer !== undefined && !(URL.canParse(apiServer) && apiServer.startsWith("https://"))) {
    throw new UsageError(`--api-server ${apiServer}: it must be an https URL, such as https://10.0.0.2:6443`);
  }
  // Wrong flags are reported here, not on every node.
  const { healthzBindAddress, metricsBindAddress } = settings(proxyFlags(options));
  const scraped = options.podMonitor || options.rules || options.dashboard;
  if (scraped && (metricsBindAddress === undefined || isLoopback(metricsBindAddress.hostname))) {
    throw new UsageError(
      "monitoring needs metrics that other machines can read: give --metrics-bind-address 0.0.0.0:10249",
    );
  }
  const monitored = {
    metadata: { name: NAME, namespace: options.namespace },
    labels: LABELS,
    port: metricsBindAddress?.port ?? 0,
    job: options.metricsJob,
  };
  printText(
    writeDocuments([
      ...objects(options, healthzBindAddress!.port, scraped ? monitored.port : undefined),
      ...monitoringObjects(monitored, options),
    ]).trimEnd(),
  );
  return 0;
}

/** The account, its permissions, and the DaemonSet. */
function objects(options: ManifestOptions, healthPort: number, metricsPort: number | undefined): unknown[] {
  const { namespace } = options;
  const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]) => ({
    apiGroups: [apiGroup],
    resources,
    verbs,
  });
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: NAME, namespace } },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRole",
      metadata: { name: NAME },
      rules: [
        rule("", ["services", "nodes"], ["list", "watch"]),
        rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
        rule("networking.k8s.io", ["servicecidrs"], ["list", "watch"]),
        rule("events.k8s.io", ["events"], ["create"]),
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: NAME },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: NAME },
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace }],
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: NAME, namespace, labels: LABELS },
      spec: {
        selector: { matchLabels: LABELS },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
        template: { metadata: { labels: LABELS }, spec: podSpec(options, healthPort, metricsPort) },
      },
    },
  ];
}

/** The pod. It uses the node's network, and tolerates every taint, because each node needs its rules. */
function podSpec(options: ManifestOptions, healthPort: number, metricsPort: number | undefined) {
  const { image, configMap, ledger, setSysctls } = options;
  const mounts = [
    { name: "ledger", mountPath: LEDGER_FOLDER },
    ...(configMap === undefined ? [] : [{ name: "config", mountPath: CONFIG_FOLDER, readOnly: true }]),
  ];
  const container = (name: string, args: readonly string[], securityContext: unknown) => ({
    name,
    image,
    args,
    env: [
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      // Deno keeps compiled code there: a start then takes a third of the time. The root file system is read-only.
      { name: "DENO_DIR", value: `${LEDGER_FOLDER}/deno` },
    ],
    securityContext,
    volumeMounts: mounts,
  });
  return {
    serviceAccountName: NAME,
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [{ operator: "Exists" }],
    ...(setSysctls
      ? {
        initContainers: [
          container("sysctls", [...runArguments(options), "--init-only"], { privileged: true }),
        ],
      }
      : {}),
    containers: [{
      ...container(NAME, runArguments(options), {
        runAsUser: 0,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
        seccompProfile: { type: "RuntimeDefault" },
      }),
      ...(metricsPort === undefined ? {} : { ports: [{ name: METRICS_PORT, containerPort: metricsPort }] }),
      resources: { requests: { cpu: "50m", memory: "200Mi" } },
      // /healthz also depends on the Node: a rollout would wait for nodes that the autoscaler is about to delete.
      readinessProbe: { httpGet: { path: "/livez", port: healthPort } },
    }],
    volumes: [
      { name: "ledger", hostPath: { path: ledger, type: "DirectoryOrCreate" } },
      ...(configMap === undefined ? [] : [{ name: "config", configMap: { name: configMap } }]),
    ],
  };
}

/** The arguments of `run` in the pod: only those flags of `manifest` that the user gave. */
function runArguments(options: ManifestOptions): string[] {
  const { apiServer, configMap } = options;
  return [
    "run",
    // A folder of its own within the mount, so that the program can make it with mode 0700.
    ...["--ledger", `${LEDGER_FOLDER}/ledger`, "--node", "$(NODE_NAME)"],
    ...(apiServer === undefined ? [] : ["--master", apiServer]),
    ...(configMap === undefined ? [] : ["--config", `${CONFIG_FOLDER}/config.conf`]),
    ...Object.entries(proxyFlags(options)).map(([name, value]) => `${longFlag(name)}=${value}`),
  ];
}

/** kube-proxy's flags among `options`, without the name of the node. */
function proxyFlags(options: ManifestOptions): ProxyFlags {
  const names = new Set(PROXY_FLAGS.map(({ name }) => name.replace(/^.*--/, "--")));
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => name !== "node" && names.has(longFlag(name))),
  );
}

/** `--cluster-cidr` of `clusterCidr`, the name that commander gives the option. */
function longFlag(camelCase: string): string {
  return `--${camelCase.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
