// No message quotes a credential: neither a kubeconfig, nor the files and programs that it names, nor the server's answer.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { apiSource } from "../../src/ingest/api_source.ts";
import { kubeconfig, LISTEN } from "../support/api_server.ts";
import { asked, configure } from "../support/configured_client.ts";

/** A folder for files, and an HTTPS cluster that never answers TLS. */
interface Place {
  readonly folder: string;
  readonly port: number;
  readonly cluster: Record<string, unknown>;
  write(name: string, text: string, mode?: number): string;
}

/** A cluster, a user, and the message that a client with them must give. */
type Case = readonly [Record<string, unknown>, Record<string, unknown>, RegExp];

const KEY = "-----BEGIN PRIVATE KEY-----\nS3CR3T\n-----END PRIVATE KEY-----\n";

async function inPlace(run: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response());
  const { port } = server.addr;
  const write = (name: string, text: string, mode = 0o600) => {
    Deno.writeTextFileSync(`${folder}/${name}`, text, { mode });
    return `${folder}/${name}`;
  };
  await run({ folder, port, cluster: { server: `https://127.0.0.1:${port}` }, write });
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
}

async function checkMessages(place: Place, cases: readonly Case[]): Promise<void> {
  for (const [cluster, user, expected] of cases) {
    const message = await asked(configure(place.folder, cluster, user));
    assert.match(message, expected);
    assert.doesNotMatch(message, /S3CR3T/);
  }
}

Deno.test("a wrong token is not quoted", () =>
  inPlace(async (place) => {
    const two = place.write("token", "S3CR3T-a\nS3CR3T-b\n");
    const key = place.write("key", KEY);
    await checkMessages(place, [
      [place.cluster, { tokenFile: two }, /tokenFile .*token: a token is one line, and this has more$/],
      [place.cluster, { tokenFile: key }, /tokenFile .*key: a token is one line/],
      [
        place.cluster,
        { tokenFile: place.write("empty", "\n") },
        /tokenFile .*empty: there is no token in it$/,
      ],
      [
        place.cluster,
        { tokenFile: place.write("words", "root:S3CR3T: daily") },
        /tokenFile .*words: a token is one word of printable ASCII/,
      ],
      [
        place.cluster,
        { tokenFile: place.write("unicode", "S3CR3Tü") },
        /tokenFile .*unicode: a token is one word/,
      ],
      [
        place.cluster,
        { tokenFile: place.write("long", "S3CR3T".repeat(20_000)) },
        /tokenFile .*long: a token has at most/,
      ],
      [place.cluster, { tokenFile: "/dev/zero" }, /tokenFile \/dev\/zero: it is a device, not a file$/],
      [place.cluster, { tokenFile: place.folder }, /tokenFile .*: it is a folder$/],
      [place.cluster, { token: "S3CR3T\nb" }, /: token: a token is one line/],
      [place.cluster, { token: "S3CR3T", as: "S3CR3T\n" }, /: as: a name is printable ASCII$/],
    ]);
  }));

Deno.test("wrong certificates and keys are not quoted", () =>
  inPlace(async (place) => {
    const two = place.write("token", "S3CR3T-a\nS3CR3T-b\n");
    const key = place.write("key", KEY);
    await checkMessages(place, [
      [
        place.cluster,
        { "client-certificate": two, "client-key": key },
        /client-certificate .*token: it is not PEM/,
      ],
      [
        place.cluster,
        { "client-certificate": key, "client-key": key },
        /client-certificate, client-key .* cannot be used for TLS$/,
      ],
      [place.cluster, { "client-key-data": "S3CR3T!" }, /client-key-data: not base64/],
      [
        place.cluster,
        { "client-certificate-data": btoa("S3CR3T"), "client-key-data": btoa("S3CR3T") },
        /client-certificate-data: it is not PEM/,
      ],
      [
        { ...place.cluster, "certificate-authority-data": btoa("S3CR3T") },
        {},
        /certificate-authority-data: it is not PEM/,
      ],
    ]);
  }));

