// A server whose list never ends, and an object that no ledger can hold, and the program as it is shipped: requests and memory are
// bounded, and what else is there is read.

import assert from "node:assert/strict";
import { BOOKMARK, page, Server, status, stream } from "../support/api_server.ts";
import { imageCommand } from "../support/bundle.ts";
import { keptOf } from "../support/kept_records.ts";
import { shippedCommand } from "../support/shipped_command.ts";
import { until } from "../support/until.ts";

/** The requests of so many milliseconds are counted: a busy machine makes fewer. */
const COUNTED_MILLISECONDS = 5000;
/** Three rounds of {@link LIST_IDLE_PAGES_MAX} pages, and their ends. 0.6.0 made 3,400 and 7,500. */
const REQUESTS_MAX = 100;

/** Pages that each name another one. */
const LISTS: Readonly<Record<string, (call: number) => Response>> = {
  "each page names the next one and has no object": (call) => page([], { continue: `c${call}` }),
  "each page names the same one": () => page(["web"], { continue: "c" }),
};

for (const [name, list] of Object.entries(LISTS)) {
  Deno.test(`a list that never ends is not asked for all the time: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    await using server = new Server(
      (query, call) => query.has("watch") ? status(422, "Invalid") : list(call),
      (_path, query) => query.has("watch") ? stream([BOOKMARK], true) : status(422, "Invalid"),
    );
    server.firstLists = true;
    const paths = ["--kubeconfig", server.kubeconfig(), "--ledger", `${folder}/ledger`];
    const [program, ...args] = imageCommand("record", "--node", "node-a", ...paths);
    const process = new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
    try {
      await until("the list is asked for", () => server.calls.length > 0);
      await new Promise((resolve) => setTimeout(resolve, COUNTED_MILLISECONDS));
      assert.ok(server.calls.length <= REQUESTS_MAX, `${server.calls.length} requests`);
    } finally {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("an object that no ledger can hold is left out, and the others are recorded", async () => {
  const folder = await Deno.makeTempDir();
  const long = "a-long-name-of-a-node-".repeat(10);
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-a", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ port: 8080, name: "", protocol: "TCP" }],
    endpoints: Array.from({ length: 100_000 }, (_, i) => ({
      addresses: [`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`],
      nodeName: `${long}${i}`,
    })),
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
  };
  await Deno.writeTextFile(
    `${folder}/all.json`,
    JSON.stringify({ kind: "List", apiVersion: "v1", items: [slice, service] }),
  );
  const args = [
    "--once",
    "--node",
    "node-a",
    "--source",
    `${folder}/all.json`,
    "--ledger",
    `${folder}/ledger`,
  ];
  const { code, output } = await shippedCommand("record", ...args);
  assert.equal(code, 0, output.slice(-1000));
  assert.match(output, /EndpointSlice "?shop\/web-a.*the object is left out/);
  assert.deepEqual(keptOf(`${folder}/ledger`, "event").map(({ key }) => key.name), ["web"]);
  await Deno.remove(folder, { recursive: true });
});
