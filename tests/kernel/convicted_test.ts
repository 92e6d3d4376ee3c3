// The kernel rejects what one Service needs, while another program commits to tables of its own, or to ours, all the time.

import assert from "node:assert/strict";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import { CONTAINERS, PATHS, TABLE } from "../../src/fold/skeleton.ts";
import type { CommitReceipt, TableName } from "../../src/kernel/kernel.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import { REJECTIONS_NAMED_MAX } from "../../src/limits/commits.ts";
import { elementKey, type Ruleset } from "../../src/nft/ruleset.ts";
import type { Operation, Transaction } from "../../src/nft/transaction.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** A kernel that rejects each endpoint of shop/bad and its like: a second one is added with the same key. */
class StrictKernel extends NetlinkKernel {
  listings = 0;

  override list(tables: readonly TableName[]): Ruleset {
    this.listings++;
    return super.list(tables);
  }

  override commit(transaction: Transaction): CommitReceipt {
    return super.commit(transaction.flatMap((operation) => [operation, ...second(operation)]));
  }
}

function second(operation: Operation): Operation[] {
  if (operation.noun !== "element" || operation.verb !== "add") return [];
  const { element } = operation;
  const isBad = element.comment?.startsWith("shop/bad") && element.value?.startsWith("10.244.");
  return isBad ? [{ ...operation, element: { ...element, value: "10.244.9.9 . 9" } }] : [];
}

/** A kernel in which something leads to each chain of a guard that is to go, unless its table goes as a whole. */
class BusyKernel extends NetlinkKernel {
  override commit(transaction: Transaction): CommitReceipt {
    const replaced = transaction.some(({ verb, noun }) => verb === "delete" && noun === "table");
    return super.commit(replaced ? transaction : transaction.flatMap((one) => [...leadTo(one), one]));
  }
}

function leadTo(operation: Operation): Operation[] {
  if (operation.verb !== "delete" || operation.noun !== "chain") return [];
  const set = PATHS.ip["firewall-ips"];
  const element = { key: elementKey(["203.0.113.9", "tcp", "9"]), value: `goto ${operation.name}` };
  return [{ verb: "add", noun: "element", set, container: CONTAINERS.get(set)!, element }];
}

Deno.test("where the kernel refuses to delete a chain that something leads to, the tables are replaced in one batch", () => {
  using kernel = new BusyKernel();
  using process = new EngineProcess(kernel, memoryStorage());
  const web = service("shop/web 10.96.0.1 http:80/tcp", undefined, {
    loadBalancerSourceRanges: ["10.0.0.0/8"],
  });
  process.list({ ...web, status: { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } } });
  assert.match(nft(["list", "chain", "ip", TABLE, "firewall/8"]), /firewall-sources/);
  process.list(service("shop/web 10.96.0.1 http:80/tcp"));
  commitBatch(process.engine, process.ports);
  assert.equal(process.engine.rejections, 0);
  assert.match(process.warnings.join(), /firewall\/8: .*\(EBUSY\)\. The tables are replaced as a whole/);
  assert.doesNotMatch(nft(["list", "table", "ip", TABLE]), /firewall\/8|203\.0\.113\.9/);
  process.list(service("shop/web 10.96.0.2 http:80/tcp"));
  assert.match(nft(["list", "map", "ip", TABLE, "no-endpoint-services"]), /10\.96\.0\.2 /);
  assert.equal(process.engine.rejections, 0);
  nft(["flush", "ruleset"]);
});

/** A program that runs `commands` of nft again and again, each in a transaction of its own. */
function committing(commands: readonly string[]): AsyncDisposable {
  const script = `while :; do ${commands.map((command) => `nft '${command}'`).join("; ")}; done`;
  const process = new Deno.Command("sh", { args: ["-c", script], stdin: "null", stderr: "null" }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

function started(kernel: NetlinkKernel, monitor: RulesetMonitor): EngineProcess {
  const process = new EngineProcess(kernel, memoryStorage());
  Object.assign(process.ports, { monitor });
  process.list(
    service("shop/web 10.96.0.1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp 10.244.0.1"),
  );
  return process;
}

/** The Service that the kernel rejects, and a change of another one. */
const BAD = [
  service("shop/bad 10.96.0.2 http:80/tcp"),
  slice("shop/bad-a http:8080/tcp 10.244.0.2"),
  slice("shop/web-a http:8080/tcp 10.244.0.3"),
].map(appears);

const aside = ({ engine }: EngineProcess) => [...engine.cluster.aside.keys()];
const webServed = () =>
  /10\.96\.0\.1 .*10\.244\.0\.3/.test(nft(["list", "map", "ip", TABLE, "single-endpoints"]));

Deno.test("beside a program that commits elsewhere all the time, a Service that the kernel rejects is set aside at once", async () => {
  using kernel = new StrictKernel();
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  using process = started(kernel, monitor);
  {
    await using _ = committing(["add table ip elsewhere", "delete table ip elsewhere"]);
    const begun = kernel.generation();
    await until("it commits", () => kernel.generation() > begun + 10);
    process.commit(BAD);
  }
  assert.deepEqual([aside(process), process.engine.rejections], [["shop/bad"], 0]);
  assert.ok(webServed());
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});

Deno.test("beside a program that changes our tables all the time, it is set aside after a few rejections", async () => {
  using kernel = new StrictKernel();
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  using process = started(kernel, monitor);
  {
    const element = `element ip ${TABLE} cluster-ips { 203.0.113.9 comment "x" }`;
    await using _ = committing([`add ${element}`, `delete ${element}`]);
    const begun = kernel.generation();
    await until("it changes our tables", () => kernel.generation() > begun + 10);
    process.append(BAD);
    let rounds = 0;
    while (process.engine.rejections > 0 || rounds === 0) {
      assert.ok(rounds++ <= REJECTIONS_NAMED_MAX, process.warnings.join());
      perform(process.engine, process.ports, list(kernel));
      commitBatch(process.engine, process.ports);
    }
  }
  assert.deepEqual(aside(process), ["shop/bad"]);
  assert.ok(webServed());
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});

Deno.test("many Services that the kernel rejects cost one listing", () => {
  using kernel = new StrictKernel();
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  using process = started(kernel, monitor);
  const names = Array.from({ length: 8 }, (_, i) => `shop/bad-${i}`);
  const bad = names.flatMap((name, i) => [
    service(`${name} 10.96.1.${i} http:80/tcp`),
    slice(`${name}-s http:8080/tcp 10.244.1.${i + 1}`),
  ]);
  kernel.listings = 0;
  process.commit([...bad.map(appears), ...BAD.slice(-1)]);
  assert.deepEqual([aside(process), process.engine.rejections], [names, 0]);
  assert.ok(webServed());
  assert.equal(kernel.listings, 1);
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});
