// Kubeconfig files: what they may say, how it is said to the server, and every common mistake. tests/cluster/access_test.ts
// opens a real API server with each way to authenticate.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { KubeconfigProblem } from "../../src/ingest/api_failure.ts";
import { readAccess } from "../../src/ingest/kubeconfig.ts";
import { kubeconfig, LISTEN, status } from "../support/api_server.ts";

Deno.test("every common mistake in a kubeconfig has one clear message", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/kubeconfig`;
  const good = {
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443" } }],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  const cluster = (fields: Record<string, unknown>) => ({
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...fields } }],
  });
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ "current-context": "" }, /current-context is not set; contexts: x/],
    [{ "current-context": "y" }, /current-context "y" is not one of contexts: x/],
    [{ clusters: [] }, /cluster "c" is not one of clusters: none/],
    [{ users: [] }, /user "u" is not one of users: none/],
    [cluster({ server: "10.0.0.1:6443" }), /server "10\.0\.0\.1:6443" is not an https URL/],
    [
      cluster({ "insecure-skip-tls-verify": true }),
      /insecure-skip-tls-verify is refused; give certificate-authority/,
    ],
    [cluster({ "tls-server-name": "x" }), /tls-server-name is not supported/],
    [{ clusters: [{ name: "c", cluster: {} }] }, /clusters\.0\.cluster\.server: .*expected string/],
    [{ users: "u" }, /users: .*expected array/],
    [
      cluster({ "certificate-authority-data": "-----BEGIN" }),
      /clusters\.0\.cluster\.certificate-authority-data: not base64/,
    ],
    [cluster({ "certificate-authority": "ca.crt" }), /ca\.crt: No such file or directory/],
    [
      { users: [{ name: "u", user: { "client-certificate": "c.crt", "client-key": "c.key" } }] },
      /c\.crt: No such file/,
    ],
  ];
  for (const [change, message] of cases) {
    await Deno.writeTextFile(path, JSON.stringify({ ...good, ...change }));
    assert.throws(() => new ApiClient(path), (error: Error) => {
      assert.ok(error instanceof KubeconfigProblem, String(error));
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`kubeconfig ${path}: `));
      return true;
    });
  }
  await Deno.writeTextFile(path, "kind: [unclosed");
  assert.throws(() => new ApiClient(path), /kubeconfig .*kubeconfig:1: Flow sequence/);
  assert.throws(
    () => new ApiClient(`${folder}/none`),
    /^KubeconfigProblem: kubeconfig .*none: there is no such file$/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a token file is read, read again after a 401, and never shown", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/token`, "old\n");
  const seen: string[] = [];
  const server = Deno.serve(LISTEN, (request) => {
    seen.push(request.headers.get("authorization") ?? "");
    return seen.at(-1) === "Bearer new" ? Response.json({}) : status(401, "Unauthorized");
  });
  using client = new ApiClient(
    kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, { tokenFile: "token" }),
  );
  const get = async () => {
    const response = await client.get("/api/v1/nodes", {}, new AbortController().signal);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await get(), 401);
  await Deno.writeTextFile(`${folder}/token`, "new");
  assert.equal(await get(), 200);
  assert.deepEqual(seen, ["Bearer old", "Bearer new"]);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("YAML, relative files, inline data, tokens, names and passwords are understood as by client-go", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/ca.crt`, "authority");
  await Deno.writeTextFile(`${folder}/token`, " from-file\n");
  const path = `${folder}/kubeconfig.yaml`;
  const ask = async (user: string, cluster = "", master?: string) => {
    await Deno.writeTextFile(
      path,
      `apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: c, user: u, namespace: kube-system}}]
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443/", ${cluster}}}]
users: [{name: u, user: {${user}}}]
`,
    );
    const access = readAccess(path, master);
    return { ...await access.credentials(), server: access.server, proxy: access.proxy };
  };
  const nothing = { ca: undefined, cert: undefined, key: undefined, headers: {} };
  const here = { ...nothing, server: "https://10.0.0.1:6443", proxy: undefined };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  assert.deepEqual(await ask(""), here);
  assert.deepEqual(await ask("", "", "https://other:1"), { ...here, server: "https://other:1" });
  assert.deepEqual(await ask("", "certificate-authority: ca.crt"), { ...here, ca: "authority" });
  assert.deepEqual(
    await ask("", `certificate-authority: ca.crt, certificate-authority-data: ${btoa("inline")}`),
    { ...here, ca: "inline" },
  );
  assert.deepEqual(
    await ask(`client-certificate-data: ${btoa("c")}, client-key-data: ${btoa("k")}`),
    { ...here, cert: "c", key: "k" },
  );
  assert.deepEqual(await ask("", 'proxy-url: "http://p:3128"'), { ...here, proxy: "http://p:3128" });
  assert.deepEqual(await ask("token: t"), { ...here, headers: bearer("t") });
  assert.deepEqual(await ask("token: t, tokenFile: token"), { ...here, headers: bearer("from-file") });
  assert.deepEqual(
    await ask("username: n, password: p, as: someone"),
    { ...here, headers: { authorization: `Basic ${btoa("n:p")}`, "impersonate-user": "someone" } },
  );
  await Deno.remove(folder, { recursive: true });
});
