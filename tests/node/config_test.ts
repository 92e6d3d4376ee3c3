// The configuration as the node takes it from a file: what is only a warning, what is refused, and what a file may not be.

import assert from "node:assert/strict";
import { settings } from "../../src/node/config.ts";
import { UsageError } from "../../src/node/usage_error.ts";

const HEAD = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n";
const OURS = "---\napiVersion: ledgerproxy.config/v1alpha1\nkind: LedgerProxyConfiguration\n";

/** What comes of a configuration file that holds `text`: its settings, or what is wrong with it. */
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

Deno.test("a file that was written for kube-proxy 1.15 starts: what it no longer reads costs nothing", () => {
  const { settings } = read(
    `${HEAD}metadata: {name: worker, namespace: null}\nresourceContainer: /kube-proxy\nudpIdleTimeout: 250ms\n` +
      "conntrack: {max: 100, maxPerCore: 1}\nnodePortAddresses: [10.0.0.0/8]\n",
  );
  assert.deepEqual(settings?.proxy.nodePortAddresses, ["10.0.0.0/8"]);
  assert.equal(settings?.conntrack?.maxPerCore, 1);
});

Deno.test("words, numbers and merge keys of YAML 1.1 mean what they mean to kube-proxy", () => {
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

Deno.test("of a key that stands twice the last counts, as in kube-proxy; in our own document it is refused", () => {
  assert.equal(read(`${HEAD}oomScoreAdj: 1\noomScoreAdj: 2\n`).settings?.oomScoreAdj, 2);
  assert.equal(
    read(`${HEAD}${OURS}ledger: /a\nledger: /b\n`).problem,
    '--config FILE:\n  line 8: "ledger" stands twice',
  );
});

Deno.test("a file that would not end, that multiplies itself, or that is none is refused with a sentence", () => {
  const level = (name: string, inner: string) => `${name}: &${name} [${Array(9).fill(inner).join(", ")}]\n`;
  const bomb = `${level("a", "x")}${level("b", "*a")}${level("c", "*b")}${level("d", "*c")}`;
  assert.match(read(`${HEAD}${bomb}`).problem, /its aliases .* multiply what it holds/);
  assert.match(read(`${HEAD}x: ${"[".repeat(20_000)}`).problem, /nested too deeply/);
  assert.match(
    read(`${HEAD}# ${"x".repeat(5 * 1024 * 1024)}`).problem,
    /^--config FILE: more than \d+ bytes$/,
  );
  assert.throws(
    () => settings({ config: "/dev/zero", source: "x" }),
    /^UsageError: --config .*: more than \d+ bytes$/,
  );
  assert.throws(
    () => settings({ config: "/none", source: "x" }),
    /^UsageError: --config \/none: no such file$/,
  );
});
