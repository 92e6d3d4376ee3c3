// The shipped program under pressure: clients that hold every connection, a log that no program reads, no descriptors
// left, errors that nothing catches. Rules follow the cluster, and /livez answers.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { imageCommand, preloaded } from "../support/bundle.ts";
import { keptGaps } from "../support/kept_records.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { assertWhole, inTurn, newNodeFolder, served, writeSource } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const HEALTH = { hostname: "127.0.0.1", port: 10256 };
const METRICS_ADDRESS = { hostname: "127.0.0.1", port: 10249 };
const METRICS = `${METRICS_ADDRESS.hostname}:${METRICS_ADDRESS.port}`;
/** Rules wait for a minute at most, and a minute later a next change would not have to (engine/healing.ts). */
const SETTLED_MILLISECONDS_MAX = 180_000;
/** A server that has not closed a connection by then keeps it. */
const CLOSED_MILLISECONDS = 30_000;
/** A busy machine answers within that; a program that cannot accept does not answer at all. */
const ANSWER_MILLISECONDS = 30_000;
/** Patience where no answer is expected. */
const SILENT_MILLISECONDS = 6000;
const FAULTY = new URL("../support/faulty_program.ts", import.meta.url).pathname;

/** The log goes to a file. */
const LOGGED = "exec 2>> $0/log";
/** Standard error is a full pipe that no program reads: a pipe holds 64 KiB (pipe(7)). */
const BLOCKED = "mkfifo $0/pipe && exec 2<> $0/pipe && head -c 65536 /dev/zero >&2";

const logOf = (folder: string) => Deno.readTextFileSync(`${folder}/log`);

/** Starts the program on `folder` after a line of shell, in which $0 is the folder. */
function start(folder: string, shell: string, ...flags: readonly string[]): Deno.ChildProcess {
  return startCommand(folder, shell, runCommand(folder, ...flags));
}

/** The command of the image that runs the program on `folder`. */
function runCommand(folder: string, ...flags: readonly string[]): string[] {
  const paths = ["--source", `${folder}/source`, "--ledger", `${folder}/store/ledger`];
  const addresses = ["--healthz-bind-address", "0.0.0.0:10256", "--metrics-bind-address", METRICS];
  return imageCommand("run", "--node", "node-a", ...paths, ...addresses, ...flags);
}

function startCommand(folder: string, shell: string, command: readonly string[]): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", `${shell}; exec "$@"`, folder, ...command],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Ends `program`, if it has not ended. */
async function end(program: Deno.ChildProcess): Promise<void> {
  try {
    program.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await program.status;
}

/** The reason and the number of records of each gap in the ledger. */
const gapsOf = (folder: string) =>
  keptGaps(`${folder}/store/ledger`).map(({ reason, records }) => [reason, records]);

/** Puts files into the source that are wrong in thousands of places, each of which is a warning; a file has at most a thousand. */
function writeWrongSlices(folder: string): void {
  for (const file of ["a", "b", "c", "d"]) {
    const items = Array.from({ length: 50 }, (_, slice) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `wrong-${file}-${slice}`,
        namespace: "shop",
        labels: { "kubernetes.io/service-name": "absent" },
      },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: Array.from(
        { length: 20 },
        (_, i) => ({ addresses: [`no address ${i} ${"x".repeat(100)}`] }),
      ),
    }));
    Deno.writeTextFileSync(`${folder}/next`, JSON.stringify({ kind: "List", items }));
    Deno.renameSync(`${folder}/next`, `${folder}/source/wrong-${file}.json`);
  }
}

