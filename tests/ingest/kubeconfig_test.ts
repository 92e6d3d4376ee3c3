// Kubeconfig files: what they may say, how it is said to the server, and every common mistake. tests/cluster/access_test.ts
// opens a real API server with each way to authenticate.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { apiSource } from "../../src/ingest/api_source.ts";
import { KubeconfigProblem } from "../../src/ingest/api_failure.ts";
import { readAccess } from "../../src/ingest/kubeconfig.ts";
import { kubeconfig, LISTEN, status } from "../support/api_server.ts";
import { Authority } from "../support/cluster/certificates.ts";

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

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
    [{ clusters: [{ name: "c", cluster: {} }] }, /clusters\.0\.cluster\.server: .*expected string/],
    [{ users: "u" }, /users: .*expected array/],
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
  await Deno.writeTextFile(path, "kind: [unclosed");
  assert.throws(() => new ApiClient(path), /kubeconfig .*kubeconfig: the file:1: the indentation is wrong$/);
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
    await ask("username: n, password: p, as: someone"),
    { ...here, headers: { authorization: `Basic ${btoa("n:p")}`, "impersonate-user": "someone" } },
  );
  await Deno.remove(folder, { recursive: true });
});

/** What a client that `kubeconfig` leads gets for a request, or why it gets nothing. */
async function asked(kubeconfig: string): Promise<string> {
  try {
    using client = new ApiClient(kubeconfig);
    const response = await client.get("/api/v1/nodes", {}, AbortSignal.timeout(10_000));
    return await response.text();
  } catch (error) {
    return String(error);
  }
}

/** A kubeconfig in `folder` for one cluster and user. */
function configure(folder: string, cluster: Record<string, unknown>, user: Record<string, unknown>): string {
  const path = `${folder}/config`;
  const context = { cluster: "c", user: "u" };
  Deno.writeTextFileSync(
    path,
    JSON.stringify({
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context }],
      "current-context": "x",
    }),
  );
  return path;
}

Deno.test("with tls-server-name a server must prove to be that one, and is sent nothing before it has", async () => {
  const folder = await Deno.makeTempDir();
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const seen: string[] = [];
  const body = "x".repeat(3_000_000);
  const server = Deno.serve({
    ...LISTEN,
    cert: Deno.readTextFileSync(certificate),
    key: Deno.readTextFileSync(key),
  }, (request) => {
    seen.push(request.headers.get("authorization") ?? "nothing");
    return new Response(body);
  });
  const url = `https://127.0.0.1:${server.addr.port}`;
  const ask = (name: string | undefined, ca = authority.certificate) =>
    asked(
      configure(folder, { server: url, "certificate-authority": ca, "tls-server-name": name }, {
        token: "t",
      }),
    );
  assert.equal(await ask("api.example"), body);
  assert.deepEqual(seen, ["Bearer t"]);
  assert.match(await ask(undefined), /^ApiFailure: https:\/\/127\.0\.0\.1:\d+: .*certificate/);
  assert.match(await ask("other.example"), /^ApiFailure: https:\/\/127\.0\.0\.1:\d+: .*certificate/);
  const stranger = new Authority(`${folder}/stranger`);
  assert.match(await ask("api.example", stranger.certificate), /^ApiFailure: .*certificate/);
  assert.deepEqual(seen, ["Bearer t"], "nobody else was asked anything");
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a watch of a server with another name is read as it comes, ends with its signal, and shows an answer that is none", async () => {
  const folder = await Deno.makeTempDir();
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const cert = Deno.readTextFileSync(certificate);
  const server = Deno.serve({ ...LISTEN, cert, key: Deno.readTextFileSync(key) }, (request) => {
    if (new URL(request.url).searchParams.get("watch") === null) return status(403, "Forbidden");
    const first = new TextEncoder().encode("first\n");
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(first) }));
  });
  using client = new ApiClient(configure(folder, {
    server: `https://127.0.0.1:${server.addr.port}`,
    "certificate-authority": authority.certificate,
    "tls-server-name": "api.example",
  }, {}));
  const stop = new AbortController();
  const refused = await client.get("/api/v1/nodes", {}, stop.signal);
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /Forbidden for a test/);
  const response = await client.get("/api/v1/nodes", { watch: "1" }, stop.signal);
  const reader = response.body!.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(100));
  assert.equal(new TextDecoder().decode(value), "first\n");
  stop.abort();
  await assert.rejects(reader.read(new Uint8Array(100)));
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a server with another name that breaks off, ends at once, or redirects is no more than a failure", async () => {
  const folder = await Deno.makeTempDir();
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const answers = [
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut",
    "HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "",
    "no HTTP",
  ];
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(certificate),
    key: Deno.readTextFileSync(key),
  });
  const path = configure(folder, {
    server: `https://127.0.0.1:${listener.addr.port}`,
    "certificate-authority": authority.certificate,
    "tls-server-name": "api.example",
  }, {});
  for (const answer of answers) {
    const served = (async () => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(answer));
    })();
    assert.match(await asked(path), /^(TypeError|ApiFailure): /, answer);
    await served;
  }
  listener.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an http server is served from, and never shown a credential: none is even read or made", async () => {
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

