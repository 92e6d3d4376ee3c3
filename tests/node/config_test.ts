// Settings from a configuration file: what is only a warning, what is refused, and which files are refused whole.

import assert from "node:assert/strict";
import { settings } from "../../src/node/config.ts";
import { UsageError } from "../../src/node/usage_error.ts";

const HEAD = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n";
const OURS = "---\napiVersion: ledgerproxy.config/v1alpha1\nkind: LedgerProxyConfiguration\n";

/** The settings of a configuration file with `text`, or what is wrong with it. */
function read(text: string) {
  const config = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(config, text);
    return { settings: settings({ config, source: "x" }), problem: "" };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { settings: undefined, problem: error.message.replaceAll(config, "FILE") };
  } finally {
    Deno.removeSync(config);
  }
}

Deno.test("a file for kube-proxy 1.15 is accepted: fields that kube-proxy no longer reads are ignored", () => {
  const { settings } = read(
    `${HEAD}metadata: {name: worker, namespace: null}\nresourceContainer: /kube-proxy\nudpIdleTimeout: 250ms\n` +
      "conntrack: {max: 100, maxPerCore: 1}\nnodePortAddresses: [10.0.0.0/8]\n",
  );
  assert.deepEqual(settings?.proxy.nodePortAddresses, ["10.0.0.0/8"]);
  assert.equal(settings?.conntrack?.maxPerCore, 1);
});

Deno.test("a run that follows an API server sets kube-proxy's limits of connection tracking; a source of files does not", () => {
  const defaults = {
    maxPerCore: 32_768,
    min: 131_072,
    tcpEstablishedTimeout: 86_400,
    tcpCloseWaitTimeout: 3600,
  };
  const unset = { tcpBeLiberal: false, udpTimeout: 0, udpStreamTimeout: 0 };
  assert.deepEqual(settings({ node: "node-a" }).conntrack, { ...defaults, ...unset });
  assert.equal(settings({ node: "node-a", source: "x" }).conntrack, undefined);
  assert.equal(settings({ node: "node-a" }).oomScoreAdj, undefined);
});

Deno.test("booleans, numbers and merge keys of YAML 1.1 are read as in kube-proxy", () => {
  const { settings, problem } = read(
    `${HEAD}nftables:\n  <<: {masqueradeBit: 016}\n  masqueradeAll: yes\nenableProfiling: off\n` +
      "oomScoreAdj: -0x10\nconntrack: {min: 131_072, maxPerCore: 0b11, tcpBeLiberal: On}\n",
  );
  assert.equal(problem, "");
  const { proxy, conntrack, oomScoreAdj } = settings!;
  assert.deepEqual([proxy.masqueradeBit, proxy.masqueradeAll, oomScoreAdj], [14, true, -16]);
  assert.deepEqual([conntrack?.min, conntrack?.maxPerCore, conntrack?.tcpBeLiberal], [131_072, 3, true]);
});

Deno.test("an address to listen on without a port has the default port, as in kube-proxy", () => {
  const { settings, problem } = read(`${HEAD}healthzBindAddress: 127.0.0.1\nmetricsBindAddress: "::1"\n`);
  assert.equal(problem, "");
  assert.deepEqual(settings?.healthzBindAddress, { hostname: "127.0.0.1", port: 10256 });
  assert.deepEqual(settings?.metricsBindAddress, { hostname: "::1", port: 10249 });
});

Deno.test("of a repeated key the last counts, as in kube-proxy; in our own document it is refused", () => {
  assert.equal(read(`${HEAD}oomScoreAdj: 1\noomScoreAdj: 2\n`).settings?.oomScoreAdj, 2);
  assert.equal(
    read(`${HEAD}${OURS}ledger: /a\nledger: /b\n`).problem,
    '--config FILE:\n  line 8: "ledger" is repeated',
  );
});

Deno.test("a file that does not end, multiplies by aliases or does not exist is refused with a sentence", () => {
  const level = (name: string, inner: string) => `${name}: &${name} [${Array(9).fill(inner).join(", ")}]\n`;
  const bomb = `${level("a", "x")}${level("b", "*a")}${level("c", "*b")}${level("d", "*c")}`;
  assert.match(read(`${HEAD}${bomb}`).problem, /its aliases .* multiply what it holds/);
  assert.match(read(`${HEAD}x: ${"[".repeat(20_000)}`).problem, /more than 10000 nested lists and maps/);
  assert.match(
    read(`${HEAD}# ${"x".repeat(5 * 1024 * 1024)}`).problem,
    /^--config FILE: more than \d+ bytes$/,
  );
  assert.throws(
    () => settings({ config: "/dev/zero", source: "x" }),
    /^UsageError: --config .*: it is a device, not a file$/,
  );
  assert.throws(
    () => settings({ config: "/none", source: "x" }),
    /^UsageError: --config \/none: no such file$/,
  );
});
