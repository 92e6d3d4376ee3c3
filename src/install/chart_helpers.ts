// What a template of the chart computes, or refuses as `manifest` does: Helm's named templates, in the file that Helm reads first.

import { LABELS, NAME } from "./workload.ts";

/** The expression that calls a helper. */
export function helper(name: Helper): string {
  return `{{ include "${NAME}.${name}" . }}`;
}

type Helper = keyof typeof HELPERS;

/** The helpers by name. `$` is not the root in a named template: the caller's values are. */
const HELPERS = {
  /** The name of all objects. */
  name: `${NAME}{{ with .Values.serviceProxyName }}-{{ . }}{{ end }}`,
  image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}",
  /** Two proxies on a node need a folder each, as the names of their objects differ. */
  ledger: `{{ .Values.ledger | default (printf "/var/lib/%s" (include "${NAME}.name" .)) }}`,
  apiServer:
    `{{- $url := required "apiServer: how nodes reach the API server, such as https://10.0.0.2:6443" .Values.apiServer }}
{{- $host := regexReplaceAll "^https://([^/:]*).*$" $url "\${1}" }}
{{- if or (regexMatch "^kubernetes(\\\\.default)?$" $host) (regexMatch "\\\\.svc(\\\\.|$)" $host) }}
{{- fail (printf "apiServer: %s is the name of a Service, and no Service works before this proxy does; give an address of the API server itself, or of a load balancer outside of the cluster" $host) }}
{{- end }}
{{- $url }}`,
  /** healthzBindAddress as the flags say it, else as the configuration does; empty: neither does. */
  healthzAddress: `{{- $address := "" }}
{{- range splitList "\\n---" (get (.Values.config | default dict) "config.conf") }}
{{- $document := fromYaml . }}
{{- if eq (get $document "kind" | toString) "KubeProxyConfiguration" }}
{{- $address = get $document "healthzBindAddress" | default "" | toString }}
{{- end }}
{{- end }}
{{- $before := "" }}
{{- range .Values.flags }}
{{- if eq $before "--healthz-bind-address" }}{{ $address = . }}{{ end }}
{{- if hasPrefix "--healthz-bind-address=" . }}{{ $address = trimPrefix "--healthz-bind-address=" . }}{{ end }}
{{- $before = . }}
{{- end }}
{{- $address }}`,
  /** An address of IPv6 has a port behind brackets alone. */
  healthPort: `{{- $port := "10256" }}
{{- if .Values.serviceProxyName }}{{ $port = "10356" }}{{ end }}
{{- $address := include "${NAME}.healthzAddress" . }}
{{- if regexMatch "^([^:]*|\\\\[.*\\\\]):[0-9]+$" $address }}{{ $port = regexFind "[0-9]+$" $address }}{{ end }}
{{- $port }}`,
  /** A loopback address, which a probe must name; empty for every other one. */
  healthHost: `{{- $address := include "${NAME}.healthzAddress" . }}
{{- if hasPrefix "127." $address }}{{ regexFind "^[^:]*" $address }}{{ end }}
{{- if regexMatch "^(\\\\[::1\\\\].*|::1)$" $address }}::1{{ end }}`,
  metricsPort: `{{ if .Values.serviceProxyName }}10349{{ else }}10249{{ end }}`,
} as const;

/**
 * The name of the Job that checks `$node`: another one with each release, version, image and way to pull it. The template of a Job
 * cannot change, so that Helm could not upgrade the chart while one with that name is there, and what one release owns no other installs.
 */
export const CHECK_NAME = `${NAME}-check-{{ toString $node | trunc 32 | trimAll "-." }}-{{ ` +
  `list $node .Release.Name .Values.image .Values.imagePullSecrets .Chart.Version | toJson | sha256sum | trunc 8 }}`;

/** The labels by which the DaemonSet and the Service find the pods. */
const SELECTORS = Object.keys(LABELS).map((label) =>
  `{{- if hasKey (.Values.podLabels | default dict) "${label}" }}
{{- fail "podLabels: ${label} is the label by which the pods are found; leave it out" }}
{{- end }}`
);

/** Where the metrics are for other machines, and that what scrapes or shows them finds them there. */
const METRICS = `{{- range $name := list "podMonitor" "rules" "dashboard" }}
{{- if and (get $.Values.monitoring $name) (not $.Values.monitoring.enabled) }}
{{- fail (printf "monitoring.%s needs metrics that other machines can read: set monitoring.enabled=true" $name) }}
{{- end }}
{{- end }}
{{- if .Values.monitoring.enabled }}
{{- range .Values.flags }}
{{- if regexMatch "^--metrics-bind-address(=|$)" . }}
{{- fail "flags: --metrics-bind-address and monitoring.enabled: both say where the metrics are; leave out one of them" }}
{{- end }}
{{- end }}
{{- end }}`;

/** The file of helpers. */
export function helpersText(): string {
  const named = Object.entries(HELPERS).map(([name, text]) =>
    `{{- define "${NAME}.${name}" -}}\n${text}\n{{- end }}\n`
  );
  return named.join("\n");
}

/** The file that refuses values which do not go together. It makes no object. */
export function refusalsText(): string {
  return `${[METRICS, ...SELECTORS].join("\n")}\n`;
}

/** Nodes that \`check.all\` finds: none where Helm asks no cluster, and a check of nothing would look like a good answer. */
export const NO_NODES =
  `{{- fail "check.all: no Node was found; helm template asks the cluster with --dry-run=server alone: add that, or name the nodes in check.nodes" }}`;