Deno.test("the output of a program that makes credentials is not quoted", () =>
  inPlace(async (place) => {
    const shell = (name: string, lines: string) => ({
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: place.write(name, `#!/bin/sh\n${lines}\n`, 0o700),
        interactiveMode: "Never",
      },
    });
    const credential = (status: unknown) =>
      `printf '%s' '${
        JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status })
      }'`;
    await checkMessages(place, [
      [place.cluster, shell("stderr", "echo S3CR3T >&2; exit 1"), /exec: the program failed; run it by hand/],
      [place.cluster, shell("garbage", "echo S3CR3T"), /exec: what the program wrote is not JSON$/],
      [
        place.cluster,
        shell("endless", "yes S3CR3T | head -c 9000000"),
        /exec: the program wrote more than \d+ bytes$/,
      ],
      [
        place.cluster,
        shell("loud", "yes S3CR3T | head -c 9000000 >&2; exit 1"),
        /exec: the program wrote more than \d+ /,
      ],
      [
        place.cluster,
        { "auth-provider": { name: "gcp", config: { "cmd-path": "/bin/S3CR3T", expiry: "2020-01-01" } } },
        /auth-provider gcp: removed from Kubernetes/,
      ],
      [
        place.cluster,
        shell("scalar", `echo '"S3CR3T"'`),
        /exec: what the program wrote is not an ExecCredential$/,
      ],
      [
        place.cluster,
        shell("lines", credential({ token: "S3CR3T\nb" })),
        /exec: what the program gave: a token is one/,
      ],
      [
        place.cluster,
        shell("pem", credential({ clientCertificateData: "S3CR3T", clientKeyData: "S3CR3T" })),
        /exec: .* not PEM/,
      ],
      [
        place.cluster,
        { exec: { apiVersion: "client.authentication.k8s.io/v1", command: `${place.folder}/absent` } },
        /exec: there is no program ".*absent": install it, or name it with its folder$/,
      ],
    ]);
  }));

