// The current context of a kubeconfig file.

import assert from "node:assert/strict";
import { readKubeconfig } from "../../src/ingest/kubeconfig_file.ts";

Deno.test("the cluster and the user of the current context are read, with absolute paths", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/config`;
  await Deno.writeTextFile(
    path,
    `clusters:
- {name: a, cluster: {server: "https://a:6443"}}
- {name: b, cluster: {server: "https://b:6443", certificate-authority: ca.crt}}
users:
- {name: u, user: {tokenFile: /token, client-key: keys/key, token: t}}
contexts:
- {name: x, context: {cluster: b, user: u}}
current-context: x
`,
  );
  assert.deepEqual(readKubeconfig(path, (text) => assert.fail(text)), {
    name: "b",
    cluster: { server: "https://b:6443", "certificate-authority": `${folder}/ca.crt` },
    user: { tokenFile: "/token", "client-key": `${folder}/keys/key`, token: "t" },
  });
  await Deno.remove(folder, { recursive: true });
});
