// Kubeconfig files: what they mean, and a message for each common mistake. tests/cluster/access_test.ts uses each way to
// authenticate with a real API server.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { KubeconfigProblem } from "../../src/ingest/api_failure.ts";
import { readAccess } from "../../src/ingest/kubeconfig.ts";
import { kubeconfig, LISTEN, status } from "../support/api_server.ts";
import { Authority } from "../support/cluster/certificates.ts";
import { asked, configure } from "../support/configured_client.ts";

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

Deno.test("each common mistake in a kubeconfig has one clear message", async () => {
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
    [cluster({ server: "10.0.0.1:6443" }), /server "10\.0\.0\.1:6443" is not an https or http URL/],
    [cluster({ server: "ftp://10.0.0.1" }), /server "ftp:\/\/10\.0\.0\.1" is not an https or http URL/],
    [
      cluster({ "proxy-url": "10.0.0.1:3128" }),
      /proxy-url "10\.0\.0\.1:3128" is not an http, https or socks5 URL/,
    ],
    [
      cluster({ "insecure-skip-tls-verify": true }),
      /insecure-skip-tls-verify is refused; give certificate-authority/,
    ],
    [
      cluster({ "tls-server-name": "x", "proxy-url": "http://10.0.0.1:3128" }),
      /tls-server-name does not work through a proxy-url; leave one of them out/,
    ],
    [{ clusters: [{ name: "c", cluster: {} }] }, /clusters\.0\.cluster\.server: expected string$/],
    [{ users: "u" }, /users: expected array$/],
    [
      cluster({ "certificate-authority-data": "-----BEGIN" }),
      /clusters\.0\.cluster\.certificate-authority-data: not base64/,
    ],
    [cluster({ "certificate-authority": "ca.crt" }), /certificate-authority .*\/ca\.crt: no such file$/],
    [
      { users: [{ name: "u", user: { "client-certificate": "c.crt", "client-key": "c.key" } }] },
      /client-certificate .*\/c\.crt: no such file$/,
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
  for (const text of ["hello", "[1, 2]"]) {
    await Deno.writeTextFile(path, text);
    assert.throws(
      () => new ApiClient(path),
      /kubeconfig: the file: clusters, users and contexts are expected, as kubectl config view /,
    );
  }
  await Deno.writeTextFile(path, "kind: [unclosed");
  assert.throws(() => new ApiClient(path), /kubeconfig .*kubeconfig: the file:1: the indentation is wrong$/);
  assert.throws(
    () => new ApiClient(`${folder}/none`),
    /^KubeconfigProblem: kubeconfig .*none: there is no such file$/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a token file is read, and read again after a 401", async () => {
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

function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("a kubeconfig that was changed is read again once there is no connection", async () => {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(LISTEN, () => Response.json({}));
  const [path, right] = [`${folder}/kubeconfig`, `https://127.0.0.1:${server.addr.port}`];
  const authority = new Authority(`${folder}/other`);
  const get = async (client: ApiClient) => {
    const response = await client.get("/api/v1/nodes", {}, new AbortController().signal);
    await response.body?.cancel();
    return response.status;
  };
  const changes: readonly (readonly [string, (text: string) => string])[] = [
    // The server has a certificate of another authority, or another address, than the kubeconfig says.
    [
      "invalid peer certificate",
      (text) => text.replace(/(certificate-authority":")[^"]*/, `$1${authority.certificate}`),
    ],
    ["Connection refused", (text) => text.replace(right, `https://127.0.0.1:${closedPort()}`)],
  ];
  for (const [problem, wrong] of changes) {
    kubeconfig(folder, right);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, wrong(text));
    using client = new ApiClient(path);
    await assert.rejects(get(client), new RegExp(problem));
    await Deno.writeTextFile(path, "{");
    await assert.rejects(get(client), new RegExp(problem), "while it is written");
    await Deno.writeTextFile(path, text);
    await assert.rejects(get(client), new RegExp(problem), "it is read after that");
    assert.equal(await get(client), 200);
  }
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("YAML, relative paths, inline data, tokens, names and passwords mean the same as in client-go", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/ca.crt`, pem("authority"));
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
  assert.deepEqual(await ask("", "certificate-authority: ca.crt"), { ...here, ca: pem("authority") });
  assert.deepEqual(
    await ask("", `certificate-authority: ca.crt, certificate-authority-data: ${btoa(pem("inline"))}`),
    { ...here, ca: pem("inline") },
  );
  assert.deepEqual(
    await ask(`client-certificate-data: ${btoa(pem("c"))}, client-key-data: ${btoa(pem("k"))}`),
    { ...here, cert: pem("c"), key: pem("k") },
  );
  assert.deepEqual(await ask("", 'proxy-url: "http://p:3128"'), {
    ...here,
    proxy: { url: "http://p:3128", login: undefined },
  });
  assert.deepEqual(await ask("", 'proxy-url: "http://n:p%40@p:3128"'), {
    ...here,
    proxy: { url: "http://p:3128", login: { username: "n", password: "p@" } },
  });
  const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });
  assert.deepEqual(await ask("", "", "https://n:p%40@other:1/path/?a=b#c"), {
    ...here,
    server: "https://other:1/path",
    headers: basic("n:p@"),
  });
  assert.deepEqual(await ask("token: t", "", "https://n:p@other:1"), {
    ...here,
    server: "https://other:1",
    headers: bearer("t"),
  });
  assert.deepEqual(await ask("token: t"), { ...here, headers: bearer("t") });
  assert.deepEqual(await ask("token: t, tokenFile: token"), { ...here, headers: bearer("from-file") });
  assert.deepEqual(
    await ask("username: n, password: p, as: admin"),
    { ...here, headers: { authorization: `Basic ${btoa("n:p")}`, "impersonate-user": "admin" } },
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an http server is used without credentials: none is sent, read or made", async () => {
  const folder = await Deno.makeTempDir();
  Deno.writeTextFileSync(`${folder}/plugin`, `#!/bin/sh\ntouch ${folder}/called\n`, { mode: 0o755 });
  const users: Record<string, unknown>[] = [
    { token: "S3CR3T" },
    { tokenFile: `${folder}/none` },
    { username: "n", password: "S3CR3T" },
    { "client-certificate": `${folder}/none`, "client-key": `${folder}/none` },
    {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: `${folder}/plugin`,
        interactiveMode: "Never",
      },
    },
  ];
  const seen: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push(JSON.stringify([...request.headers]));
    return new Response("served");
  });
  for (const user of users) {
    for (const host of ["127.0.0.1", "n:S3CR3T@127.0.0.1"]) {
      const path = configure(folder, { server: `http://${host}:${server.addr.port}` }, user);
      assert.equal(await asked(path), "served");
      const { warnings } = readAccess(path, undefined);
      assert.match(
        warnings.join("\n"),
        /of the user: not sent, as the API server http:\/\/127\.0\.0\.1:\d+ is reached without TLS$/,
      );
    }
  }
  assert.equal(seen.length, 2 * users.length);
  assert.doesNotMatch(seen.join("\n"), /authorization|S3CR3T/i);
  assert.throws(() => Deno.statSync(`${folder}/called`), Deno.errors.NotFound);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an http server that is not on loopback gives a warning", async () => {
  const folder = await Deno.makeTempDir();
  const warned = (server: string, fields = {}) =>
    readAccess(configure(folder, { server, ...fields }, {}), undefined).warnings.length;
  for (const host of ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"]) {
    assert.equal(warned(`http://${host}:8001`), 0);
  }
  for (const host of ["10.0.0.1", "[fd00::1]", "localhost.example", "api"]) {
    assert.equal(warned(`http://${host}:8001`), 1);
  }
  assert.equal(
    warned("http://127.0.0.1:8001", { "proxy-url": "http://10.0.0.1:3128" }),
    1,
    "another machine's loopback",
  );
  assert.equal(warned("https://10.0.0.1:6443"), 0);
  await Deno.remove(folder, { recursive: true });
});
