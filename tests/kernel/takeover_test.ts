// A start beside rules of another proxy: they are newer than our ledger, so they serve until the API server has sent its lists.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { BOOKMARK, line, Server, status, stream, whole } from "../support/api_server.ts";
import { startBeside } from "../support/beside_server.ts";
import { end } from "../support/cluster/control_plane.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { removeTables } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** Rules of kube-proxy in nftables mode, and those of its iptables mode, by the tables and chains that they are known by. */
const OTHERS = {
  "ip kube-proxy": [],
  "ip nat": ["KUBE-SERVICES"],
};
const OURS = ["ip ledgerproxy", "ip6 ledgerproxy"];

Deno.test("rules of another proxy stay until the API server has answered, though the ledger was committed from", async () => {
  const folder = await Deno.makeTempDir();
  using kernel = new NetlinkKernel();
  const tables = () => kernel.tables().map(({ family, name }) => `${family} ${name}`).sort();
  let away = false;
  await using server = new Server((query) => {
    if (away) return status(503, "ServiceUnavailable");
    return query.has("watch")
      ? stream([line("ADDED", whole("web")), BOOKMARK], true)
      : status(422, "Invalid");
  });
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  const start = () => startBeside(server, folder);
  const first = start();
  await until("the rules are in the kernel", () => /skeleton written/.test(log()));
  await end(first);
  for (const [table, chains] of Object.entries(OTHERS)) {
    removeTables(kernel);
    nft(["-f", "-"], `table ${table} { ${chains.map((chain) => `chain ${chain} {};`).join(" ")} }`);
    away = true;
    const process = start();
    // The rules of the ledger, where they may be used, are committed before the first request.
    await until("the API server has refused", () => /503/.test(log()));
    assert.deepEqual(tables(), [table], log());
    away = false;
    await until("our rules are in the kernel", () => /skeleton written/.test(log()));
    assert.deepEqual(tables().filter((name) => name !== "ip nat"), OURS);
    await end(process);
  }
  await Deno.remove(folder, { recursive: true });
});
