// What a program asks an API server for when it starts: the whole cluster once for a new ledger, and after a restart of the node, which
// has taken the rules, what has changed since the ledger.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { BOOKMARK, line, Server, status, stream, whole } from "../support/api_server.ts";
import { startBeside } from "../support/beside_server.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { assertWhole, newNodeFolder, removeTables } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** Runs the program until it has committed, and returns what it asked for: resources, and from which version. */
async function asked(folder: string): Promise<string[]> {
  const requests: string[] = [];
  const answer = (resource: string, query: URLSearchParams, objects: readonly unknown[]) => {
    if (!query.has("watch")) return status(422, "Invalid");
    const lists = query.has("sendInitialEvents");
    requests.push(`${resource} ${lists ? "all" : `since ${query.get("resourceVersion")}`}`);
    return stream(lists ? [...objects.map((one) => line("ADDED", one)), BOOKMARK] : [], true);
  };
  await using server = new Server(
    (query) => answer("services", query, [whole("web", "5")]),
    (path, query) => answer(path.split("/").at(-1)!, query, []),
  );
  const program = startBeside(server, folder);
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  await until("the rules are in the kernel", () => /skeleton written/.test(log()));
  await until("it follows all resources", () => requests.length >= RESOURCES.length);
  program.kill("SIGTERM");
  assert.equal((await program.status).code, 0, log());
  assert.doesNotMatch(log(), /error/);
  return requests.sort();
}

const RESOURCES = ["endpointslices", "nodes", "servicecidrs", "services"];

Deno.test("a new ledger begins with one list of each resource; without rules in the kernel, a ledger is followed on", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  assert.deepEqual(await asked(folder), RESOURCES.map((resource) => `${resource} all`));
  assertWhole(`${folder}/ledger`, kernel);
  removeTables(kernel);
  const since = await asked(folder);
  assert.ok(since.includes("services since 5"), since.join());
  assertWhole(`${folder}/ledger`, kernel);
  await Deno.remove(folder, { recursive: true });
});
