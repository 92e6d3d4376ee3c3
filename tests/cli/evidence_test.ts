// An auditor at the command line: `verify` with a key and with a witness, from files and from a URL.

import assert from "node:assert/strict";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import { CheckpointKeys } from "../../src/node/checkpoint_keys.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { writeKubeconfig } from "../support/written_kubeconfig.ts";

const ROOT = new URL("../../", import.meta.url);
const TIME = "2026-11-23T09:26:10.000Z";

async function verify(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", "verify", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout) + text.decode(stderr) };
}

/** A signed ledger in `folder`, with the key that an auditor keeps and what a scraper saw. */
async function signed(folder: string): Promise<{ key: string; seen: string }> {
  using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
  let seen = "";
  const checkpoints = new Checkpoints(
    folder,
    writer,
    (record: LedgerRecord) => void writer.append([record]),
    () => TIME,
    ({ ledger, next, chain }) =>
      seen = `ledgerproxy_ledger_head_info{ledger="${ledger}",offset="${next}",chain="${chain}"} 1\n`,
  );
  const { key } = await new CheckpointKeys(folder, writer.ledger).open();
  writer.append([{ ...appears(service("shop/web 10.96.0.1 http:80/tcp")), time: TIME }]);
  await checkpoints.end();
  return { key: key.signer.verifier, seen };
}

Deno.test("a segment that a crash left only begun does not make a ledger one that the witness never saw", async () => {
  const folder = await Deno.makeTempDir();
  const ledger = `${folder}/ledger`;
  const { key, seen } = await signed(ledger);
  Deno.writeTextFileSync(`${folder}/seen`, seen);
  Deno.writeTextFileSync(`${ledger}/00000000000000000002.ndjson`, "");
  const { code, output } = await verify(ledger, "--key", key, "--witness", `${folder}/seen`);
  assert.equal(code, 0, output);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a key and a witness are read from files and URLs, and what contradicts them is found", async () => {
  const folder = await Deno.makeTempDir();
  const ledger = `${folder}/ledger`;
  const { key, seen } = await signed(ledger);
  Deno.writeTextFileSync(`${folder}/key`, `${key}\n`);
  Deno.writeTextFileSync(`${folder}/seen`, seen);
  const good = await verify(ledger, "--key", `${folder}/key`, "--witness", `${folder}/seen`);
  assert.equal(good.code, 0, good.output);
  assert.match(
    good.output,
    /1 checkpoint; the records before @1 are signed\n {2}key for the next audit: ledgerproxy\//,
  );

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(seen.replace(/offset="1"/, 'offset="9"')),
  );
  const later = await verify(ledger, "--witness", `http://127.0.0.1:${server.addr.port}/federate`);
  await server.shutdown();
  assert.equal(later.code, 1);
  assert.match(
    later.output,
    /the witness saw @8, and the ledger ends at @1: its tail was cut, or it is an older copy/,
  );

  for (const flag of ["--key", "--witness"]) {
    const none = await verify(ledger, flag, `${folder}/none`);
    assert.deepEqual([none.code, none.output], [2, `error: ${flag} ${folder}/none: no such file\n`]);
  }
  const wrong = await verify(ledger, "--key", `${folder}/seen`);
  assert.equal(wrong.code, 2);
  assert.match(wrong.output, /neither a key, such as .*, nor a file with one/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a head that contradicts the ledger is reported with the Lease that has it", async () => {
  const folder = await Deno.makeTempDir();
  const ledger = `${folder}/ledger`;
  const { seen } = await signed(ledger);
  const [, id] = /ledger="([0-9a-f]+)"/.exec(seen)!;
  const [, chain] = /chain="([0-9a-f]+)"/.exec(seen)!;
  const lease = (node: string, annotations: Record<string, string>) => ({
    metadata: { namespace: "kube-system", name: `ledgerproxy-${node}`, annotations },
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () =>
    Response.json({
      metadata: {},
      items: [
        lease("a", { [`head.ledgerproxy/${id}.1`]: chain! }),
        // Node b was taken over: its proxy's account may add any head to its own Lease.
        lease("b", { [`head.ledgerproxy/${id}.1`]: "e".repeat(64) }),
        lease("c", { [`head.ledgerproxy/${id}.9`]: "e".repeat(64) }),
      ],
    }));
  const kubeconfig = writeKubeconfig(folder, server.addr.port);
  const { code, output } = await verify(ledger, "--witness", "lease", "--kubeconfig", kubeconfig);
  await server.shutdown();
  assert.equal(code, 1, output);
  assert.match(output, /before @1 is not what the witness saw in Lease kube-system\/ledgerproxy-b; /);
  assert.match(output, /the witness saw @8 in Lease kube-system\/ledgerproxy-c, and the ledger ends at @1: /);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an account that may not list Leases is named, with what the API server said and another way", async () => {
  const folder = await Deno.makeTempDir();
  const ledger = `${folder}/ledger`;
  await signed(ledger);
  const message = 'leases.coordination.k8s.io is forbidden: User "proxy" cannot list resource "leases"';
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      Response.json({ kind: "Status", apiVersion: "v1", status: "Failure", message, code: 403 }, {
        status: 403,
      }),
  );
  const { code, output } = await verify(
    ...[ledger, "--witness", "lease", "--kubeconfig", writeKubeconfig(folder, server.addr.port)],
  );
  await server.shutdown();
  assert.equal(code, 2, output);
  assert.match(
    output,
    /403 Forbidden: leases.coordination.k8s.io is forbidden: User "proxy" .*; give --kubeconfig FILE/,
  );
  await Deno.remove(folder, { recursive: true });
});
