// KubeProxyConfiguration files: their meaning, and all errors at once with path, value and what is accepted.

import assert from "node:assert/strict";
import { readConfigFile } from "../../src/kube/proxy_config_file.ts";

const HEAD = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
const OURS = { apiVersion: "ledgerproxy.config/v1alpha1", kind: "LedgerProxyConfiguration" };

/** kube-proxy's defaults of what no test here is about (pkg/proxy/apis/config/v1alpha1/defaults.go, 1.37). */
const DEFAULTS = {
  bindAddressHardFail: false,
  syncPeriodSeconds: 30,
  conntrack: {
    maxPerCore: 32_768,
    min: 131_072,
    tcpEstablishedTimeout: 86_400,
    tcpCloseWaitTimeout: 3600,
    tcpBeLiberal: false,
    udpTimeout: 0,
    udpStreamTimeout: 0,
  },
  oomScoreAdj: -999,
};

function read(fields: Record<string, unknown>, ...more: unknown[]) {
  const result = readConfigFile([{ ...HEAD, ...fields }, ...more]);
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

function problems(...documents: unknown[]): readonly string[] {
  const result = readConfigFile(documents);
  assert.ok(!result.ok);
  return result.problems;
}

Deno.test("in a file as kubeadm writes it every empty field means the default", () => {
  const { config, warnings } = read({
    bindAddress: "0.0.0.0",
    bindAddressHardFail: false,
    clientConnection: {
      acceptContentTypes: "",
      burst: 0,
      contentType: "",
      kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf",
      qps: 0,
    },
    clusterCIDR: "10.244.0.0/16",
    configSyncPeriod: "0s",
    conntrack: {
      maxPerCore: null,
      min: null,
      tcpBeLiberal: false,
      tcpCloseWaitTimeout: null,
      tcpEstablishedTimeout: null,
      udpStreamTimeout: "0s",
      udpTimeout: "0s",
    },
    detectLocal: { bridgeInterface: "", interfaceNamePrefix: "" },
    detectLocalMode: "",
    enableProfiling: false,
    healthzBindAddress: "",
    hostnameOverride: "",
    iptables: {
      localhostNodePorts: null,
      masqueradeAll: false,
      masqueradeBit: null,
      minSyncPeriod: "0s",
      syncPeriod: "0s",
    },
    ipvs: { excludeCIDRs: null, minSyncPeriod: "0s", scheduler: "", strictARP: false },
    logging: { flushFrequency: 0, options: { json: { infoBufferSize: "0" } }, verbosity: 0 },
    metricsBindAddress: "",
    mode: "nftables",
    nftables: { masqueradeAll: false, masqueradeBit: null, minSyncPeriod: "0s", syncPeriod: "0s" },
    nodePortAddresses: null,
    oomScoreAdj: null,
    portRange: "",
    showHiddenMetricsForVersion: "",
    winkernel: { enableDSR: false, forwardHealthCheckVip: false, networkName: "", rootHnsEndpointName: "" },
  });
  assert.deepEqual(config, {
    proxy: {
      masqueradeBit: 14,
      masqueradeAll: false,
      detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16"] },
      nodePortAddresses: [],
    },
    kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf",
    healthz: { hostname: "0.0.0.0", port: 10256 },
    metrics: { hostname: "127.0.0.1", port: 10249 },
    ...DEFAULTS,
  });
  assert.deepEqual(warnings, []);
});

Deno.test("fields that are set apply, and kube-proxy's defaults for the others", () => {
  const { config } = read({
    mode: "nftables",
    nftables: { masqueradeAll: true, masqueradeBit: 3, syncPeriod: "1m30s" },
    detectLocalMode: "InterfaceNamePrefix",
    detectLocal: { interfaceNamePrefix: "veth" },
    nodePortAddresses: ["primary", "192.0.2.0/24"],
    hostnameOverride: "Node-A",
    healthzBindAddress: "[::]:10256",
  }, { ...OURS, ledger: "/var/lib/ledgerproxy" });
  assert.deepEqual(config, {
    proxy: {
      masqueradeBit: 3,
      masqueradeAll: true,
      detectLocal: { mode: "InterfaceNamePrefix", prefix: "veth" },
      nodePortAddresses: ["primary", "192.0.2.0/24"],
    },
    node: "node-a",
    healthz: { hostname: "::", port: 10256 },
    metrics: { hostname: "127.0.0.1", port: 10249 },
    ...DEFAULTS,
    syncPeriodSeconds: 90,
    ledger: "/var/lib/ledgerproxy",
  });
});

Deno.test("a specific bindAddress is the node's address of its family, and that family's servers are the default", () => {
  const { config } = read({ mode: "nftables", bindAddress: "fd00::7" });
  assert.deepEqual(
    [config.proxy.bindAddress, config.healthz, config.metrics],
    ["fd00::7", { hostname: "::", port: 10256 }, { hostname: "::1", port: 10249 }],
  );
});

Deno.test("a file of another mode keeps the settings of that mode, with a warning about the difference", () => {
  const { config, warnings } = read({
    mode: "iptables",
    iptables: { masqueradeAll: true },
    nftables: { masqueradeBit: 1 },
  });
  assert.deepEqual([config.proxy.masqueradeAll, config.proxy.masqueradeBit], [true, 14]);
  assert.deepEqual(warnings, [
    "mode iptables: rules are nftables here, always; NodePorts are served on the node's primary addresses only",
  ]);
});

Deno.test("fields without effect here are named with the reason", () => {
  const { warnings } = read({
    mode: "nftables",
    nftables: { minSyncPeriod: "1s" },
    enableProfiling: true,
  });
  assert.deepEqual(warnings, [
    "enableProfiling has no effect: there is no profiling endpoint",
    "minSyncPeriod has no effect: a sync costs what changed, so there is nothing to wait for",
  ]);
});

Deno.test("a proxy with a name listens on ports of its own, unless addresses say otherwise", () => {
  const named = { ...OURS, serviceProxyName: "blue" };
  const { proxy, healthz, metrics } = read({}, named).config;
  assert.equal(proxy.serviceProxyName, "blue");
  assert.deepEqual([healthz.port, metrics.port], [10356, 10349]);
  const given = read({ healthzBindAddress: "0.0.0.0:1", metricsBindAddress: "10.0.0.1" }, named).config;
  assert.deepEqual([given.healthz.port, given.metrics.port], [1, 10349]);
  const flag = readConfigFile([HEAD, named], { serviceProxyName: "green" });
  assert.equal(flag.ok && flag.config.proxy.serviceProxyName, "green", "the flag takes precedence");
  assert.match(
    problems(HEAD, { ...OURS, serviceProxyName: "a b" }).join(),
    /^serviceProxyName: "a b"; the value/,
  );
  const wrong = readConfigFile([HEAD], { serviceProxyName: "" });
  assert.match(!wrong.ok ? wrong.problems.join() : "", /^--service-proxy-name: ""; the value of a label is/);
});

Deno.test("connections are counted where the file or the flag says so, and the flag takes precedence", () => {
  const counts = (field: boolean | undefined, countConnections?: boolean | "true" | "false") => {
    const ours = field === undefined ? OURS : { ...OURS, countConnections: field };
    const result = readConfigFile([HEAD, ours], countConnections === undefined ? {} : { countConnections });
    return result.ok && result.config.proxy.countConnections;
  };
  assert.deepEqual([counts(undefined), counts(false), counts(true)], [undefined, undefined, true]);
  assert.deepEqual([counts(undefined, true), counts(false, "true"), counts(true, "false")], [
    true,
    true,
    undefined,
  ]);
  assert.match(problems(HEAD, { ...OURS, countConnections: "yes" }).join(), /^countConnections: "yes"/);
});

Deno.test("all errors are reported at once, with path, value and what is accepted", () => {
  assert.deepEqual(
    problems({
      ...HEAD,
      mode: "iptable",
      clusterCIDR: "10.244.0.0",
      nftables: { masqueradeBit: 32, syncPeriod: "30" },
      nodePortAddresses: ["primry"],
      healthzBindAddress: "10256",
      detectLocal: { bridgeInterface: "far too long a name" },
      conntrack: { min: -1 },
    }).toSorted(),
    [
      'clusterCIDR: "10.244.0.0"; CIDRs such as "10.244.0.0/16", two with a comma, are expected',
      "conntrack.min: -1; Too small: expected number to be >=0",
      'detectLocal.bridgeInterface: "far too long a name"; the name of an interface is expected',
      'healthzBindAddress: "10256"; IP:PORT such as "0.0.0.0:10256" is expected',
      'mode: "iptable"; Invalid option: expected one of ""|"iptables"|"nftables"|"ipvs"',
      "nftables.masqueradeBit: 32; Too big: expected number to be <=31",
      'nftables.syncPeriod: "30"; a duration such as "30s" or "1m30s" is expected',
      'nodePortAddresses.0: "primry"; a CIDR, primary, localhost or all is expected',
    ],
  );
});

Deno.test("errors in how fields go together are found too", () => {
  const cases: [Record<string, unknown>, string][] = [
    [
      { detectLocalMode: "BridgeInterface" },
      "detectLocal.bridgeInterface: nothing; detectLocalMode BridgeInterface needs it",
    ],
    [
      { detectLocalMode: "InterfaceNamePrefix" },
      "detectLocal.interfaceNamePrefix: nothing; detectLocalMode InterfaceNamePrefix needs it",
    ],
    [{ nodePortAddresses: ["all", "all"] }, 'nodePortAddresses: "all" is there twice; once is enough'],
    [
      { clusterCIDR: "10.0.0.0/8,10.1.0.0/16" },
      'clusterCIDR: "10.0.0.0/8,10.1.0.0/16"; at most one CIDR of each family is expected',
    ],
  ];
  for (const [fields, problem] of cases) assert.deepEqual(problems({ ...HEAD, ...fields }), [problem]);
  assert.deepEqual(problems(), ["0 documents of kind KubeProxyConfiguration; one is expected"]);
  assert.deepEqual(problems({ kind: "Pod" }), [
    'kind: "Pod"; KubeProxyConfiguration or LedgerProxyConfiguration is expected',
    "0 documents of kind KubeProxyConfiguration; one is expected",
  ]);
  assert.match(
    problems({ ...HEAD, apiVersion: "v2" })[0]!,
    /^apiVersion: "v2"; .*kubeproxy\.config\.k8s\.io\/v1alpha1/,
  );
  assert.deepEqual(problems(HEAD, { ...OURS, ledgers: "x" }), [
    "ledgers: there is no such field; LedgerProxyConfiguration has ledger, serviceProxyName, countConnections",
  ]);
});

Deno.test("unknown fields are left out with a warning, as in kube-proxy; for removed ones it names the release", () => {
  const { config, warnings } = read({
    mode: "nftables",
    metadata: { name: "kube-proxy" },
    resourceContainer: "/kube-proxy",
    udpIdleTimeout: "250ms",
    conntrack: { max: 5, min: 7 },
    nftables: { masqueradAll: true },
    detectLocal: { bridge: null },
  });
  assert.equal(config.conntrack.min, 7);
  assert.equal(config.proxy.masqueradeAll, false);
  assert.deepEqual(warnings.toSorted(), [
    "conntrack.max: kube-proxy has not read it since 1.16; it is left out",
    "detectLocal.bridge: there is no such field; it is left out",
    "metadata: there is no such field; it is left out",
    "nftables.masqueradAll: there is no such field; it is left out",
    "resourceContainer: kube-proxy has not read it since 1.16; it is left out",
    "udpIdleTimeout: kube-proxy has not read it since 1.26; it is left out",
  ]);
});

Deno.test("a wrong value beside unknown fields is an error, and our own document must have no unknown field", () => {
  assert.deepEqual(
    problems({ ...HEAD, resourceContainer: "", nodePort: 1, conntrack: { max: 1, min: -1 } }),
    [
      "conntrack.min: -1; Too small: expected number to be >=0",
    ],
  );
  assert.deepEqual(problems(HEAD, { ...OURS, kind: "LedgerConfiguration" }), [
    'kind: "LedgerConfiguration"; expected "LedgerProxyConfiguration"',
  ]);
});

Deno.test("a document of another kind is not read: kube-proxy does not look at what else is in its file", () => {
  const { warnings } = read({ mode: "nftables" }, {
    apiVersion: "kubeadm.k8s.io/v1beta4",
    kind: "ClusterConfiguration",
  });
  assert.deepEqual(warnings, [
    'kind: "ClusterConfiguration"; KubeProxyConfiguration or LedgerProxyConfiguration is expected; the document is not read',
  ]);
});

Deno.test("durations are read in each form that Go writes and reads", () => {
  const cases: [string, number][] = [["1.5h", 5400], [".5m", 30], ["+90s", 90], ["1m0.9s", 60], [
    "2000000\u03bcs",
    2,
  ]];
  for (const [udpTimeout, seconds] of cases) {
    assert.equal(read({ conntrack: { udpTimeout } }).config.conntrack.udpTimeout, seconds, udpTimeout);
  }
});

Deno.test("of two KubeProxyConfigurations the first is used, as in kube-proxy, and a warning names the other", () => {
  const [first, second] = [{ ...HEAD, mode: "nftables", clusterCIDR: "10.1.0.0/16" }, {
    ...HEAD,
    mode: "nftables",
  }];
  const result = readConfigFile([first, OURS, {
    ...second,
    clusterCIDR: "10.2.0.0/16",
    oomScoreAdj: "wrong",
  }]);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.config.proxy.detectLocal, { mode: "ClusterCIDR", cidrs: ["10.1.0.0/16"] });
  assert.deepEqual(result.warnings, [
    "document 3 is a KubeProxyConfiguration too; the first one is used, this one is not read",
  ]);
});

