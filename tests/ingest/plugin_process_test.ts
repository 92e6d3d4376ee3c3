// Programs that make credentials, and do not end.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { KubeconfigProblem } from "../../src/ingest/api_failure.ts";
import { apiSource } from "../../src/ingest/api_source.ts";
import { pluginCredentials } from "../../src/ingest/plugin_credentials.ts";
import { kubeconfig } from "../support/api_server.ts";
import { Follower } from "../support/follower.ts";
import { until } from "../support/until.ts";

Deno.test("an exec plugin that hangs is killed with all processes that it started, and one runs at a time", async () => {
  const folder = await Deno.makeTempDir();
  const pids = `${folder}/pids`;
  const script = `#!/bin/sh\nsleep 1000 &\necho $$ $! >> ${pids}\nwait\n`;
  Deno.writeTextFileSync(`${folder}/plugin`, script, { mode: 0o700 });
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: `${folder}/plugin`,
    interactiveMode: "Never",
  };
  const problem = (text: string) => new KubeconfigProblem(text);
  const ask = pluginCredentials({ exec }, problem, { milliseconds: 5000, bytes: 1000 });
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("late"), 120_000);
  const answers = [ask(), ask()].map((answer) => answer.then(() => "credentials", (error) => error.message));
  assert.deepEqual(
    await Promise.all(answers.map((answer) => Promise.race([answer, late.promise]))),
    Array(2).fill("exec: the program gave nothing within 5 s"),
  );
  clearTimeout(timer);
  const [started, ...more] = Deno.readTextFileSync(pids).trim().split("\n");
  assert.deepEqual(more, []);
  for (const pid of started!.split(" ")) await until(`process ${pid} is gone`, () => !runs(pid));
  await Deno.remove(folder, { recursive: true });
});

/** Whether a process is there, and not only its exit code. */
function runs(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("while an exec plugin hangs it is named, and the connection is not called dead", async () => {
  const folder = await Deno.makeTempDir();
  const pids = `${folder}/pids`;
  Deno.writeTextFileSync(`${folder}/plugin`, `#!/bin/sh\necho $$ >> ${pids}\nexec sleep 1000\n`, {
    mode: 0o700,
  });
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: `${folder}/plugin`,
    interactiveMode: "Never",
  };
  const times = {
    backoffMilliseconds: 10,
    backoffMaxMilliseconds: 50,
    answerMilliseconds: 5000,
    quietMilliseconds: 100,
    unansweredMilliseconds: 100,
    probeMilliseconds: 100,
  };
  {
    const client = new ApiClient(kubeconfig(folder, "https://127.0.0.1:1", { exec }));
    await using follower = new Follower(apiSource(client, "node-a", false, times));
    await until("it is reported", () => follower.said().length > 0);
    for (const text of follower.said()) {
      assert.match(text, /no credentials for 5 s: an exec program/);
    }
  }
  for (const pid of Deno.readTextFileSync(pids).trim().split("\n")) {
    Deno.kill(Number(pid));
    await until(`process ${pid} is gone`, () => !runs(pid));
  }
  await Deno.remove(folder, { recursive: true });
});
