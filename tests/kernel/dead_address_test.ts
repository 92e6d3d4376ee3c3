// An API server whose name has two addresses, of which the first never answers.

import assert from "node:assert/strict";
import { Authority } from "../support/cluster/certificates.ts";
import { configure } from "../support/configured_client.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const DEAD = "203.0.113.7";
const ALIVE = "198.51.100.7";
const PROGRAM = new URL("../support/dead_address_client.ts", import.meta.url).pathname;
/** Long enough for a machine under load, and shorter than TCP waits for the dead address (127 s). */
const MILLISECONDS_MAX = 60_000;

/** The lines of what runs with `hosts` in place of /etc/hosts, until it ends. */
async function* linesWith(hosts: string, ...command: string[]): AsyncGenerator<string> {
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const child = new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", script, hosts, ...command],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const late = setTimeout(() => child.kill("SIGKILL"), MILLISECONDS_MAX);
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  await child.status;
  clearTimeout(late);
}

Deno.test("where the first address of the server's name is dead the second is used, and HTTP/2 again once it is not", async () => {
  for (const address of [DEAD, ALIVE]) {
    new Deno.Command("ip", { args: ["address", "add", `${address}/32`, "dev", "lo"] }).outputSync();
  }
  nft(
    ["-f", "-"],
    `table ip away {\nchain input {\ntype filter hook input priority 0;\nip daddr ${DEAD} drop\n}\n}\n`,
  );
  const folder = await Deno.makeTempDir();
  const hosts = `${folder}/hosts`;
  Deno.writeTextFileSync(hosts, `127.0.0.1 localhost\n${DEAD} api.example\n${ALIVE} api.example\n`);
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const server = Deno.serve({
    hostname: "0.0.0.0",
    port: 0,
    cert: Deno.readTextFileSync(certificate),
    key: Deno.readTextFileSync(key),
    onListen: () => {},
  }, () => {
    // In pieces, so that an answer over HTTP/1.1 differs from one over HTTP/2.
    const text = new TextEncoder().encode("{}");
    return new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(text);
          controller.close();
        },
      }),
    );
  });
  const kubeconfig = configure(folder, {
    server: `https://api.example:${server.addr.port}`,
    "certificate-authority": authority.certificate,
  }, { token: "t" });
  const lines: string[] = [];
  for await (
    const line of linesWith(hosts, Deno.execPath(), "run", "-A", "--no-check", PROGRAM, kubeconfig)
  ) {
    lines.push(line);
    if (line === "shared false") nft(["delete", "table", "ip", "away"]);
  }
  assert.match(lines[0]!, /the connection is dead/);
  assert.deepEqual(lines.filter((line) => line.startsWith("shared")), ["shared false", "shared true"]);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});
