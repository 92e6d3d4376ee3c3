// The command `ledgerproxy` of a checkout: README's lines can be typed as they stand, from any folder.

import assert from "node:assert/strict";
import { bundle, imageEntrypoint } from "../support/bundle.ts";

const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** Runs a line of a shell with the checkout on PATH, in a folder that has `cluster.yaml`. */
async function typed(line: string): Promise<{ code: number; output: string; errors: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" } };
    const spec = {
      clusterIP: "10.96.0.7",
      clusterIPs: ["10.96.0.7"],
      ports: [{ port: 80, protocol: "TCP" }],
    };
    await Deno.writeTextFile(`${folder}/cluster.yaml`, JSON.stringify({ ...service, spec }));
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-o", "pipefail", "-c", line],
      cwd: folder,
      env: { PATH: `${ROOT}:${Deno.env.get("PATH")}` },
    }).output();
    const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, output: output!, errors: errors! };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("with the checkout on PATH the command reads files of the caller's folder", async () => {
  const { code, output, errors } = await typed(
    "ledgerproxy run --source cluster.yaml --node node-a --dry-run",
  );
  assert.equal(code, 0, errors);
  assert.match(output, /10\.96\.0\.7/);
});

Deno.test("rules that `head` reads in part are no error", async () => {
  const { code, output, errors } = await typed("ledgerproxy run --source cluster.yaml --dry-run | head -1");
  assert.deepEqual([code, output, /error/.test(errors)], [0, "table ip ledgerproxy {\n", false], errors);
});

Deno.test("it has the image's flags of V8, so that a checkout measures what a node has", async () => {
  const script = await Deno.readTextFile(`${ROOT}/ledgerproxy`);
  const flag = imageEntrypoint().find((one) => one.startsWith("--v8-flags="))!;
  assert.ok(script.includes(` ${flag} `), flag);
});

Deno.test("a question collects before it gathers what a node has room for at its start, and a node does not", async () => {
  const flags = imageEntrypoint().find((one) => one.startsWith("--v8-flags="))!;
  const collections = async (line: string) => {
    const { output } = await typed(`deno run --allow-all ${flags},--trace-gc ${bundle()} ${line}`);
    return output.match(/: Mark-Compact /g)?.length ?? 0;
  };
  assert.equal(await collections("version"), 1);
  assert.equal(await collections("run --source cluster.yaml --dry-run"), 0);
});

Deno.test("the bundle is ASCII, so that the runtime holds each character in one byte", async () => {
  const bytes = await Deno.readFile(bundle());
  assert.equal(bytes.findIndex((byte) => byte > 0x7f), -1);
});

Deno.test("a start of the bundle loads no module of the runtime that runs other programs", async () => {
  const text = await Deno.readTextFile(bundle());
  assert.deepEqual(text.match(/\bimport[^;"]*"node:(child_process|fs)"/g), null);
});