Deno.test("a name and password in a URL are not quoted", () =>
  inPlace((place) =>
    checkMessages(place, [
      [
        { server: "https://user:S3CR3T@127.0.0.1:99999" },
        {},
        /server \(not shown: it may hold a secret\) is not an https/,
      ],
      [{ server: "S3CR3T.S3CR3T" }, {}, /server \(not shown/],
      [
        { server: `https://user:S3CR3T@127.0.0.1:${place.port}` },
        {},
        /^ApiFailure: https:\/\/127\.0\.0\.1:\d+: /,
      ],
      [{ ...place.cluster, "proxy-url": "http://user:S3CR3T@:x" }, {}, /proxy-url \(not shown/],
      [
        { ...place.cluster, "proxy-url": `http://user:S3CR3T@127.0.0.1:${place.port}` },
        {},
        /^ApiFailure: https:/,
      ],
      [{ ...place.cluster, "proxy-url": "S3CR3T" }, {}, /proxy-url \(not shown/],
    ])
  ));

Deno.test("a file that is no kubeconfig is not quoted", () =>
  inPlace(async (place) => {
    const texts = [
      "S3CR3T: [",
      "a: *S3CR3T",
      "!S3CR3T a: b",
      "- S3CR3T",
      '"\\S3CR3T"',
      "S3CR3T",
      KEY,
      "users: [{name: u, user: {token: [S3CR3T]}}]",
      "users: S3CR3T",
      "{".repeat(9999) + "S3CR3T",
    ];
    for (const text of texts) {
      const message = await asked(place.write("config", text));
      assert.match(message, /^KubeconfigProblem: kubeconfig .*config: ./);
      assert.doesNotMatch(message, /S3CR3T/);
    }
  }));

Deno.test("a credential that the server quotes in its answer is not in the message", async () => {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(
    LISTEN,
    (request) => new Response([...request.headers].join("\n"), { status: 500 }),
  );
  const client = new ApiClient(
    kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, { token: "S3CR3T" }),
  );
  const source = apiSource(client, "node-a", false);
  let message = "";
  for await (const { problems } of source.batches(new AbortController().signal)) {
    message += problems.join("\n") + JSON.stringify(source.status());
    if (message !== "") break;
  }
  assert.match(message, /500 Internal Server Error: .*\(our credential\)/s);
  assert.doesNotMatch(message, /S3CR3T/);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

/** The problems that a server with this `answer` causes, and the state of its source. */
async function complaints(
  user: Record<string, string>,
  answer: (authorization: string) => Response,
): Promise<string> {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(LISTEN, (request) => answer(request.headers.get("authorization") ?? ""));
  const client = new ApiClient(kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, user));
  const source = apiSource(client, "node-a", false);
  let message = "";
  for await (const { problems } of source.batches(new AbortController().signal)) {
    message += problems.join("\n") + JSON.stringify(source.status());
    if (message !== "") break;
  }
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
  return message;
}

Deno.test("of a credential that a message cuts no part is in it", async () => {
  const long = `S3CR3T-${Array.from({ length: 300 }, (_, i) => i % 10).join("")}`;
  const list = (name: string) => ({
    kind: "NodeList",
    apiVersion: "v1",
    metadata: { resourceVersion: "7" },
    items: [{ metadata: { name } }],
  });
  const echoes: ((text: string) => Response)[] = [
    (text) => new Response(`${"-".repeat(190)}${text}`, { status: 500 }),
    (text) => new Response(`${" ".repeat(65_500)}${text}${"-".repeat(100)}`, { status: 500 }),
    (text) =>
      Response.json({ kind: "Status", message: `${"-".repeat(190)}${text}`, code: 500 }, { status: 500 }),
    (text) => new Response(`${"-".repeat(190)}${text}`),
    (text) => Response.json({ [`${"-".repeat(180)}${text}`]: 1 }),
    (text) => Response.json({ ...list("a"), kind: `${"-".repeat(190)}${text}` }),
    (text) => Response.json({ ...list("a"), apiVersion: { [`${"-".repeat(110)}${text}`]: 1 } }),
  ];
  for (const user of [{ token: long }, { token: "S3CR3T-short" }, { username: "admin", password: long }]) {
    for (const [i, echo] of echoes.entries()) {
      const said = await complaints(user, (authorization) => echo(authorization.replace(/^\S+ /, "")));
      assert.match(said, /"problem":"./, `${i}: ${said}`);
      assert.doesNotMatch(said, /S3C|UzNDUj|YWRtaW/, `${i}: ${said}`);
    }
  }
});

Deno.test("a password that the server quotes decoded is not in the message", async () => {
  const password = 'S3CR3T "with" <signs> & spaces';
  const echoes: ((text: string) => string)[] = [
    (text) => `wrong login ${text}`,
    (text) => `${"-".repeat(180)}${text}`,
    (text) => `wrong password ${text.replace("admin:", "")}`,
    (text) => JSON.stringify({ login: text }),
    (text) => `/login?password=${encodeURIComponent(text)}`,
  ];
  for (const [i, echo] of echoes.entries()) {
    const decoded = (authorization: string) => atob(authorization.replace("Basic ", ""));
    const said = await complaints(
      { username: "admin", password },
      (authorization) => new Response(echo(decoded(authorization)), { status: 500 }),
    );
    assert.match(said, /500 Internal Server Error/);
    assert.doesNotMatch(said, /S3CR3T|with|signs|spaces/, `${i}: ${said}`);
  }
});

Deno.test("a token that was replaced meanwhile is not printed either", async () => {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(LISTEN, () => new Response("", { status: 500 }));
  await Deno.writeTextFile(`${folder}/token`, "S3CR3T-first");
  using client = new ApiClient(
    kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, { tokenFile: "token" }),
  );
  const ask = async () => {
    const answer = await client.get("/", {}, new AbortController().signal);
    await answer.body?.cancel();
  };
  await ask();
  await Deno.writeTextFile(`${folder}/token`, "S3CR3T-second");
  await ask();
  assert.equal(
    client.redacted("not S3CR3T-first but S3CR3T-second"),
    "not (our credential) but (our credential)",
  );
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});