/** Status of /livez on a connection of its own; 0 where there is no answer in time. */
async function livez(patience = ANSWER_MILLISECONDS): Promise<number> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  try {
    const response = await fetch(`http://127.0.0.1:${HEALTH.port}/livez`, {
      client,
      signal: AbortSignal.timeout(patience),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

async function metric(name: string): Promise<number> {
  try {
    const response = await fetch(`http://${METRICS}/metrics`, {
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    });
    const line = (await response.text()).split("\n").find((line) => line.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? NaN);
  } catch {
    return NaN;
  }
}

for (const descriptors of [120, 70, 56]) {
  Deno.test(`300 half-sent requests and ${descriptors} descriptors: /livez answers and rules follow`, () =>
    halfSent(descriptors));
}

Deno.test("a server closes a connection whose request is not whole in time, and counts it as late", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, LOGGED);
  const late = (server: string) =>
    metric(`ledgerproxy_http_connections_closed_total{server="${server}",reason="late"}`);
  try {
    await until("the Service is served", served(kernel, 1));
    await until("it is alive", async () => await livez() === 200);
    const closed = await Promise.all([HEALTH, METRICS_ADDRESS].map(closesHalfSent));
    assert.deepEqual(closed, [true, true], "the server closes them, and answers nothing");
    assert.deepEqual([await late("health"), await late("metrics")], [1, 1]);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("two Services that take an address from each other in turns leave room in the log", async () => {
  const folder = newNodeFolder();
  await using server = new RestartingServer();
  const paths = ["--kubeconfig", server.kubeconfig(), "--ledger", `${folder}/store/ledger`];
  const addresses = ["--healthz-bind-address", "127.0.0.1:10256", "--metrics-bind-address", METRICS];
  const program = startCommand(
    folder,
    LOGGED,
    imageCommand("run", "--node", "node-a", ...paths, ...addresses),
  );
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  let version = 10;
  const claims = (namespace: string, clusterIP: string, externalIPs: readonly string[]) =>
    server.change({
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "web",
        namespace,
        resourceVersion: String(version++),
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
      spec: { clusterIP, ports: [{ port: 81 }], externalIPs },
    }, "services");
  try {
    await until("its watches are there", () => server.watches === 4);
    await until("it is alive", async () => await livez() === 200);
    for (const [i, namespace] of ["blog", "shop"].entries()) {
      claims(namespace, `10.96.1.${i}`, ["203.0.113.80"]);
    }
    for (let i = 0; i < 300; i++) {
      claims("blog", "10.96.1.0", i % 2 === 0 ? [] : ["203.0.113.80"]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    claims("other", "10.96.1.1", []);
    await until("all is committed", () => /10\.96\.1\.1 .* is claimed by shop\/web too/.test(log()));
    const lines = log().split("\n").filter((text) => /warning: .*203\.0\.113\.80/.test(text));
    assert.ok(lines.length > 0 && lines.length <= 110, `${lines.length} lines about the address`);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

/** Whether the server at `address` closes a connection without an answer after half a head. */
async function closesHalfSent(address: Deno.ConnectOptions): Promise<boolean> {
  using conn = await Deno.connect(address);
  await conn.write(new TextEncoder().encode("GET /livez HTTP/1.1\r\nhost: x\r\n"));
  const waited = Promise.withResolvers<"open">();
  const timer = setTimeout(() => waited.resolve("open"), CLOSED_MILLISECONDS);
  const read = conn.read(new Uint8Array(1)).catch((error) =>
    error instanceof Deno.errors.ConnectionReset ? null : 0
  );
  const first = await Promise.race([read, waited.promise]);
  clearTimeout(timer);
  return first === null;
}

async function halfSent(descriptors: number): Promise<void> {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, `${LOGGED}; ulimit -n ${descriptors}`);
  const held: Deno.Conn[] = [];
  try {
    await until("the Service is served", served(kernel, 1));
    await until("it is alive", async () => await livez() === 200);
    for (let i = 0; i < 300; i++) {
      const conn = await Deno.connect(HEALTH).catch(() => undefined);
      if (conn === undefined) break;
      held.push(conn);
      await conn.write(new TextEncoder().encode("GET /healthz HTTP/1.1\r\nhost: x\r\n")).catch(() => 0);
    }
    assert.equal(await livez(), 200, "as soon as they are held");
    writeSource(folder, 2);
    await until("a change is served", served(kernel, 2));
    assert.equal(await livez(), 200, "while the connections are held");
    for (const conn of held.splice(0)) conn.close();
    writeSource(folder, 3);
    await until("a change is served afterwards", served(kernel, 3));
    assert.equal(await livez(), 200);
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
  } finally {
    for (const conn of held) conn.close();
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
}

for (
  const [fault, kind, text, response] of [
    ["listener", "exception", "TypeError: a fault of a listener", "the program goes on"],
    ["loop", "loop", "TypeError: a fault of the loop", "the loop starts again"],
  ] as const
) {
  Deno.test(`an error that nothing catches (${kind}): ${response}, /livez answers, and it is recorded`, async () => {
    const folder = newNodeFolder();
    using kernel = new NetlinkKernel();
    writeSource(folder, 1);
    const program = startCommand(
      folder,
      `${LOGGED}; export FAULT=${fault}`,
      preloaded(runCommand(folder), FAULTY),
    );
    try {
      await until("the Service is served", served(kernel, 1));
      await until("it is alive", async () => await livez() === 200);
      program.kill("SIGUSR2");
      writeSource(folder, 2);
      await until("a change is served", served(kernel, 2));
      await until(
        "the fault is counted",
        async () => await metric(`ledgerproxy_faults_total{kind="${kind}"}`) === 1,
      );
      assert.equal(await livez(), 200, "it is alive");
      writeSource(folder, 3);
      await until("a change is served afterwards", served(kernel, 3));
      assert.equal(await metric("ledgerproxy_restarts_total"), fault === "loop" ? 1 : 0);
      assert.equal(await livez(), 200, "and it stays alive");
      program.kill("SIGTERM");
      assert.equal((await program.status).code, 0, "it was the same process all the time");
      const said = `nothing caught this (${kind}): ${text}; ${response}`;
      assert.ok(logOf(folder).includes(said), logOf(folder));
      assert.deepEqual(gapsOf(folder), [[`a fault of this program (${kind}): ${text}; ${response}`, 0]]);
      assertWhole(`${folder}/store/ledger`, kernel);
    } finally {
      await end(program);
    }
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("standard error is blocked: rules follow, /livez answers, and SIGTERM ends the program", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, BLOCKED);
  try {
    await until("the Service is served", served(kernel, 1));
    for (let endpoints = 2; endpoints <= 5; endpoints++) {
      writeSource(folder, endpoints);
      await until("a change is served", served(kernel, endpoints));
    }
    assert.equal(await livez(), 200);
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("standard error is blocked: lines beyond a bound are dropped and counted, and later ones are written once it is read", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, BLOCKED);
  let log = "";
  let reading = Promise.resolve();
  try {
    await until("the Service is served", served(kernel, 1));
    writeWrongSlices(folder);
    const dropped = () => metric("ledgerproxy_log_lines_dropped_total");
    writeSource(folder, 2);
    await until("a change is served", served(kernel, 2));
    await until("lines are dropped", async () => await dropped() > 0);
    assert.equal(await livez(), 200);
    const pipe = await Deno.open(`${folder}/pipe`);
    reading = pipe.readable.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({ write: (text) => void (log += text) }),
    );
    await until(
      "the log says how many are missing",
      () => /warning: [1-9]\d* lines? of the log (was|were) dropped/.test(log),
    );
    Deno.writeTextFileSync(`${folder}/source/later.json`, "{");
    await until("a later line is written", () => log.includes("/later.json"));
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
  } finally {
    await end(program);
    // No process has the other end of the pipe open any more.
    await reading;
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("descriptors run out: servers and rules recover once there are some", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, LOGGED);
  const limit = (descriptors: number) => {
    const args = ["--pid", String(program.pid), `--nofile=${descriptors}:`];
    assert.ok(new Deno.Command("prlimit", { args }).outputSync().success);
  };
  try {
    await until("the Service is served", served(kernel, 1));
    await until("it is alive", async () => await livez() === 200);
    // The limit is one more than the highest number of a descriptor (getrlimit(2)), and 0 to 2 are open.
    limit(3);
    writeSource(folder, 2);
    assert.equal(await livez(SILENT_MILLISECONDS), 0, "it cannot accept");
    limit(4096);
    writeSource(folder, 3);
    await until("a change is served afterwards", served(kernel, 3));
    await until("it is alive again", async () => await livez() === 200);
    assert.ok(await metric('ledgerproxy_http_accept_failures_total{server="health"}') > 0);
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
    assertWhole(`${folder}/store/ledger`, kernel);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("/healthz names another program that deletes our rules again and again, with its changes", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, LOGGED);
  const health = async () => (await fetch(`http://127.0.0.1:${HEALTH.port}/healthz`)).json();
  try {
    await until("the Service is served", served(kernel, 1));
    await until("it is alive", async () => await livez() === 200);
    assert.equal((await health()).drift, null);
    let seen = await health();
    const mayAct = inTurn(`${folder}/store/ledger`);
    await until("it is named, and our rules wait", async () => {
      if (mayAct()) nft(["delete", "table", "ip6", "ledgerproxy"]);
      seen = await health();
      // While rules are put back at once, it may be named for a moment.
      return seen.drift?.process === "nft" && seen.drift.putBackAt !== null;
    });
    const { drift, problems } = seen;
    assert.ok(drift.pid > 0 && Date.parse(drift.since) > 0);
    assert.ok(drift.changes.includes("delete table ip6 ledgerproxy"), drift.changes.join());
    assert.ok(problems.includes("another program changes our tables"));
    const counted = await metric('ledgerproxy_problem{reason="another program changes our tables"}');
    // It is named still, so it was when the metric was read.
    assert.deepEqual([counted, (await health()).drift?.process], [1, "nft"]);
    // Once no program changes them any more, it is named until our rules are back and a next change would not have to wait.
    const settled = async () => (await health()).drift === null;
    await until("it is not named any more", settled, SETTLED_MILLISECONDS_MAX);
    assert.ok(served(kernel, 1)(), "our rules are back");
    assert.deepEqual((await health()).problems.filter((text: string) => text.includes("tables")), []);
    assert.equal(await metric('ledgerproxy_problem{reason="another program changes our tables"}'), 0);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a stop while our rules wait to be put back does not call them in sync", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, LOGGED);
  try {
    await until("the Service is served", served(kernel, 1));
    const mayAct = inTurn(`${folder}/store/ledger`);
    await until("our rules wait", () => {
      if (mayAct()) nft(["delete", "table", "ip6", "ledgerproxy"]);
      return logOf(folder).includes("that was too often");
    });
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
    assert.doesNotMatch(logOf(folder), /in sync/);
    assert.match(
      logOf(folder),
      /does not hold .* nft \(process \d+\) .*delete table ip6 ledgerproxy.* next start/,
    );
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("without the own Node /healthz is 503 with the reason and /livez is 200; with it both are 200", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  const program = start(folder, LOGGED, "--logging-format", "json");
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${HEALTH.port}/healthz`);
    return [response.status, (await response.json()).node?.problem];
  };
  const addresses = [{ type: "InternalIP", address: "192.168.0.2" }];
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, status: { addresses } };
  try {
    await until("the Service is served", served(kernel, 1));
    await until("it is alive", async () => await livez() === 200);
    assert.deepEqual(await health(), [503, "own Node not found"]);
    assert.equal(await metric('ledgerproxy_problem{reason="own Node not found"}'), 1);
    // Lines are gathered for a tenth of a second.
    await until("the log says so", () => logOf(folder).includes("there is no Node node-a"));
    const lines = logOf(folder).trim().split("\n").map((line) => JSON.parse(line));
    assert.ok(lines.every(({ ts, level, msg }) => ts > 0 && level !== "" && typeof msg === "string"));
    assert.ok(
      lines.some(({ level, msg }) => level === "warning" && msg.startsWith("there is no Node node-a")),
    );
    Deno.writeTextFileSync(`${folder}/source/node.json`, JSON.stringify(node));
    await until("it is eligible", async () => (await health()).join() === "200,");
    assert.equal(await metric('ledgerproxy_problem{reason="own Node not found"}'), 0);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a TCP NodePort is served on loopback where the configuration says so (KEP-6032)", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  assert.ok(
    new Deno.Command("ip", { args: ["address", "add", "10.244.0.1/32", "dev", "lo"] }).outputSync().success,
  );
  using endpoint = Deno.listen({ hostname: "10.244.0.1", port: 8080 });
  const spec = { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] };
  writeSource(folder, 1, spec);
  const program = start(folder, LOGGED, "--nodeport-addresses", "primary,localhost");
  const listeners = 'kubeproxy_nftables_localhost_nodeport_listeners{ip_family="IPv4"}';
  try {
    await until("the Service is served", served(kernel, 1));
    await until("it listens", async () => await metric(listeners) === 1);
    using client = await Deno.connect({ hostname: "127.0.0.1", port: 30080 });
    using forwarded = await endpoint.accept();
    await client.write(new TextEncoder().encode("hello"));
    const received = new Uint8Array(8);
    assert.equal(await forwarded.read(received), 5);
    assert.equal(new TextDecoder().decode(received.subarray(0, 5)), "hello");
    writeSource(folder, 0, spec);
    assert.equal(await forwarded.read(received), null, "its endpoints are gone");
    await until("it does not listen", async () => await metric(listeners) === 0);
    program.kill("SIGTERM");
    assert.equal((await program.status).code, 0);
  } finally {
    await end(program);
  }
  await Deno.remove(folder, { recursive: true });
});
