// Ctrl-C on a terminal ends a question at once. `script` (util-linux) gives the program a terminal.

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const COMMAND = `${Deno.execPath()} run -A --no-check --quiet src/cli/main.ts`;
/** The interrupt character of a terminal: Ctrl-C (termios(3), VINTR). */
const CTRL_C = new Uint8Array([3]);

function kubeconfig(port: number): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "here",
    contexts: [{ name: "here", context: { cluster: "here", user: "reader" } }],
    clusters: [{ name: "here", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "reader", user: {} }],
  });
}

Deno.test("Ctrl-C ends a question that is not answered yet: exit code 130, and the terminal is as it was", async () => {
  const folder = await Deno.makeTempDir();
  // An API server that never answers: the question lasts until it is interrupted.
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked.resolve();
    return answer.promise;
  });
  try {
    await Deno.writeTextFile(`${folder}/kubeconfig`, kubeconfig(server.addr.port));
    const command = [
      "trap : INT",
      `stty -a > ${folder}/before`,
      `${COMMAND} why 10.244.0.1 shop/web --kubeconfig ${folder}/kubeconfig`,
      "code=$?",
      `stty -a > ${folder}/after`,
      "exit $code",
    ].join("; ");
    const terminal = new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", command, "/dev/null"],
      cwd: ROOT,
      env: { NO_COLOR: "1", TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await asked.promise;
    const input = terminal.stdin.getWriter();
    await input.write(CTRL_C);
    await input.close();
    const { code, stdout } = await terminal.output();
    assert.equal(code, 130, new TextDecoder().decode(stdout));
    assert.equal(await Deno.readTextFile(`${folder}/after`), await Deno.readTextFile(`${folder}/before`));
  } finally {
    answer.resolve(new Response());
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});
