// The command `ledgerproxy` of a checkout: README's lines can be typed as they stand, from any folder.

import assert from "node:assert/strict";
import { imageEntrypoint } from "../support/bundle.ts";

const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

Deno.test("with the checkout on PATH the command reads files of the caller's folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" } };
    const spec = {
      clusterIP: "10.96.0.7",
      clusterIPs: ["10.96.0.7"],
      ports: [{ port: 80, protocol: "TCP" }],
    };
    await Deno.writeTextFile(`${folder}/cluster.yaml`, JSON.stringify({ ...service, spec }));
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", "ledgerproxy run --source cluster.yaml --node node-a --dry-run"],
      cwd: folder,
      env: { PATH: `${ROOT}:${Deno.env.get("PATH")}` },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.match(new TextDecoder().decode(stdout), /10\.96\.0\.7/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("it has the image's flags of V8, so that a checkout measures what a node has", async () => {
  const script = await Deno.readTextFile(`${ROOT}/ledgerproxy`);
  const flag = imageEntrypoint().find((one) => one.startsWith("--v8-flags="))!;
  assert.ok(script.includes(` ${flag} `), flag);
});
