// The objects that run the proxy on the nodes of a cluster, with few rights. NET_ADMIN is the only capability, the root file
// system is read-only, and the ledger's folder is the only one of the node that is written.

import type { Manifest } from "./manifest_object.ts";
import { METRICS_PORT } from "./monitors.ts";
import { CONFIG_FOLDER, HOST_IP, LEDGER_FOLDER } from "./runtime_command.ts";

/** A port, or the place of one in a template. */
export type Port = number | string;

/** What to run, where, and with which flags. */
export interface Workload {
  /** The name of all objects; absent: {@link NAME}. A proxy with a name has another. */
  readonly name?: string;
  readonly image: string;
  readonly namespace: string;
  /** Folder of the ledger on each node. */
  readonly ledger: string;
  /** URL of the API server for the pods; absent where the configuration names it. */
  readonly apiServer?: string;
  /** Name of a ConfigMap with `config.conf`, which exists already. */
  readonly configMap?: string;
  /** The files of a configuration, for a ConfigMap of our own: `config.conf` and what it names. */
  readonly config?: Readonly<Record<string, string>>;
  /** The command of the container; without one it is the image's, which may use any network address. */
  readonly command?: readonly string[];
  /** kube-proxy's flags, as `--name=value`. */
  readonly flags: readonly string[];
  /** Whether a privileged init container sets the limits of connection tracking. */
  readonly setSysctls: boolean;
  /** Whether the pods publish heads of their ledgers in Leases of the namespace. */
  readonly headLease?: boolean;
  /** Whether only nodes with the label {@link CANARY} run the proxy. */
  readonly canary: boolean;
  /** The port of /livez and /healthz. */
  readonly healthPort: Port;
  /** The address of that port where it is not the node's, as kubelet would think: a loopback address. */
  readonly healthHost?: string;
  /** The port of the metrics, where anything scrapes them. */
  readonly metricsPort?: Port;
}

/** The name of all objects, but those of a proxy with a name. */
export const NAME = "ledgerproxy";

/** The label of all objects called `name`. Two DaemonSets must not select the same pods. */
export function labelsOf(name: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": name };
}

/** The label of the objects called {@link NAME}. */
export const LABELS = labelsOf(NAME);
/** The label of the nodes that a canary runs on. */
export const CANARY = { name: "ledgerproxy", value: "serve" };

/** The namespace of a workload. Its pods need what only a privileged namespace allows. */
export function namespaceObject(name: string): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: PRIVILEGED } };
}

/** Account, permissions, configuration and DaemonSet. */
export function workloadObjects(workload: Workload): Manifest[] {
  const { name = NAME, namespace, config } = workload;
  const metadata = { name, namespace };
  const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]) => ({
    apiGroups: [apiGroup],
    resources,
    verbs,
  });
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRole",
      metadata: { name },
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
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    ...(config === undefined ? [] : [{ apiVersion: "v1", kind: "ConfigMap", metadata, data: config }]),
    daemonSet(workload),
  ];
}

/** The DaemonSet alone. */
export function daemonSet(workload: Workload) {
  const { name = NAME, namespace } = workload;
  const labels = labelsOf(name);
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
      template: { metadata: { labels, annotations: DEFAULT_CONTAINER }, spec: podSpec(workload) },
    },
  };
}

/** For `kubectl exec` and `kubectl logs`, which would name the other containers of the pod in each answer. */
const DEFAULT_CONTAINER = { "kubectl.kubernetes.io/default-container": NAME };

/** The pods use the node's network and a folder of the node, which Pod Security allows at this level alone. */
const PRIVILEGED = { "pod-security.kubernetes.io/enforce": "privileged" };

/** What a container of the program may do. */
export const FEW_RIGHTS = {
  runAsUser: 0,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/** The pod. It uses the node's network, and tolerates every taint, because each node needs its rules. */
function podSpec(workload: Workload) {
  const { ledger, setSysctls, canary } = workload;
  const configMap = configMapName(workload);
  return {
    serviceAccountName: workload.name ?? NAME,
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    nodeSelector: { "kubernetes.io/os": "linux", ...(canary ? { [CANARY.name]: CANARY.value } : {}) },
    tolerations: [{ operator: "Exists" }],
    ...(setSysctls ? { initContainers: [sysctlsContainer(workload)] } : {}),
    containers: [proxyContainer(workload)],
    volumes: [
      { name: "ledger", hostPath: { path: ledger, type: "DirectoryOrCreate" } },
      ...(configMap === undefined ? [] : [{ name: "config", configMap: { name: configMap } }]),
    ],
  };
}

/** The container that may set the sysctls of the node, before the proxy starts. */
function sysctlsContainer(workload: Workload) {
  return container(workload, "sysctls", ["--init-only"], { privileged: true });
}

function proxyContainer(workload: Workload) {
  const { healthHost: host, healthPort, metricsPort } = workload;
  const httpGet = { path: "/livez", port: healthPort, ...(host === undefined ? {} : { host }) };
  return {
    ...container(workload, NAME, [], FEW_RIGHTS),
    ...(metricsPort === undefined ? {} : { ports: [{ name: METRICS_PORT, containerPort: metricsPort }] }),
    // At 10,000 Services the program has 160 MB. The limit is for a fault: rules that are in the kernel stay there.
    resources: { requests: { cpu: "50m", memory: "200Mi" }, limits: { memory: "2Gi" } },
    startupProbe: { httpGet, periodSeconds: 2, failureThreshold: 90 },
    // /healthz also depends on the Node: a rollout would wait for nodes that the autoscaler is about to delete.
    readinessProbe: { httpGet },
    // A program that does not answer for three minutes is started again. /livez is 503 while the kernel refuses rules, and a
    // start does not help there, but it does no harm either.
    livenessProbe: { httpGet, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 6 },
  };
}

/** A container of the image with the flags of `run`. */
function container(workload: Workload, name: string, more: readonly string[], securityContext: unknown) {
  const { command } = workload;
  return {
    name,
    image: workload.image,
    ...(command === undefined ? {} : { command }),
    args: [...runArguments(workload), ...more],
    env: [
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      ...(command?.some((word) => word.includes(`$(${HOST_IP})`))
        ? [{ name: HOST_IP, valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } }]
        : []),
      // Deno keeps compiled code there: a start then takes a third of the time. The root file system is read-only.
      { name: "DENO_DIR", value: `${LEDGER_FOLDER}/deno` },
    ],
    securityContext,
    volumeMounts: [
      { name: "ledger", mountPath: LEDGER_FOLDER },
      ...(configMapName(workload) === undefined
        ? []
        : [{ name: "config", mountPath: CONFIG_FOLDER, readOnly: true }]),
    ],
  };
}

/** The arguments of `run` in the pod. */
function runArguments(workload: Workload): string[] {
  const { apiServer, flags, headLease, namespace } = workload;
  return [
    "run",
    // A folder of its own within the mount, so that the program can make it with mode 0700.
    ...["--ledger", `${LEDGER_FOLDER}/ledger`, "--node", "$(NODE_NAME)"],
    ...(apiServer === undefined ? [] : ["--master", apiServer]),
    ...(headLease === true ? ["--head-lease", namespace] : []),
    ...(configMapName(workload) === undefined ? [] : ["--config", `${CONFIG_FOLDER}/config.conf`]),
    ...flags,
  ];
}

/** The ConfigMap that the pods mount: ours, or one that exists. */
function configMapName({ name = NAME, config, configMap }: Workload): string | undefined {
  return config === undefined ? configMap : name;
}
