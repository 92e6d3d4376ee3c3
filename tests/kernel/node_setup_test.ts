// The limits of connection tracking on a node whose number of cores cannot be read: the others are set all the same.

import assert from "node:assert/strict";
import { imageCommand } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const ESTABLISHED = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established";

Deno.test("without /sys the timeouts of connection tracking are set, and what is not set is named", () => {
  const limits = ["--conntrack-tcp-timeout-established", "1234s", "--conntrack-min", "1000"];
  const command = imageCommand("run", "--init-only", "--node", "node-a", ...limits);
  const { code, stderr } = new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", `mount -t tmpfs none /sys && exec "$@"`, "sh", ...command],
    env: { NO_COLOR: "1" },
  }).outputSync();
  const said = new TextDecoder().decode(stderr);
  assert.equal(Deno.readTextFileSync(ESTABLISHED).trim(), "1234", said);
  assert.match(said, /the number of cores is not known, so nf_conntrack_max stays as it is: open \/sys/);
  assert.equal(code, 3);
});
