// The HTTP server against hostile clients: it answers every other client, and holds a bounded number of connections.

import assert from "node:assert/strict";
import { Connections } from "../../src/serve/connections.ts";
import { type HttpAnswer, HttpServer, NO_NOTES } from "../../src/serve/http_server.ts";
import { serveHealth } from "../../src/serve/health_server.ts";
import { HEALTH_CONNECTIONS_MAX } from "../../src/limits/serving.ts";
import { until } from "../support/until.ts";

const ADDRESS = { hostname: "127.0.0.1", port: 20_300 };
const FACTS = {
  now: 0,
  lastUpdated: 0,
  pendingSince: undefined,
  elapsed: 0,
  brokenSince: undefined,
  pendingMax: 1,
  nodeEligible: true,
  node: undefined,
  drift: undefined,
  ledger: undefined,
  appendedOffset: 0,
  durableOffset: 0,
  aside: new Map(),
  sources: [],
};

/** Sends `request` and returns what comes back until the server closes. */
async function ask(request: string | Uint8Array, hostname = ADDRESS.hostname): Promise<string> {
  const conn = await Deno.connect({ ...ADDRESS, hostname });
  try {
    const bytes = typeof request === "string" ? new TextEncoder().encode(request) : request;
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  } catch {
    // The server may answer and close before it has read everything.
  }
  return await rest(conn);
}

/** Everything that `conn` still receives. */
async function rest(conn: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) {
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
  } catch {
    // A reset closes the connection too.
  }
  conn.close();
  return text;
}

const probe = async (hostname = ADDRESS.hostname) =>
  (await ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", hostname)).split("\r\n")[0];
const OK = "HTTP/1.1 200 OK";
/** More than the server holds, and so few that they are made before it closes those that ask nothing. */
const OPENED = 100;

Deno.test("every form of a request is answered once, and the connection closed", async () => {
  await using _server = serveHealth(ADDRESS, () => FACTS);
  const cases: Record<string, [request: string, first: string]> = {
    "HTTP/1.0": ["GET /healthz HTTP/1.0\r\n\r\n", OK],
    "absolute form": ["GET http://node:1/healthz?x=1 HTTP/1.1\r\nhost: x\r\n\r\n", OK],
    HEAD: ["HEAD /livez HTTP/1.1\r\nhost: x\r\n\r\n", OK],
    POST: ["POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello", OK],
    "a chunked body that does not end": [
      "POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc",
      OK,
    ],
    "no path": ["GET // HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 404 Not Found"],
    "a name of Object": ["GET /constructor HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 404 Not Found"],
    "no HTTP": ["\x16\x03\x01\x02\x00\x01\r\n\r\n", "HTTP/1.1 400 Bad Request"],
    "keep-alive": ["GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n", OK],
  };
  for (const [what, [request, first]] of Object.entries(cases)) {
    assert.equal((await ask(request)).split("\r\n")[0], first, what);
  }
  assert.doesNotMatch(await ask("HEAD /livez HTTP/1.1\r\nhost: x\r\n\r\n"), /currentTime/);
});

Deno.test("pipelined requests receive one answer, a head of a megabyte receives none", async () => {
  await using _server = serveHealth(ADDRESS, () => FACTS);
  const pipelined = await ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500));
  assert.equal(pipelined.match(/HTTP\/1\.1/g)?.length, 1);
  const large = await ask(`GET /healthz HTTP/1.1\r\nhost: x\r\na: ${"b".repeat(1 << 20)}\r\n\r\n`);
  assert.doesNotMatch(large, /200 OK/);
  assert.equal(await probe(), OK);
});

