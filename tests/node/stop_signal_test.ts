// A process that is asked to stop, by a terminal or by Kubernetes.

import assert from "node:assert/strict";

const SOURCE = new URL("../../src/node/stop_signal.ts", import.meta.url).href;
const PROGRAM = `
import { stopSignal } from "${SOURCE}";
const { signal } = stopSignal();
signal.onabort = () => Deno.exit(7);
console.log("ready");
setInterval(() => {}, 60_000);
`;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} asks the program to stop, and does not end it`, async () => {
    const child = new Deno.Command(Deno.execPath(), { args: ["eval", PROGRAM], stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value), "ready\n");
    child.kill(signal);
    const { code, signal: endedBy } = await child.status;
    await reader.cancel();
    assert.deepEqual([code, endedBy], [7, null]);
  });
}
