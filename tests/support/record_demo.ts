// Makes the recording that the demo plays: writes the objects of fixtures/api/evening.ndjson into a real kube-apiserver, at their
// own pace, while `ledgerproxy record` follows it. It takes five minutes.
//
//   unshare --net deno run -A tests/support/record_demo.ts FOLDER

import { ApiError, ControlPlane, type Json } from "./cluster/control_plane.ts";
import { addApiAddress } from "./cluster/near_plane.ts";
import { API_ADDRESS } from "./cluster/oracle.ts";
import { shell } from "./lab/lab.ts";
import { until } from "./until.ts";

const EVENING = new URL("../../fixtures/api/evening.ndjson", import.meta.url);
const ROOT = new URL("../../", import.meta.url);
const TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time";
const PATHS: Readonly<Record<string, (namespace: string) => string>> = {
  Service: (namespace) => `/api/v1/namespaces/${namespace}/services`,
  EndpointSlice: (namespace) => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
  Node: () => "/api/v1/nodes",
};

/** One line of a recorded watch. */
interface Line {
  readonly time: string;
  readonly type: string;
  readonly object: Json & { readonly kind: string; readonly metadata: Json };
}

const folder = Deno.args[0];
if (folder === undefined) throw new Error("which folder is the recording to be in?");
shell("ip link set lo up");
addApiAddress();
await using plane = await ControlPlane.start(API_ADDRESS, "10.96.0.0/12,fd00:96::/108");
const lines = Deno.readTextFileSync(EVENING).trim().split("\n").map((line) => JSON.parse(line) as Line)
  .filter(({ type }) => ["ADDED", "MODIFIED", "DELETED"].includes(type));
for (const name of new Set(lines.map(({ object }) => object.metadata["namespace"] as string | undefined))) {
  if (name !== undefined) {
    await plane.call("POST", "/api/v1/namespaces", { metadata: { name } }).catch(existing);
  }
}
const recorder = new Deno.Command(Deno.execPath(), {
  args: [
    ...["run", "-A", "src/cli/main.ts", "record", "--node", "node-a", "--ledger", folder],
    ...["--kubeconfig", plane.kubeconfig()],
  ],
  cwd: ROOT,
}).spawn();
await until("the recorder has begun", () => {
  try {
    return [...Deno.readDirSync(folder)].some(({ name }) => name.endsWith(".ndjson"));
  } catch {
    return false;
  }
});
const [began, from] = [performance.now(), Date.parse(lines[0]!.time)];
for (const line of lines) {
  const wait = Date.parse(line.time) - from - (performance.now() - began);
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  await happen(line);
}
await new Promise((resolve) => setTimeout(resolve, 2000));
recorder.kill("SIGTERM");
await recorder.status;

/** Repeats the change of one line at the API server. */
async function happen({ type, object }: Line): Promise<void> {
  const { kind, metadata, status, ...rest } = object;
  const { name, namespace, labels, annotations = {} } = metadata;
  const path = PATHS[kind]!(String(namespace));
  if (type === "DELETED") return void await plane.call("DELETE", `${path}/${name}`);
  const triggered = TRIGGER in (annotations as Json) ? { [TRIGGER]: new Date().toISOString() } : {};
  const body = {
    ...rest,
    kind,
    metadata: { name, namespace, labels, annotations: { ...(annotations as Json), ...triggered } },
  };
  if (type === "ADDED") await plane.call("POST", path, body).catch(existing);
  await plane.call("PATCH", `${path}/${name}`, body);
  if (status !== undefined) await plane.call("PATCH", `${path}/${name}/status`, { status });
}

function existing(error: unknown): void {
  if (!(error instanceof ApiError && error.message.includes("already exists"))) throw error;
}