Deno.test("what follows the first request is not read: it is neither parsed nor a reason to refuse", async () => {
  const closed: string[] = [];
  const notes = { ...NO_NOTES, closed: (why: string) => closed.push(why) };
  await using _server = serveHealth(ADDRESS, () => FACTS, () => {}, notes);
  const first = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
  for (const rest of ["", "no request\r\n\r\n", "x".repeat(1 << 16), `${first.repeat(99)}\x00\r\n\r\n`]) {
    const answers = await ask(first + rest);
    assert.match(answers, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(answers.match(/HTTP\/1\.1/g)?.length, 1);
  }
  for (let i = 0; i < 10; i++) (await Deno.connect(ADDRESS)).close();
  assert.deepEqual(closed, [], "an answered connection is not closed without an answer");
  await ask("no request\r\n\r\n");
  assert.deepEqual(closed, ["malformed"]);
});

Deno.test("a client that opens too many connections loses its own; other clients are answered, on both families", async () => {
  let closed = 0;
  const notes = { ...NO_NOTES, closed: () => closed++ };
  await using _server = serveHealth({ ...ADDRESS, hostname: "::" }, () => FACTS, () => {}, notes);
  const patient = await Deno.connect({ ...ADDRESS, hostname: "::1" });
  await patient.write(new TextEncoder().encode("GET /livez HTTP/1.1\r\nhost: x\r\n"));
  const held: Deno.Conn[] = [];
  for (let i = 0; i < OPENED; i++) {
    const conn = await Deno.connect(ADDRESS);
    await conn.write(new TextEncoder().encode("GET /healthz HTTP/1.1\r\nhost: x\r\n"));
    held.push(conn);
  }
  assert.equal(await probe(), OK);
  assert.equal(await probe("::1"), OK);
  await until("the oldest are closed", () => closed >= OPENED - HEALTH_CONNECTIONS_MAX);
  await patient.write(new TextEncoder().encode("\r\n"));
  assert.match(await rest(patient), /200 OK/, "a client with a single old connection");
  for (const conn of held) conn.close();
});

Deno.test("a thousand connections that are opened and closed leave nothing behind", async () => {
  const connections = new Connections(8);
  const server = new HttpServer(ADDRESS, () => ({ status: 200, body: "ok" }), connections, NO_NOTES);
  for (let i = 0; i < 1000; i++) (await Deno.connect(ADDRESS)).close();
  assert.match(await ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), /200 OK/);
  await until("none is held", () => connections.count === 0);
  server[Symbol.dispose]();
});

Deno.test("an answer that cannot be made is a 500 and is reported; the next one is made", async () => {
  const failed: unknown[] = [];
  const answers = [() => Promise.reject(new Error("later")), () => {
    throw new Error("at once");
  }, () => ({ status: 200, body: "ok" })];
  const answer = (): HttpAnswer | Promise<HttpAnswer> => answers.shift()!();
  await using _server = new HttpServer(ADDRESS, answer, new Connections(4), {
    ...NO_NOTES,
    failed: (error) => failed.push(error),
  });
  const codes: (string | undefined)[] = [];
  for (let i = 0; i < 3; i++) codes.push((await ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n")).split(" ")[1]);
  assert.deepEqual(codes, ["500", "500", "200"]);
  assert.deepEqual(failed.map((error) => (error as Error).message), ["later", "at once"]);
});

Deno.test("0.0.0.0 is every address of both families, as to kube-proxy; a client of IPv4 has its own address", async () => {
  const clients: string[] = [];
  using server = new HttpServer(
    { ...ADDRESS, hostname: "0.0.0.0" },
    ({ client }): HttpAnswer => {
      clients.push(client);
      return { status: 200, body: "ok" };
    },
    new Connections(4),
    NO_NOTES,
  );
  assert.deepEqual([await probe("127.0.0.1"), await probe("::1")], [OK, OK]);
  assert.deepEqual(clients, ["127.0.0.1", "::1"]);
  assert.ok(server);
});

Deno.test("where the runtime may have 0.0.0.0 alone, as a manifest of before says, that is served", async () => {
  const program = `import { Connections } from "./src/serve/connections.ts";
import { HttpServer, NO_NOTES } from "./src/serve/http_server.ts";
const answer = () => ({ status: 200, body: "ok" });
new HttpServer({ hostname: "0.0.0.0", port: 20301 }, answer, new Connections(4), NO_NOTES);
const answered = await fetch("http://0.0.0.0:20301/");
console.log(await answered.text());
Deno.exit(0);`;
  const folder = await Deno.makeTempDir();
  const file = `${folder}/program.ts`;
  const root = new URL("../../", import.meta.url);
  Deno.writeTextFileSync(file, program.replaceAll("./src/", new URL("src/", root).href));
  const args = [
    "run",
    "--no-check",
    "--quiet",
    "--no-prompt",
    "--allow-net=0.0.0.0:20301",
    "--allow-env",
    file,
  ];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  assert.equal(new TextDecoder().decode(stdout), "ok\n", new TextDecoder().decode(stderr));
  await Deno.remove(folder, { recursive: true });
});
