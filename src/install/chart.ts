// A Helm chart, made from the objects that `manifest` prints. Marks in those objects are the places of what a user may set: `@@name@@`
// for a value, and `@@if ...@@` to `@@end@@`, as list items or keys, around what is not always there. Each mark becomes an
// expression of Helm's templates.

import { writeDocuments } from "../ingest/yaml_documents.ts";
import { CHECK_NAME, helper, helpersText, NO_NODES, refusalsText } from "./chart_helpers.ts";
import { checkJob } from "./check_job.ts";
import { leaseObjects } from "./lease_objects.ts";
import { type Monitored, type MonitoringChoice, monitoringObjects } from "./monitors.ts";
import { daemonSet, labelsOf, NAME, type Workload, workloadObjects } from "./workload.ts";

type Json = Record<string, unknown>;

const DESCRIPTION = "A Kubernetes service proxy for nftables that keeps a ledger";

/** The values that a user may set, with their defaults, and a comment above each. */
const DEFAULT_VALUES: readonly (readonly [comment: string, values: Json])[] = [
  [
    "The image. An empty tag is the version of the chart.",
    { image: { repository: NAME, tag: "", pullPolicy: "IfNotPresent" }, imagePullSecrets: [] },
  ],
  ["How nodes reach the API server without a cluster IP. Required.", { apiServer: "" }],
  ["Flags of `ledgerproxy run`, which are kube-proxy's.", { flags: ["--detect-local-mode=NodeCIDR"] }],
  ["Files of a configuration: config.conf, a KubeProxyConfiguration, and what it names.", { config: {} }],
  [
    "Serve only Services with the label service.kubernetes.io/service-proxy-name of this value, beside another proxy. Ports are then\n# 10356 and 10349, and names end with it.",
    { serviceProxyName: "" },
  ],
  [
    "Count connections by Service and endpoint; costs memory of the kernel for each element.",
    { countConnections: false },
  ],
  [
    "Folder of the ledger on each node. Empty: /var/lib/ with the name of the objects, which is ledgerproxy without serviceProxyName.",
    { ledger: "" },
  ],
  [
    "Publish heads of each ledger in a Lease of its node, and keep those that are there by a policy (Kubernetes 1.30).",
    { headLease: false },
  ],
  ["A privileged init container that sets the limits of connection tracking.", { setSysctls: true }],
  [
    "Where the pods run. Set nodeSelector to try the proxy on a few nodes first.",
    { nodeSelector: { "kubernetes.io/os": "linux" }, tolerations: [{ operator: "Exists" }], affinity: {} },
  ],
  [
    "",
    {
      priorityClassName: "system-node-critical",
      podLabels: {},
      podAnnotations: {},
      resources: { requests: { cpu: "50m", memory: "200Mi" }, limits: { memory: "2Gi" } },
    },
  ],
  [
    "Jobs that run `ledgerproxy check`, on the nodes with these names, or on all that there are.",
    { check: { nodes: [], all: false } },
  ],
  [
    "With enabled, metrics are on port 10249 (10349 with serviceProxyName) of every node address. The job kube-proxy fills dashboards made for it.",
    { monitoring: { enabled: false, podMonitor: false, rules: false, dashboard: false, job: NAME } },
  ],
];

/** Single values. */
const VALUES: Readonly<Record<string, string>> = {
  image: helper("image"),
  pullPolicy: "{{ .Values.image.pullPolicy }}",
  namespace: "{{ .Release.Namespace }}",
  ledger: helper("ledger"),
  apiServer: helper("apiServer"),
  priorityClassName: "{{ .Values.priorityClassName }}",
  job: "{{ .Values.monitoring.job }}",
  check: CHECK_NAME,
  node: "{{ $node | quote }}",
  name: helper("name"),
  serviceProxyName: "{{ .Values.serviceProxyName }}",
  healthPort: helper("healthPort"),
  healthHost: helper("healthHost"),
  metricsPort: helper("metricsPort"),
  item: "{{ . | quote }}",
  key: "{{ $key }}",
  value: "{{ $value | quote }}",
};

