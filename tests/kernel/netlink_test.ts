// The real kernel through netlink: errors that name the operation, probes without a trace, and the message without
// CAP_NET_ADMIN.

import assert from "node:assert/strict";
import { POSITION_SET, skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { kernelVersion, probeCapabilities } from "../../src/kernel/capabilities.ts";
import { UnreadableRuleset } from "../../src/kernel/kernel.ts";
import { isBusy, isExists, isNotFound, KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { encodeBatch } from "../../src/kernel/netlink_batch.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { messages } from "../../src/kernel/netlink_reader.ts";
import { errnoOf } from "../../src/kernel/netlink_requests.ts";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";
import { ERRNO } from "../../src/kernel/system_error.ts";
import { SAME_NAME } from "../../src/kernel/table_alias.ts";
import { heldPosition } from "../../src/node/held_commit.ts";
import { canonicalKey, elementKey, setPath } from "../../src/nft/ruleset.ts";
import { createTable, type Operation } from "../../src/nft/transaction.ts";
import { imageCommand } from "../support/bundle.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const TABLES = skeleton(DEFAULT_PROXY_CONFIG);
const SET = TABLES[0]!.sets.find(({ name }) => name === "cluster-ips")!;
const VERDICTS = TABLES[0]!.sets.find(({ name }) => name === "affinity-leads")!;

const element = (verb: "add" | "delete", address: string): Operation => ({
  verb,
  noun: "element",
  set: setPath("ip", "ledgerproxy", "cluster-ips"),
  container: SET,
  element: { key: canonicalKey(address) },
});

const verdict = (value: string): Operation => ({
  verb: "add",
  noun: "element",
  set: setPath("ip", "ledgerproxy", "affinity-leads"),
  container: VERDICTS,
  element: { key: elementKey(["e400:30"]), value },
});

/** A kernel with the skeleton in an otherwise empty namespace. */
function furnished(): NetlinkKernel {
  nft(["flush", "ruleset"]);
  const kernel = new NetlinkKernel();
  kernel.commit(TABLES.flatMap(createTable));
  return kernel;
}

function rejection(kernel: NetlinkKernel, transaction: readonly Operation[]): KernelRejection {
  try {
    kernel.commit(transaction);
  } catch (error) {
    assert.ok(error instanceof KernelRejection);
    return error;
  }
  return assert.fail("the kernel accepted it");
}

Deno.test("the error of a rejected batch names the element, in the middle of a message of many", () => {
  using kernel = furnished();
  const addresses = Array.from({ length: 500 }, (_, i) => `10.96.${i >> 8}.${i & 255}`);
  kernel.commit(addresses.map((address) => element("add", address)));
  const deletions = addresses.map((address) => element("delete", address));
  const error = rejection(kernel, deletions.toSpliced(321, 0, element("delete", "10.97.0.1")));
  assert.ok(isNotFound(error));
  assert.match(
    error.message,
    /rejected delete element ip ledgerproxy cluster-ips \{ 10\.97\.0\.1 \}: .*does not exist \(ENOENT\)/,
  );
  assert.equal(
    kernel.list(TABLES).elements.get(setPath("ip", "ledgerproxy", "cluster-ips"))!.size,
    500,
    "nothing was deleted",
  );
});

Deno.test("errors have predicates: not found, exists, busy", () => {
  using kernel = furnished();
  assert.ok(isNotFound(rejection(kernel, [verdict("goto nowhere")])));
  kernel.commit([verdict("goto pick-1")]);
  assert.ok(isExists(rejection(kernel, [verdict("goto pick-2")])));
  assert.ok(
    isBusy(
      rejection(kernel, [{
        verb: "delete",
        noun: "chain",
        family: "ip",
        table: "ledgerproxy",
        name: "pick-1",
      }]),
    ),
  );
});

Deno.test("the generation id grows with each commit, and not with a rejected one", () => {
  using kernel = furnished();
  const before = kernel.generation();
  assert.equal(kernel.commit([element("add", "10.96.0.1")]).generation, before + 1);
  rejection(kernel, [element("delete", "10.96.0.2")]);
  assert.equal(kernel.generation(), before + 1);
});

Deno.test("a commit has the generation that it made, after one of its own and after one of another program", () => {
  using kernel = furnished();
  using other = new NetlinkKernel();
  const committed = ["10.96.0.1", "10.96.0.2", "10.96.0.3"].map((address, i) => {
    const { generation } = (i === 1 ? other : kernel).commit([element("add", address)]);
    assert.equal(kernel.generation(), generation);
    return generation;
  });
  const [first] = committed;
  assert.deepEqual(committed, [first, first! + 1, first! + 2]);
  assert.equal(kernel.commit([element("delete", "10.96.0.1")]).generation, first! + 3);
});

Deno.test("a batch for a generation that is over changes nothing", () => {
  using kernel = furnished();
  using socket = new NetlinkSocket();
  const before = kernel.generation();
  const { bytes } = encodeBatch([element("add", "10.96.0.1")], 1, new NetlinkWriter(), SAME_NAME, before - 1);
  socket.send(bytes);
  const [answer] = [...messages(socket.receive(false)!)];
  assert.equal(errnoOf(answer!), ERRNO.ERESTART);
  assert.equal(kernel.generation(), before);
});

Deno.test("a batch over both families is atomic: an error in ip6 rejects ip", () => {
  using kernel = furnished();
  const missing: Operation = {
    verb: "delete",
    noun: "chain",
    family: "ip6",
    table: "ledgerproxy",
    name: "nowhere",
  };
  rejection(kernel, [element("add", "10.96.0.1"), missing]);
  assert.equal(kernel.list(TABLES).elements.get(setPath("ip", "ledgerproxy", "cluster-ips"))!.size, 0);
});

Deno.test("a table with a rule that this program never writes is rejected, not misread", () => {
  using kernel = furnished();
  nft(["add", "rule", "ip", "ledgerproxy", "nat-prerouting", "ip", "ttl", "64", "drop"]);
  assert.throws(
    () => kernel.list(TABLES),
    (error) =>
      error instanceof UnreadableRuleset && /payload/.test(error.message) && error.tables.length === 2,
  );
});

/** Changes of our tables that a listing could take for what this program writes, or fail at. */
const ALMOST_OURS = [
  ...["ct state established accept", "ct state new,established accept", "ct status snat accept"],
  ...[
    "meta mark 3 accept",
    "meta mark and 3 == 1 accept",
    "meta l4proto > 3 accept",
    "ip saddr > 10.0.0.1 accept",
    "@nh,96,64 0x0102030405060708 accept",
    "@nh,96,72 0x010203040506070809 accept",
  ],
  ...["reject with icmp host-unreachable", "reject with icmp type admin-prohibited"],
  ...["ip daddr != @cluster-ips accept", "ip daddr 10.0.0.1-10.0.0.4 accept"],
].map((rule) => ["add", "rule", "ip", "ledgerproxy", "nat-prerouting", ...rule.split(" ")]).concat([
  ["add", "element", "ip", "ledgerproxy", "affinity-leads", "{ * : drop }"],
  ["add", "element", "ip", "ledgerproxy", "cluster-ips", "{ * }"],
  ["add", "element", "ip", "ledgerproxy", "ledger-position", "{ * }"],
  ...["inet_service; elements = { 80-255 }", "mark; elements = { 1-255 }", "inet_proto; elements = { 1-5 }"]
    .map((rest) => ["add", "set", "ip", "ledgerproxy", "more", `{ flags interval; type ${rest}; }`]),
  ["add", "chain", "ip", "ledgerproxy", "more", "{ type filter hook input priority 5; policy drop; }"],
]);

for (const change of ALMOST_OURS) {
  Deno.test(`a table after nft ${change.join(" ")} is rejected, not misread`, () => {
    using kernel = furnished();
    nft(change.map((word) => `'${word}'`));
    assert.throws(() => kernel.list(TABLES), UnreadableRuleset);
  });
}

Deno.test("a foreign element beside the position is rejected, and a start then knows no position", () => {
  using kernel = furnished();
  nft(["add", "element", "ip", "ledgerproxy", POSITION_SET, "'{ * }'"]);
  const set = TABLES[0]!.sets.find(({ name }) => name === POSITION_SET)!;
  assert.throws(() => kernel.elements({ family: "ip", name: "ledgerproxy" }, set), UnreadableRuleset);
  assert.equal(heldPosition(kernel), undefined);
});

Deno.test("probing finds every feature that is needed and changes nothing", () => {
  nft(["flush", "ruleset"]);
  using kernel = new NetlinkKernel();
  const before = kernel.generation();
  const missing = probeCapabilities(kernel).filter(({ needed, available }) => needed && !available);
  assert.deepEqual(missing, []);
  assert.equal(kernel.generation(), before);
  assert.equal(nft(["list", "ruleset"]), "");
});

Deno.test("kernels older than 5.13 are rejected by their version", () => {
  const old = ["5.12.19", "4.19.0-27-amd64", "5.4"];
  const fine = ["5.13.0", "6.1.0-13-amd64", "6.18.44-fc", "10.0"];
  assert.deepEqual([...old, ...fine].map((release) => kernelVersion(release).available), [
    ...old.map(() => false),
    ...fine.map(() => true),
  ]);
  assert.match(kernelVersion("5.4").problem, /5\.13/);
});

Deno.test("where the send buffer cannot be forced, a batch that is too large is rejected with both sizes", async () => {
  const script = new URL("../support/commit_many.ts", import.meta.url).pathname;
  const limit = 2 * Number(Deno.readTextFileSync("/proc/sys/net/core/wmem_max"));
  const args = [
    "--map-root-user",
    "--net",
    "--",
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    script,
    String(limit),
  ];
  const { stdout, stderr } = await new Deno.Command("unshare", { args }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.match(
    output,
    /small: taken\nlarge: EMSGSIZE the kernel rejected a batch of \d+ bytes, at most \d+: .*net\.core\.wmem_max/,
  );
});

Deno.test("without CAP_NET_ADMIN the program names the capability and the command to run instead", async () => {
  const folder = await Deno.makeTempDir();
  const recording = new URL("../../fixtures/recordings/evening", import.meta.url).pathname;
  const run = imageCommand("run", "--source", recording, "--ledger", `${folder}/l`, "--once");
  const args = ["--bounding-set=-net_admin", "--inh-caps=-net_admin", "--", ...run];
  const { code, stderr } = await new Deno.Command("setpriv", { args }).output();
  const output = new TextDecoder().decode(stderr);
  assert.equal(code, 3, output);
  assert.match(output, /CAP_NET_ADMIN.*unshare --map-root-user --net/);
  assert.match(output, /--dry-run/);
  await assert.rejects(Deno.stat(`${folder}/l`), Deno.errors.NotFound);
  await Deno.remove(folder, { recursive: true });
});
