// A kustomize base and its components, made from the objects that `manifest` prints. An overlay makes a ConfigMap `ledgerproxy`
// with the key `apiServer`; so it needs no patch. The component `config` takes a KubeProxyConfiguration from the same ConfigMap.

import { writeDocuments } from "../ingest/yaml_documents.ts";
import { leaseObjects } from "./lease_objects.ts";
import type { Manifest } from "./manifest_object.ts";
import { monitoringObjects } from "./monitors.ts";
import { CONFIG_FOLDER } from "./runtime_command.ts";
import { CANARY, LABELS, NAME, type Workload, workloadObjects } from "./workload.ts";

const METRICS_PORT = 10249;
/** The variable that the container's arguments name, and the ConfigMap's key that it comes from. */
const API_SERVER = { variable: "API_SERVER", key: "apiServer" };
const PODS = "/spec/template/spec";

/** The objects that an overlay changes. */
const WORKLOAD: Workload = {
  image: NAME,
  namespace: "kube-system",
  ledger: "/var/lib/ledgerproxy",
  apiServer: `$(${API_SERVER.variable})`,
  flags: ["--detect-local-mode=NodeCIDR"],
  setSysctls: true,
  canary: false,
  healthPort: 10256,
};

/** An operation of RFC 6902. */
interface Operation {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}

/** The files by path: `base`, and the components `config`, `canary`, `head-lease` and `monitoring`. `version` is the image's tag. */
export function kustomizeFiles(version: string): ReadonlyMap<string, string> {
  const monitored = {
    metadata: { name: NAME, namespace: WORKLOAD.namespace },
    labels: LABELS,
    port: METRICS_PORT,
  };
  const monitoring = monitoringObjects({ ...monitored, job: NAME }, {
    podMonitor: true,
    rules: true,
    dashboard: true,
  });
  return new Map([
    ["base/objects.yaml", writeDocuments(workloadObjects(WORKLOAD))],
    [
      "base/kustomization.yaml",
      kustomization("Kustomization", {
        resources: ["objects.yaml"],
        images: [{ name: NAME, newTag: version }],
        patches: patches(atContainers({ op: "add", path: "/env/-", value: apiServer() })),
      }),
    ],
    ["components/config/kustomization.yaml", component({ patches: patches(configured()) })],
    ["components/canary/kustomization.yaml", component({ patches: patches([canary()]) })],
    ["components/head-lease/objects.yaml", writeDocuments(leaseObjects(monitored.metadata))],
    [
      "components/head-lease/kustomization.yaml",
      `${NAME_STAYS}${
        component({
          resources: ["objects.yaml"],
          configurations: ["namespace.yaml"],
          patches: patches(published()),
        })
      }`,
    ],
    ["components/head-lease/namespace.yaml", writeDocuments([{ namespace: [SELECTED_NAMESPACE] }])],
    ["components/monitoring/objects.yaml", writeDocuments(monitoring)],
    [
      "components/monitoring/kustomization.yaml",
      component({ resources: ["objects.yaml"], patches: patches(scraped()) }),
    ],
    ["example/kustomization.yaml", example()],
  ]);
}

function kustomization(kind: "Kustomization" | "Component", fields: Manifest): string {
  const version = kind === "Component" ? "v1alpha1" : "v1beta1";
  return writeDocuments([{ apiVersion: `kustomize.config.k8s.io/${version}`, kind, ...fields }]);
}

const component = (fields: Manifest) => kustomization("Component", fields);

/** kustomize changes fields, and neither arguments nor the expressions of the policy. */
const NAME_STAYS =
  `# The policy names the account ${NAME}. With a namePrefix or nameSuffix of the overlay, take these objects from
# \`ledgerproxy manifest --head-lease\`. Its namespace is the overlay's.
`;

/** Where the binding of the policy has the namespace, for kustomize. */
const SELECTED_NAMESPACE = {
  kind: "ValidatingAdmissionPolicyBinding",
  path: "spec/matchResources/namespaceSelector/matchLabels/kubernetes.io\\/metadata.name",
};

/** An overlay to copy. */
function example(): string {
  return `# Copy this folder, and set where your image is, and how nodes reach the API server without a cluster IP.\n${
    kustomization("Kustomization", {
      resources: ["../base"],
      components: ["../components/canary"],
      images: [{ name: NAME, newName: `registry.example/${NAME}` }],
      configMapGenerator: [{
        name: NAME,
        namespace: WORKLOAD.namespace,
        literals: [`${API_SERVER.key}=https://10.0.0.2:6443`],
      }],
    })
  }`;
}

const patches = (operations: readonly Operation[]) => [{
  target: { kind: "DaemonSet", name: NAME },
  patch: JSON.stringify(operations, undefined, 2),
}];

/** `operation` at the container that sets sysctls and at the proxy's. */
function atContainers({ op, path, value }: Operation): Operation[] {
  return ["initContainers/0", "containers/0"].map((at) => ({ op, path: `${PODS}/${at}${path}`, value }));
}

function apiServer() {
  return {
    name: API_SERVER.variable,
    valueFrom: { configMapKeyRef: { name: NAME, key: API_SERVER.key } },
  };
}

function configured(): Operation[] {
  const mount = { name: "config", mountPath: CONFIG_FOLDER, readOnly: true };
  return [
    { op: "add", path: `${PODS}/volumes/-`, value: { name: "config", configMap: { name: NAME } } },
    ...atContainers({ op: "add", path: "/volumeMounts/-", value: mount }),
    ...atContainers({ op: "add", path: "/args/-", value: `--config=${CONFIG_FOLDER}/config.conf` }),
  ];
}

function canary(): Operation {
  return { op: "add", path: `${PODS}/nodeSelector/${CANARY.name}`, value: CANARY.value };
}

function published(): Operation[] {
  const namespace = { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } };
  return [
    ...atContainers({ op: "add", path: "/env/-", value: namespace }),
    ...atContainers({ op: "add", path: "/args/-", value: `--head-lease=$(${namespace.name})` }),
  ];
}

function scraped(): Operation[] {
  const port = { name: "metrics", containerPort: METRICS_PORT };
  return [
    { op: "add", path: `${PODS}/containers/0/ports`, value: [port] },
    ...atContainers({ op: "add", path: "/args/-", value: `--metrics-bind-address=0.0.0.0:${METRICS_PORT}` }),
  ];
}
