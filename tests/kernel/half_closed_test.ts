// The program as it is shipped, and clients that pipeline requests, close one half of a connection, or never read: at both servers
// each connection has at most one answer, none is left behind, and rules follow the cluster meanwhile.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  newNodeFolder,
  removeTables,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const SERVERS = { health: { port: 10256, path: "/livez" }, metrics: { port: 10249, path: "/metrics" } };
const ANSWER = /HTTP\/1\.1 (\d+)/g;
/** How many clients do the same at once. */
const CLIENTS = 6;
/** A server that has not closed a connection by then keeps it. */
const CLOSED_MILLISECONDS = 30_000;

/** What a client sends, whether it then closes its half, and the statuses of the answers that it may receive. */
interface Client {
  readonly sends: (path: string) => string;
  readonly closesHalf: boolean;
  readonly answers: readonly string[];
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
const CLIENTS_OF: Record<string, Client> = {
  "200 requests at once": { sends: (path) => get(path).repeat(200), closesHalf: false, answers: ["200"] },
  "200 requests at once, and a closed half": {
    sends: (path) => get(path).repeat(200),
    closesHalf: true,
    answers: ["200"],
  },
  "a request and a closed half": { sends: get, closesHalf: true, answers: ["200"] },
  "a closed half alone": { sends: () => "", closesHalf: true, answers: ["", "400"] },
  "half a request and a closed half": {
    sends: (path) => `GET ${path} HTTP/1.1\r\nho`,
    closesHalf: true,
    answers: ["", "400"],
  },
  "a request and what is no HTTP behind it": {
    sends: (path) => `${get(path)}\x16\x03\x01\0\0`,
    closesHalf: false,
    answers: ["200", "400", ""],
  },
  "half a body and a closed half": {
    sends: (path) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nhalf`,
    closesHalf: true,
    answers: ["200", "400", ""],
  },
  "HEAD, GET, GET": {
    sends: (path) => get(path).replace("GET", "HEAD") + get(path).repeat(2),
    closesHalf: false,
    answers: ["200"],
  },
};

/** Does `act` as far as the server, which may close a connection before it has read everything, lets it. */
async function unlessReset(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const reset = error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.NotConnected;
    if (!reset) throw error;
  }
}

/** The statuses of all answers to a client, once the server has closed the connection; throws where it does not. */
async function answers(port: number, path: string, { sends, closesHalf }: Client): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const late = setTimeout(() => conn.close(), CLOSED_MILLISECONDS);
  let text = "";
  await unlessReset(async () => {
    const bytes = new TextEncoder().encode(sends(path));
    for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
    if (closesHalf) await conn.closeWrite();
  });
  // What the server had answered by then is there to be read.
  await unlessReset(async () => {
    for await (const chunk of conn.readable) text += new TextDecoder().decode(chunk);
  });
  clearTimeout(late);
  return [...text.matchAll(ANSWER)].map(([, status]) => status).join();
}

Deno.test("pipelined requests, closed halves and clients that never read leave nothing behind at either server", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  removeTables(kernel);
  writeSource(folder, 1);
  await using program = new SourceProgram(folder, "store", "--metrics-bind-address", "127.0.0.1:10249");
  await until("the Service is served", served(kernel, 1));
  const alive = async () => {
    const one = { ...CLIENTS_OF["a request and a closed half"]!, closesHalf: false };
    const status = (port: number, path: string) => answers(port, path, one).catch(() => "");
    return (await Promise.all(Object.values(SERVERS).map(({ port, path }) => status(port, path)))).join() ===
      "200,200";
  };
  await until("both servers answer", alive);
  const before = program.descriptors;
  let endpoints = 1;
  for (const [what, client] of Object.entries(CLIENTS_OF)) {
    for (const [server, { port, path }] of Object.entries(SERVERS)) {
      const all = await Promise.all(Array.from({ length: CLIENTS }, () => answers(port, path, client)));
      for (const statuses of all) {
        assert.ok(client.answers.includes(statuses), `${what} at ${server}: ${JSON.stringify(statuses)}`);
      }
    }
    writeSource(folder, ++endpoints);
    await until("a change is served", served(kernel, endpoints));
  }
  const silent: Deno.Conn[] = [];
  for (let i = 0; i < 8 * CLIENTS; i++) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: SERVERS.metrics.port });
    await conn.write(new TextEncoder().encode(get("/metrics")));
    silent.push(conn);
  }
  writeSource(folder, ++endpoints);
  await until("a change is served", served(kernel, endpoints));
  await until("both servers answer", alive);
  await until("no connection is left", () => program.descriptors <= before + 1, 2 * CLOSED_MILLISECONDS);
  for (const conn of silent) conn.close();
  assert.equal(await program.stop(), 0);
  assertWhole(`${folder}/store/ledger`, kernel);
  await Deno.remove(folder, { recursive: true });
});
