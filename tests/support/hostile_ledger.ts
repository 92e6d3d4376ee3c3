// A ledger in which every text from outside has control characters, newlines or markup.

import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { EndpointSlice } from "../../src/kube/objects.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { appears, service, slice, vanishes } from "./cluster_notation.ts";
import { EngineProcess, TIME } from "./engine_process.ts";

/** Texts of other programs, users and the kernel. */
export const HOSTILE_TEXT = {
  newline: "\n@1  2026-01-01 forged line",
  process: "\u001b[31mnft\u202e\n@1  2026-01-01 forged line\u009b2J",
  name: "web\u202e\u2066<img src=x onerror=alert(1)></script>",
  error: "\u001b]0;owned\u0007\r\u2028refused\u0000",
} as const;

/** Writes the ledger into `folder`; returns what to ask about it. */
export function writeHostileLedger(
  folder: string,
): { service: string; target: string; range: [number, number] } {
  using kernel = new FakeKernel();
  using running = new EngineProcess(kernel, folderStorage(folder, true), { complete: true });
  const time = TIME;
  const { name, error, process } = HOSTILE_TEXT;
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const pods = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2");
  const metadata = { ...pods.metadata, name: `${name}-a`, labels: { "kubernetes.io/service-name": "web" } };
  const hostile: EndpointSlice = { ...pods, metadata };
  running.commit([
    { kind: "config", time, version: error, nodeName: name },
    appears(web),
    appears(service(`shop/${name.replaceAll(" ", "_")} 10.96.0.2 http:80/tcp`)),
    { ...appears(hostile), resourceVersion: error, time },
  ]);
  const from = running.ledger.next - 1;
  running.commit([{ ...vanishes(hostile), resourceVersion: error, time }]);
  const through = running.ledger.next - 1;
  running.commit([
    { kind: "drift", time, process, pid: 7, changes: [error], response: name },
    { kind: "gap", time, reason: error, records: 1 },
    { ...appears(hostile), resourceVersion: error, time },
  ]);
  return { service: "shop/web", target: "10.96.0.1:80/tcp", range: [from, through] };
}