Deno.test("each message says what would be accepted, with an example that fits the field", () => {
  for (
    const [fields, ...expected] of [
      [
        { detectLocal: { bridgeInterface: 7 } },
        "detectLocal.bridgeInterface: 7; expected string: write it in quotes",
      ],
      [{ detectLocal: { interfaceNamePrefix: [] } }, "detectLocal.interfaceNamePrefix: []; expected string"],
      [{ hostnameOverride: false }, "hostnameOverride: false; expected string: write it in quotes"],
      [{ hostnameOverride: " " }, 'hostnameOverride: " "; the name of a Node is expected'],
      [{ metricsBindAddress: "x" }, 'metricsBindAddress: "x"; IP:PORT such as "0.0.0.0:10249" is expected'],
      [{ healthzBindAddress: "x" }, 'healthzBindAddress: "x"; IP:PORT such as "0.0.0.0:10256" is expected'],
      [
        { logging: { format: "yaml" } },
        'logging.format: "yaml"; Invalid option: expected one of ""|"text"|"json"',
      ],
      [{ logging: { verbosity: "x" } }, 'logging.verbosity: "x"; expected number'],
    ] as const
  ) assert.deepEqual(problems({ ...HEAD, ...fields }), expected);
  read({
    logging: { format: "", verbosity: 4, flushFrequency: 0, options: { json: {} } },
    hostnameOverride: "",
  });
});