Deno.test("an http server that is not on loopback is warned of", async () => {
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

Deno.test("whatever a kubeconfig and the files that it names hold, no message shows it", async () => {
  const folder = await Deno.makeTempDir();
  const write = (name: string, text: string, mode = 0o600) => {
    Deno.writeTextFileSync(`${folder}/${name}`, text, { mode });
    return `${folder}/${name}`;
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response());
  const here = { server: `https://127.0.0.1:${server.addr.port}` };
  const two = write("token", "S3CR3T-a\nS3CR3T-b\n");
  const key = write("key", "-----BEGIN PRIVATE KEY-----\nS3CR3T\n-----END PRIVATE KEY-----\n");
  const shell = (name: string, lines: string) => ({
    exec: {
      apiVersion: "client.authentication.k8s.io/v1",
      command: write(name, `#!/bin/sh\n${lines}\n`, 0o700),
      interactiveMode: "Never",
    },
  });
  const credential = (status: unknown) =>
    `printf '%s' '${
      JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status })
    }'`;
  const cases: [Record<string, unknown>, Record<string, unknown>, RegExp][] = [
    [here, { tokenFile: two }, /tokenFile .*token: a token is one line, and this has more$/],
    [here, { tokenFile: key }, /tokenFile .*key: a token is one line/],
    [here, { tokenFile: write("empty", "\n") }, /tokenFile .*empty: there is no token in it$/],
    [
      here,
      { tokenFile: write("words", "root:S3CR3T: daily") },
      /tokenFile .*words: a token is one word of printable ASCII/,
    ],
    [here, { tokenFile: write("unicode", "S3CR3Tü") }, /tokenFile .*unicode: a token is one word/],
    [here, { tokenFile: write("long", "S3CR3T".repeat(20_000)) }, /tokenFile .*long: a token has at most/],
    [here, { tokenFile: "/dev/zero" }, /tokenFile \/dev\/zero: more than \d+ bytes$/],
    [here, { tokenFile: folder }, /tokenFile .*: it is a folder$/],
    [here, { token: "S3CR3T\nb" }, /: token: a token is one line/],
    [here, { token: "S3CR3T", as: "S3CR3T\n" }, /: as: a name is printable ASCII$/],
    [here, { "client-certificate": two, "client-key": key }, /client-certificate .*token: it is not PEM/],
    [
      here,
      { "client-certificate": key, "client-key": key },
      /client-certificate, client-key .* cannot be used for TLS$/,
    ],
    [here, { "client-key-data": "S3CR3T!" }, /client-key-data: not base64/],
    [
      here,
      { "client-certificate-data": btoa("S3CR3T"), "client-key-data": btoa("S3CR3T") },
      /client-certificate-data: it is not PEM/,
    ],
    [
      { ...here, "certificate-authority-data": btoa("S3CR3T") },
      {},
      /certificate-authority-data: it is not PEM/,
    ],
    [here, shell("stderr", "echo S3CR3T >&2; exit 1"), /exec: the program failed; run it by hand/],
    [here, shell("garbage", "echo S3CR3T"), /exec: what the program wrote is not JSON$/],
    [here, shell("endless", "yes S3CR3T | head -c 9000000"), /exec: the program wrote more than \d+ bytes$/],
    [
      here,
      shell("loud", "yes S3CR3T | head -c 9000000 >&2; exit 1"),
      /exec: the program wrote more than \d+ /,
    ],
    [
      here,
      { "auth-provider": { name: "gcp", config: { "cmd-path": "/bin/S3CR3T", expiry: "2020-01-01" } } },
      /auth-provider gcp: removed from Kubernetes/,
    ],
    [here, shell("scalar", `echo '"S3CR3T"'`), /exec: what the program wrote is not an ExecCredential$/],
    [
      here,
      shell("lines", credential({ token: "S3CR3T\nb" })),
      /exec: what the program gave: a token is one/,
    ],
    [
      here,
      shell("pem", credential({ clientCertificateData: "S3CR3T", clientKeyData: "S3CR3T" })),
      /exec: .* not PEM/,
    ],
    [
      here,
      { exec: { apiVersion: "client.authentication.k8s.io/v1", command: `${folder}/absent` } },
      /exec: there is no such program$/,
    ],
    [
      { server: "https://user:S3CR3T@127.0.0.1:99999" },
      {},
      /server \(not shown: it may hold a secret\) is not an https/,
    ],
    [{ server: "S3CR3T.S3CR3T" }, {}, /server \(not shown/],
    [
      { server: `https://user:S3CR3T@127.0.0.1:${server.addr.port}` },
      {},
      /^ApiFailure: https:\/\/127\.0\.0\.1:\d+: /,
    ],
    [{ ...here, "proxy-url": "http://user:S3CR3T@:x" }, {}, /proxy-url \(not shown/],
    [{ ...here, "proxy-url": `http://user:S3CR3T@127.0.0.1:${server.addr.port}` }, {}, /^ApiFailure: https:/],
    [{ ...here, "proxy-url": "S3CR3T" }, {}, /proxy-url \(not shown/],
  ];
  for (const [cluster, user, message] of cases) {
    const said = await asked(configure(folder, cluster, user));
    assert.match(said, message);
    assert.doesNotMatch(said, /S3CR3T/);
  }
  const files = [
    "S3CR3T: [",
    "a: *S3CR3T",
    "!S3CR3T a: b",
    "- S3CR3T",
    '"\\S3CR3T"',
    "S3CR3T",
    Deno.readTextFileSync(key),
  ];
  for (
    const text of [
      ...files,
      "users: [{name: u, user: {token: [S3CR3T]}}]",
      "users: S3CR3T",
      "{".repeat(9999) + "S3CR3T",
    ]
  ) {
    const said = await asked(write("config", text));
    assert.match(said, /^KubeconfigProblem: kubeconfig .*config: ./);
    assert.doesNotMatch(said, /S3CR3T/);
  }
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a server that repeats what it was shown does not bring it into a message", async () => {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(
    LISTEN,
    (request) => new Response([...request.headers].join("\n"), { status: 500 }),
  );
  const client = new ApiClient(
    kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, { token: "S3CR3T" }),
  );
  const source = apiSource(client, "node-a", false);
  let said = "";
  for await (const { problems } of source.batches(new AbortController().signal)) {
    said += problems.join("\n") + JSON.stringify(source.status());
    if (said !== "") break;
  }
  assert.match(said, /500 Internal Server Error: .*\(our credential\)/s);
  assert.doesNotMatch(said, /S3CR3T/);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});