const mark = (name: string) => `@@${name}@@`;
const block = (path: string) => `@@toYaml .Values.${path}@@`;

/** A control line, in place of a list item or a key. */
const CONTROL = /^ *(?:- )?["']?@@((?:if |range |end)[^@#]*?) *(?:#\d+)?@@["']?(?:: null)?$/;
/** A field whose value is a block of YAML. */
const BLOCK = /^( *)([\w."/-]+): ["']?@@(toYaml [^@]+)@@["']?$/;

/** The template for `objects`. */
function template(...objects: unknown[]): string {
  return writeDocuments(objects).split("\n").map((raw) => {
    // Braces of our own texts, such as those of alerts, are not Helm's.
    const line = raw.replaceAll(/\{\{|\}\}/g, (braces) => `{{ "${braces}" }}`);
    const [, control] = CONTROL.exec(line) ?? [];
    if (control !== undefined) return `{{- ${control} }}`;
    const [, indent, key, expression] = BLOCK.exec(line) ?? [];
    if (key !== undefined) return `${indent}${key}: {{- ${expression} | nindent ${indent!.length + 2} }}`;
    // A mark that is a whole key or value loses the quotes that YAML gave it; quotes around it in a longer text stay.
    return line.replace(
      /(["'])@@(\w+)@@\1(?=:|$)|@@(\w+)@@/g,
      (_, _quote, whole, part) => VALUES[whole ?? part]!,
    );
  }).join("\n");
}

/** A template for each node that is to be checked. Within a range Helm's dot is the item, hence the `with`. */
const forEachChecked = (text: string) =>
  `{{- $nodes := .Values.check.nodes }}
{{- if .Values.check.all }}
{{- range (lookup "v1" "Node" "" "").items }}
{{- $nodes = append $nodes .metadata.name }}
{{- end }}
{{- if not $nodes }}${NO_NODES}{{ end }}
{{- end }}
{{- range $node := $nodes }}
{{- with $ }}
---
${text}{{- end }}
{{- end }}
`;

const when = (condition: string, text: string) => `{{- if ${condition} }}\n${text}{{- end }}\n`;

/** The workload with a mark for each value. */
const MARKED: Workload = {
  name: mark("name"),
  image: mark("image"),
  namespace: mark("namespace"),
  ledger: mark("ledger"),
  apiServer: mark("apiServer"),
  flags: [
    "@@if .Values.headLease@@",
    "--head-lease",
    mark("namespace"),
    "@@end@@",
    "@@if .Values.serviceProxyName@@",
    `--service-proxy-name=${mark("serviceProxyName")}`,
    "@@end@@",
    "@@if .Values.countConnections@@",
    "--count-connections",
    "@@end@@",
    "@@range .Values.flags@@",
    mark("item"),
    "@@end@@",
    "@@if .Values.monitoring.enabled@@",
    `--metrics-bind-address=0.0.0.0:${mark("metricsPort")}`,
    "@@end@@",
  ],
  setSysctls: true,
  canary: false,
  healthPort: mark("healthPort"),
  metricsPort: mark("metricsPort"),
  config: {},
};

/** The files of the chart by path. `version` is that of the program. */
export function chartFiles(version: string): ReadonlyMap<string, string> {
  const objects = workloadObjects(MARKED);
  const ofKind = (...kinds: string[]) => objects.filter(({ kind }) => kinds.includes(String(kind)));
  const [config] = ofKind("ConfigMap");
  const monitored: Monitored = {
    metadata: { name: mark("name"), namespace: mark("namespace") },
    labels: labelsOf(mark("name")),
    port: mark("metricsPort"),
    job: mark("job"),
  };
  const monitoring = (name: keyof MonitoringChoice, kind: string) => {
    const object = monitoringObjects(monitored, { [name]: true }).find((one) => one["kind"] === kind);
    return when(`.Values.monitoring.${name}`, template(object));
  };
  const check = checkJob(
    { name: mark("check"), namespace: mark("namespace"), node: mark("node"), image: mark("image") },
    { pod: pullSecrets(8), container: { imagePullPolicy: mark("pullPolicy") } },
  );
  const leases = leaseObjects({ name: mark("name"), namespace: mark("namespace") });
  const [service] = monitoringObjects(monitored, { podMonitor: true });
  const chart = { apiVersion: "v2", name: NAME, description: DESCRIPTION, type: "application" };
  return new Map([
    ["Chart.yaml", writeDocuments([{ ...chart, version, appVersion: version }])],
    ["values.yaml", valuesText()],
    ["values.schema.json", `${JSON.stringify(valuesSchema(), undefined, 2)}\n`],
    ["templates/_helpers.tpl", helpersText()],
    ["templates/refusals.yaml", refusalsText()],
    ["templates/account.yaml", template(...ofKind("ServiceAccount", "ClusterRole", "ClusterRoleBinding"))],
    ["templates/head-lease.yaml", when(".Values.headLease", `${LEASE_ALONE}\n${template(...leases)}`)],
    ["templates/config.yaml", when(".Values.config", template({ ...config, data: block("config") }))],
    ["templates/daemonset.yaml", template(charted(daemonSet(MARKED)))],
    ["templates/check.yaml", forEachChecked(template(check))],
    ["templates/metrics-service.yaml", when(".Values.monitoring.enabled", template(service))],
    ["templates/pod-monitor.yaml", monitoring("podMonitor", "PodMonitor")],
    ["templates/rules.yaml", monitoring("rules", "PrometheusRule")],
    ["templates/dashboard.yaml", monitoring("dashboard", "ConfigMap")],
  ]);
}

/** The Lease of a node has the heads of one ledger. */
const LEASE_ALONE =
  '{{- if .Values.serviceProxyName }}{{ fail "headLease goes with a proxy without serviceProxyName" }}{{ end }}';

function valuesText(): string {
  return DEFAULT_VALUES.map(([comment, values]) =>
    `${comment === "" ? "" : `# ${comment}\n`}${writeDocuments([values])}`
  ).join("");
}

/** What Helm checks values by: a misspelt name would be ignored, and in a template the text "false" counts as true. */
function valuesSchema(): Json {
  const values = Object.assign({}, ...DEFAULT_VALUES.map(([, some]) => some));
  // Helm adds `global` to the values of a chart that another one contains.
  return { $schema: "http://json-schema.org/draft-07/schema#", ...schemaOf({ ...values, global: {} }, "") };
}

/** The shape of a value at `path` with this default. What is Kubernetes' own, and every empty map, has any fields. */
function schemaOf(value: unknown, path: string): Json {
  if (Array.isArray(value)) return { type: "array", ...LIMITS[path] };
  if (typeof value !== "object" || value === null) return { type: typeof value, ...LIMITS[path] };
  const known = Object.entries(value);
  if (known.length === 0 || path in LIMITS) return { type: "object", ...LIMITS[path] };
  const pathOf = (key: string) => path === "" ? key : `${path}.${key}`;
  const properties = known.map(([key, one]) => [key, schemaOf(one, pathOf(key))]);
  // Helm leaves out what is null. The templates ask for what is within these.
  const required = known.map(([key]) => key).filter((key) => REQUIRED.has(pathOf(key)));
  return {
    type: "object",
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(properties),
  };
}

/** Values that may not be null. */
const REQUIRED: ReadonlySet<string> = new Set([
  ...["image", "image.repository", "image.pullPolicy", "monitoring", "monitoring.job", "check"],
]);

/** What else must hold for a value, by its path. `manifest` refuses the same. */
const LIMITS: Readonly<Record<string, Json>> = {
  apiServer: { pattern: "^(https://.+)?$" },
  flags: { items: { type: "string" } },
  config: { additionalProperties: { type: "string" } },
  serviceProxyName: { pattern: "^([a-z0-9-]*[a-z0-9])?$", maxLength: 63 - `${NAME}-`.length },
  ledger: { pattern: "^(/.*)?$" },
  nodeSelector: {},
  resources: {},
  "image.repository": { minLength: 1 },
  "image.pullPolicy": { enum: ["Always", "IfNotPresent", "Never"] },
  "monitoring.job": { minLength: 1 },
  // With --set, Helm makes a number of what looks like one.
  "image.tag": { type: ["string", "integer"] },
  "check.nodes": { items: { type: ["string", "integer"] } },
};

/** The DaemonSet, with conditions around its optional parts and blocks where charts let users set what they like. */
function charted(object: ReturnType<typeof daemonSet>): Json {
  const { spec: { template: { metadata: { annotations }, spec: pods }, ...daemon }, ...rest } = object;
  const { initContainers = [], volumes, containers: [proxy], ...pod } = pods;
  const { ports, ...container } = changed(proxy!);
  return {
    ...rest,
    spec: {
      ...daemon,
      template: {
        metadata: {
          labels: { ...labelsOf(mark("name")), ...fieldsOf("podLabels", 1) },
          annotations: { ...annotations, ...fieldsOf("podAnnotations", 2) },
        },
        spec: {
          ...pod,
          ...pullSecrets(3),
          priorityClassName: mark("priorityClassName"),
          nodeSelector: block("nodeSelector"),
          tolerations: block("tolerations"),
          ...fieldsIf(".Values.affinity", 4, { affinity: block("affinity") }),
          ...fieldsIf(".Values.setSysctls", 5, { initContainers: initContainers.map(changed) }),
          containers: [{
            ...container,
            ...probesOf(container),
            ...fieldsIf(".Values.monitoring.enabled", 6, { ports }),
            resources: block("resources"),
          }],
          volumes: withConfig(volumes),
        },
      },
    },
  };
}

/** The credentials of the image's registry. `number` keeps the marks of one object apart. */
function pullSecrets(number: number): Json {
  return fieldsIf(".Values.imagePullSecrets", number, { imagePullSecrets: block("imagePullSecrets") });
}

/** A field for each entry of a map that the user sets. `number` keeps the marks of one object apart. */
function fieldsOf(path: string, number: number): Json {
  return {
    [`@@range $key, $value := .Values.${path} #${number}@@`]: null,
    "@@key@@": mark("value"),
    [`@@end #${number}@@`]: null,
  };
}

type Probes = Readonly<
  Record<"startupProbe" | "readinessProbe" | "livenessProbe", { readonly httpGet: object }>
>;

/** The probes, which ask a loopback address where the program answers there alone. */
function probesOf({ startupProbe, readinessProbe, livenessProbe }: Probes): Probes {
  const host = fieldsIf(`(include "${NAME}.healthHost" .)`, 7, { host: mark("healthHost") });
  const asking = (probe: Probes["livenessProbe"]) => ({ ...probe, httpGet: { ...probe.httpGet, ...host } });
  return {
    startupProbe: asking(startupProbe),
    readinessProbe: asking(readinessProbe),
    livenessProbe: asking(livenessProbe),
  };
}

/** A container whose configuration is optional. */
function changed<Container extends { args: readonly string[]; volumeMounts: readonly { name: string }[] }>(
  container: Container,
) {
  const { args, volumeMounts } = container;
  const at = args.indexOf("--config");
  return {
    ...container,
    imagePullPolicy: mark("pullPolicy"),
    args: [
      ...args.slice(0, at),
      ...itemsIf(".Values.config", ...args.slice(at, at + 2)),
      ...args.slice(at + 2),
    ],
    volumeMounts: withConfig(volumeMounts),
  };
}

/** `items`, with a condition around those of the configuration. */
function withConfig(items: readonly { readonly name: string }[]): unknown[] {
  const isConfig = ({ name }: { readonly name: string }) => name === "config";
  return [
    ...items.filter((item) => !isConfig(item)),
    ...itemsIf(".Values.config", ...items.filter(isConfig)),
  ];
}

/** List items that are there under a condition. */
function itemsIf(condition: string, ...items: unknown[]): unknown[] {
  return [`@@if ${condition}@@`, ...items, "@@end@@"];
}

/** Fields that are there under a condition. `number` keeps the marks of one object apart. */
function fieldsIf(condition: string, number: number, fields: Json): Json {
  return { [`@@if ${condition} #${number}@@`]: null, ...fields, [`@@end #${number}@@`]: null };
}
