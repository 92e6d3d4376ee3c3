// Which ledger a command reads.

import assert from "node:assert/strict";
import { chosenFolder, type Surroundings } from "../../src/cli/ledger_folder.ts";
import { UsageError } from "../../src/node/usage_error.ts";
import { runCommand } from "../support/run_program.ts";

const NOTHING: Surroundings = { variable: () => undefined, text: () => undefined, hasLedger: () => false };
const CONFIG = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
---
apiVersion: ledgerproxy.config/v1alpha1
kind: LedgerProxyConfiguration
ledger: /data/ledger
`;

Deno.test("the flag comes first, then the environment, the node's configuration, and the usual folder", () => {
  const usual: Surroundings = { ...NOTHING, hasLedger: (path) => path === "/var/lib/ledgerproxy" };
  const configured: Surroundings = {
    ...usual,
    text: (path) => path === "/var/lib/kube-proxy/config.conf" ? CONFIG : undefined,
  };
  const named: Surroundings = {
    ...configured,
    variable: (name) => name === "LEDGERPROXY_LEDGER" ? "/env" : undefined,
  };
  const path = (...[flag, argument, surroundings]: Parameters<typeof chosenFolder>) =>
    chosenFolder(flag, argument, surroundings).path;
  assert.equal(path("/flag", undefined, named), "/flag");
  assert.equal(path(undefined, "/argument", named), "/argument");
  assert.equal(path("/same", "/same", named), "/same");
  assert.equal(path(undefined, undefined, named), "/env");
  assert.equal(path(undefined, undefined, configured), "/data/ledger");
  assert.equal(path(undefined, undefined, usual), "/var/lib/ledgerproxy");
  const other: Surroundings = {
    ...usual,
    variable: (name) => name === "LEDGERPROXY_CONFIG" ? "/etc/mine.yaml" : undefined,
    text: (path) => path === "/etc/mine.yaml" ? CONFIG.replace("/data/ledger", "/mine") : undefined,
  };
  assert.deepEqual(chosenFolder(undefined, undefined, other), { path: "/mine", from: "/etc/mine.yaml" });
});

Deno.test("two folders, or none anywhere, are wrong usage; a configuration that names none or is broken is passed over", () => {
  assert.throws(() => chosenFolder("/a", "/b", NOTHING), UsageError);
  assert.throws(
    () => chosenFolder(undefined, undefined, NOTHING),
    /--ledger DIR is missing: .*LEDGERPROXY_LEDGER is not set.*config\.conf names none.*\/var\/lib\/ledgerproxy$/,
  );
  for (const text of ["kind: [", "", "ledger: 7\nkind: LedgerProxyConfiguration\n", "- 1\n- null\n"]) {
    assert.throws(
      () => chosenFolder(undefined, undefined, { ...NOTHING, text: () => text }),
      UsageError,
      text,
    );
  }
});

Deno.test("what cannot be read is not said to be absent, and the other places are still looked at", async () => {
  const denied = () => {
    throw new Deno.errors.PermissionDenied("permission denied (os error 13)");
  };
  assert.throws(() => chosenFolder(undefined, undefined, { ...NOTHING, text: denied, hasLedger: denied }), {
    name: "UsageError",
    message: `--ledger DIR is missing: the folder of the ledger. LEDGERPROXY_LEDGER is not set
  not read: /var/lib/kube-proxy/config.conf: permission denied
  not read: /var/lib/ledgerproxy/ledger: permission denied
  not read: /var/lib/ledgerproxy: permission denied`,
  });
  const hasLedger = (path: string) => path === "/var/lib/ledgerproxy" || denied();
  assert.equal(
    chosenFolder(undefined, undefined, { ...NOTHING, text: denied, hasLedger }).path,
    "/var/lib/ledgerproxy",
  );
  const folder = Deno.makeTempDirSync();
  const command = [Deno.execPath(), "run", "-A", "--deny-read=/var/lib/ledgerproxy", "--no-check", "--quiet"];
  const env = { LEDGERPROXY_CONFIG: folder };
  const { code, stderr } = await runCommand([...command, "src/cli/main.ts", "services"], env);
  assert.equal(code, 2);
  assert.match(stderr, /not read: .*: it is a folder\n {2}not read: \/var\/lib\/ledgerproxy\/ledger: /);
  assert.doesNotMatch(stderr, /none/);
  Deno.removeSync(folder);
});
