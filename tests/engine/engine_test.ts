// The engine with the fake kernel and a ledger in memory: positions, rejections, restarts.

import assert from "node:assert/strict";
import { committedDigest, type EngineState } from "../../src/engine/engine_state.ts";
import { elementsInPlace, OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { commitBatch, perform } from "../../src/engine/executor.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { type Kernel, UnreadableRuleset } from "../../src/kernel/kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { separated } from "../../src/nft/objects.ts";
import { CONTAINERS } from "../../src/fold/skeleton.ts";
import type { SetPath } from "../../src/nft/ruleset.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { diff } from "../../src/plan/delta.ts";
import { elementOperations } from "../../src/plan/plan.ts";
import { POSITION_PATH, positionOf } from "../../src/plan/position.ts";
import { lines, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { rejecting } from "../support/rejecting_kernel.ts";

const TIME = "2026-11-23T09:26:10.000Z";
const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const PODS = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.1");

/** A process whose clock stands still and whose ledger is synced as a node's is. */
class Process extends EngineProcess {
  constructor(kernel: Kernel, storage: MemoryStorage) {
    super(kernel, storage, { policy: "interval", now: () => TIME, startedAt: TIME });
  }
}

/** Kernel, committed mirror and desired state must be one. */
function assertInSync(engine: EngineState, kernel: FakeKernel): void {
  const held = separated(kernel.list(OUR_TABLES));
  const withoutPosition = diff(engine.cluster.desired, held.elements).filter(({ set }) =>
    set !== POSITION_PATH
  );
  assert.deepEqual(withoutPosition, []);
  assert.deepEqual(diff(elementsInPlace(engine.tables), held.elements), []);
  const digest = digestText(rulesetDigest(held.tables, held.elements));
  assert.equal(digestText(committedDigest(engine)), digest);
  assert.equal(positionOf(held.elements)?.digest, digest);
}

Deno.test("the first batch writes the skeleton, the elements and the position in one commit", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  process.list(WEB, PODS);
  assert.equal(kernel.generation(), 2);
  assertInSync(process.engine, kernel);
  const [report] = process.reports;
  assert.deepEqual([report!.position, report!.rebuilt, report!.services], [1, true, [
    "shop/web",
    "shop/web:http",
  ]]);
});

Deno.test("nothing is committed before the source has sent a list, or when a list changes nothing", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  perform(process.engine, process.ports, { kind: "sync" });
  assert.equal(kernel.generation(), 1);
  process.list(WEB, PODS);
  process.list(WEB, PODS);
  assert.equal(kernel.generation(), 2);
});

Deno.test("parts of the first list are appended at once, and committed when the list is whole", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  const gone = service("shop/gone 10.96.0.9 http:80/tcp");
  const part = { kind: "list", complete: false, part: true, time: TIME, problems: [] } as const;
  process.receive({ ...part, objects: [gone, WEB] });
  process.receive({ ...part, objects: [PODS] });
  assert.deepEqual([process.ports.ledger.next, kernel.generation()], [3, 1]);
  process.list(WEB, PODS);
  assert.equal(kernel.generation(), 2);
  assert.deepEqual(process.reports.map(({ position, records }) => [position, records]), [[3, 4]]);
  assert.ok(process.engine.cluster.services.size === 1, "what was deleted while the parts came is gone");
  assertInSync(process.engine, kernel);
});

Deno.test("a changed endpoint deletes one element, adds one, and moves the position", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  process.list(WEB, PODS);
  process.list(WEB, slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.2"));
  assert.equal(process.reports[1]!.operations, 4);
  assertInSync(process.engine, kernel);
});

Deno.test("each commit is in the ledger with its changes and the offset of the event that caused each", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  {
    using process = new Process(kernel, storage);
    process.list(WEB, PODS);
    process.list(WEB, slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.2"));
  }
  const commits = [...readLedger(storage)].flatMap(({ record }) =>
    record.kind === "commit" ? [record as CommitRecord] : []
  );
  assert.deepEqual(commits.map(({ from, through, outcome }) => [from, through, outcome]), [[
    0,
    1,
    "committed",
  ], [2, 3, "committed"]]);
  assert.deepEqual(commits[1]!.changes, [
    {
      verb: "delete",
      set: "ip ledgerproxy endpoints",
      key: "10.96.0.1 . tcp . 80 . 1",
      cause: 3,
      value: "10.244.1.1 . 8080",
      comment: "shop/web:http",
    },
    {
      verb: "add",
      set: "ip ledgerproxy endpoints",
      key: "10.96.0.1 . tcp . 80 . 1",
      cause: 3,
      value: "10.244.1.2 . 8080",
      comment: "shop/web:http",
    },
  ]);
});

Deno.test("a restart has nothing to commit, and has the Services without a source", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  {
    using first = new Process(kernel, storage);
    first.list(WEB, PODS);
    first.list(WEB, slice("shop/web-a http:8080/tcp 10.244.9.9 10.244.0.1"));
  }
  const generation = kernel.generation();
  using second = new Process(kernel, storage);
  second.receive({ kind: "events", events: [], problems: [] });
  assert.equal(kernel.generation(), generation);
  assertInSync(second.engine, kernel);
});

Deno.test("after a restart on an empty kernel the rules are made from the ledger alone", () => {
  const storage = memoryStorage();
  {
    using kernel = new FakeKernel();
    using first = new Process(kernel, storage);
    first.list(WEB, PODS);
  }
  using kernel = new FakeKernel();
  using second = new Process(kernel, storage);
  second.receive({ kind: "events", events: [], problems: [] });
  assertInSync(second.engine, kernel);
  assert.ok(
    lines(kernel.list(OUR_TABLES).elements).includes(
      "ip endpoints 10.96.0.1 . tcp . 80 . 1 : 10.244.1.1 . 8080",
    ),
  );
});

Deno.test("an incomplete list deletes nothing", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  process.list(WEB, PODS);
  process.receive({ kind: "list", objects: [], complete: false, time: TIME, problems: ["a.yaml:3: cut"] });
  assertInSync(process.engine, kernel);
  assert.equal(process.engine.cluster.services.size, 1);
  assert.deepEqual(process.warnings, ["a.yaml:3: cut"]);
});

Deno.test("elements that another program changed are put back at the next start", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  {
    using first = new Process(kernel, storage);
    first.list(WEB, PODS);
    const set = "ip ledgerproxy cluster-ips" as never;
    const container = first.engine.cluster.tables[0]!.sets.find(({ name }) => name === "cluster-ips")!;
    kernel.commit([
      { verb: "delete", noun: "element", set, container, element: { key: "10.96.0.1" as never } },
      { verb: "add", noun: "element", set, container, element: { key: "203.0.113.1" as never } },
    ]);
  }
  using second = new Process(kernel, storage);
  second.receive({ kind: "events", events: [], problems: [] });
  assertInSync(second.engine, kernel);
});

Deno.test("another skeleton, or a table that cannot be decoded, is replaced in one commit", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  {
    using first = new Process(kernel, storage);
    first.list(WEB, PODS);
    kernel.commit([{
      verb: "flush",
      noun: "chain",
      family: "ip",
      table: "ledgerproxy",
      name: "nat-prerouting",
    }]);
  }
  {
    using second = new Process(kernel, storage);
    second.receive({ kind: "events", events: [], problems: [] });
    assertInSync(second.engine, kernel);
    assert.equal(second.reports[0]!.rebuilt, true);
  }
  const inner = kernel;
  const unreadable: Kernel = {
    commit: (transaction) => inner.commit(transaction),
    tables: () => inner.tables(),
    chains: (table) => inner.chains(table),
    generation: () => inner.generation(),
    list: () => {
      throw new UnreadableRuleset("foreign", OUR_TABLES);
    },
    [Symbol.dispose]: () => {},
  };
  using third = new Process(unreadable, storage);
  third.receive({ kind: "events", events: [], problems: [] });
  assertInSync(third.engine, kernel);
});

/** A kernel that rejects the first transaction. */
function rejectingFirst(kernel: FakeKernel): Kernel {
  let isFirst = true;
  return rejecting(kernel, ([operation]) => {
    if (!isFirst || operation === undefined) return undefined;
    isFirst = false;
    return [operation, 16];
  });
}

Deno.test("a rejected commit moves no position, is recorded, and its changes are in the next one", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  {
    using process = new Process(rejectingFirst(kernel), storage);
    process.list(WEB, PODS);
    assert.equal(process.engine.rejections, 1);
    assert.equal(process.engine.committedOffset, -1);
    assert.equal(elementsInPlace(process.engine.tables).size, 0);
    assert.match(process.warnings[0]!, /EBUSY.*The rules stay as they were/);
    perform(process.engine, process.ports, { kind: "sync" });
    assert.equal(process.engine.rejections, 0);
    assertInSync(process.engine, kernel);
  }
  const outcomes = [...readLedger(storage)].flatMap(({ record }) =>
    record.kind === "commit" ? [record.outcome] : []
  );
  assert.deepEqual(outcomes, ["rejected", "committed"]);
});

/** A kernel that rejects every element with a comment that contains `word`. */
function rejectingComment(kernel: FakeKernel, word: string): Kernel {
  return rejecting(kernel, (transaction) => {
    const bad = transaction.find((operation) =>
      operation.verb === "add" && operation.noun === "element" && operation.element.comment?.includes(word)
    );
    return bad && [bad, 22];
  });
}

Deno.test("a Service that the kernel rejects is set aside and named; all others are served, also after a restart", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  const bad = [1, 2, 3, 4, 5].flatMap((n) => [
    service(`shop/bad${n} 10.96.1.${n} http:80/tcp`),
    slice(`shop/bad${n}-a http:8080/tcp 10.244.2.${n}`),
  ]);
  const objects = [...bad.slice(0, 6), WEB, PODS, ...bad.slice(6)];
  const batch = { kind: "list", objects, complete: true, time: TIME, problems: [] } as const;
  {
    using process = new Process(rejectingComment(kernel, "bad"), storage);
    perform(process.engine, process.ports, { kind: "batch", batch });
    commitBatch(process.engine, process.ports);
    assertInSync(process.engine, kernel);
    assert.deepEqual(
      [...process.engine.cluster.aside.keys()].sort(),
      [1, 2, 3, 4, 5].map((n) => `shop/bad${n}`),
    );
    assert.ok(
      process.warnings.some((text) =>
        /^Service shop\/bad3 is set aside until it changes: .*EINVAL/.test(text)
      ),
    );
    assert.equal(process.reports.at(-1)!.aside, 5);
  }
  {
    using process = new Process(rejectingComment(kernel, "bad"), storage);
    process.receive({ kind: "events", events: [], problems: [] });
    assert.equal(process.engine.rejections, 0);
    assertInSync(process.engine, kernel);
  }
  using process = new Process(kernel, storage);
  const [changed] = [service("shop/bad3 10.96.1.33 http:80/tcp")];
  process.list(...objects.map((object) => object.metadata.name === "bad3" ? changed! : object));
  assertInSync(process.engine, kernel);
  assert.ok(
    lines(kernel.list(OUR_TABLES).elements).some((line) =>
      line.startsWith("ip single-endpoints 10.96.1.33 . tcp . 80 : ")
    ),
  );
  assert.equal(process.engine.cluster.aside.size, 4);
});

Deno.test("an element that another program deleted sets no Service aside", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  process.list(WEB, PODS);
  const set = "ip ledgerproxy endpoints" as never;
  const container = process.engine.cluster.tables[0]!.sets.find(({ name }) => name === "endpoints")!;
  const element = { key: "10.96.0.1 . tcp . 80 . 1" as never, value: "10.244.1.1 . 8080" };
  kernel.commit([{ verb: "delete", noun: "element", set, container, element }]);
  const objects = [WEB, slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.2")];
  const batch = { kind: "list", objects, complete: true, time: TIME, problems: [] } as const;
  perform(process.engine, process.ports, { kind: "batch", batch });
  commitBatch(process.engine, process.ports);
  assert.equal(process.engine.cluster.aside.size, 0);
  assertInSync(process.engine, kernel);
});

Deno.test("an address that goes to another Service makes a warning and is in the report; a first list moves none", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  const listed = { externalIPs: ["203.0.113.80"] };
  const young = service("shop/young 10.96.0.3 http:80/tcp", "2026-01-01T00:00:00Z", listed);
  const old = (spec = {}) => service("shop/old 10.96.0.4 http:80/tcp", "2024-01-01T00:00:00Z", spec);
  process.list(WEB, young, old());
  process.list(WEB, young, old({ externalIPs: ["203.0.113.80", "10.96.0.1"] }));
  const moved = { family: "ip", frontend: "203.0.113.80 . tcp . 80", from: "shop/young", to: "shop/old" };
  assert.deepEqual(process.reports.map(({ moved }) => moved), [[], [moved]]);
  assert.deepEqual(process.warnings, [
    "ip 10.96.0.1 . tcp . 80 is claimed by shop/old too: shop/web, whose cluster IP it is, has it",
    "ip 203.0.113.80 . tcp . 80 is claimed by shop/young too: shop/old, the oldest, has it",
    "ip 203.0.113.80 . tcp . 80: served shop/young until now, leads to shop/old from now on",
  ]);
  process.list(WEB, young);
  assert.deepEqual(process.reports.at(-1)!.moved, [{ ...moved, from: "shop/old", to: "shop/young" }]);
});

Deno.test("an address that moves in a rebuild makes a warning too: at a start, and when the configuration changes", () => {
  using kernel = new FakeKernel();
  const storage = memoryStorage();
  const young = service("shop/young 10.96.0.3 http:80/tcp", "2026-01-01T00:00:00Z", {
    externalIPs: ["203.0.113.80"],
  });
  const old = service("shop/old 10.96.0.4 http:80/tcp", "2024-01-01T00:00:00Z", {
    externalIPs: ["203.0.113.80"],
  });
  const configured = (process: Process, masqueradeBit: number) => {
    const proxy = {
      masqueradeBit,
      masqueradeAll: false,
      detectLocal: { mode: "NodeCIDR" },
      nodePortAddresses: [],
    };
    const records = [{ kind: "config", time: TIME, version: "0", nodeName: "node-a", proxy } as const];
    const first = process.ports.ledger.append(records as LedgerRecord[]);
    perform(process.engine, process.ports, { kind: "appended", first, records: records as LedgerRecord[] });
  };
  const moved = (process: Process) =>
    process.reports.flatMap(({ moved }) => moved).map(({ from, to }) => `${from} ${to}`);
  {
    using process = new Process(kernel, storage);
    process.list(young);
    configured(process, 3);
    process.list(young, old);
    assert.deepEqual(moved(process), ["shop/young shop/old"]);
  }
  // The tables are found as another version would have left them.
  kernel.commit([{
    verb: "add",
    noun: "chain",
    family: "ip",
    table: "ledgerproxy",
    chain: { name: "older" },
  }]);
  using process = new Process(kernel, storage);
  process.list(young);
  assert.deepEqual([process.reports[0]!.rebuilt, moved(process)], [true, ["shop/old shop/young"]]);
});

Deno.test("a part of a Service that is left out makes one warning, and so do source ranges that restrict nothing", () => {
  using kernel = new FakeKernel();
  using process = new Process(kernel, memoryStorage());
  const spec = { externalIPs: ["127.0.0.1"], loadBalancerSourceRanges: ["fd00::/8"] };
  const open = {
    ...service("shop/open 10.96.0.3 http:80/tcp", "2026-01-01T00:00:00Z", spec),
    status: { loadBalancer: { ingress: [{ ip: "203.0.113.80" }, { ip: "::1" }, { ip: "224.0.0.1" }] } },
  };
  process.list(open);
  process.list(open, PODS);
  const special = "is a loopback, unspecified, multicast or broadcast address: left out";
  assert.deepEqual(process.warnings, [
    `Service shop/open: external IP 127.0.0.1 ${special}; load balancer address 224.0.0.1 ${special}; ` +
    "none of its 1 loadBalancerSourceRanges is a readable CIDR of IPv4: 203.0.113.80 is open to all sources",
  ]);
});

Deno.test("each disagreement of kernel and ledger at a start has a name and a record, and ends in agreement", () => {
  const table = (family: "ip" | "ip6") =>
    ({ verb: "delete", noun: "table", family, table: "ledgerproxy" }) as const;
  const other = slice("shop/web-a http:8080/tcp 10.244.0.9");
  const cases: [string, string, (kernel: FakeKernel, storage: MemoryStorage) => MemoryStorage | void][] = [
    ["gone", "drift", (kernel) => void kernel.commit([table("ip"), table("ip6")])],
    ["half", "drift", (kernel) => void kernel.commit([table("ip6")])],
    ["foreign", "drift", () => {
      const strange = memoryStorage();
      using(new Process(new FakeKernel(), strange), (process) => process.list(WEB, PODS));
      return strange;
    }],
    ["ahead", "gap", (kernel, storage) => {
      const before = memoryStorage(storage.files);
      using(new Process(kernel, storage), (process) => process.list(WEB, other));
      return before;
    }],
    ["behind", "drift", (kernel, storage) => {
      const { tables, elements } = separated(kernel.list(OUR_TABLES));
      using(new Process(kernel, storage), (process) => process.list(WEB, other));
      kernel.commit([table("ip"), table("ip6")]);
      kernel.commit([
        ...tables.flatMap(createTable),
        ...elementOperations(diff(new Map(), elements), CONTAINERS),
      ]);
    }],
    ["altered", "drift", (kernel) => {
      const { elements } = separated(kernel.list(OUR_TABLES));
      const path = "ip ledgerproxy cluster-ips" as SetPath;
      const [element] = elements.get(path)!.values();
      kernel.commit([{
        verb: "delete",
        noun: "element",
        set: path,
        container: CONTAINERS.get(path)!,
        element: element!,
      }]);
    }],
  ];
  for (const [name, kind, disturb] of cases) {
    const kernel = new FakeKernel();
    const first = memoryStorage();
    using(new Process(kernel, first), (process) => process.list(WEB, PODS));
    const storage = disturb(kernel, first) ?? memoryStorage(first.files);
    using(new Process(kernel, storage), (process) => {
      assert.equal(process.warnings.length, 1, name);
      commitBatch(process.engine, process.ports);
      process.list(WEB, PODS);
      assertInSync(process.engine, kernel);
    });
    const recorded = [...readLedger(storage)].flatMap(({ record }) =>
      record.kind === "drift" || record.kind === "gap" ? [record] : []
    );
    assert.equal(recorded.length, 1, name);
    assert.equal(recorded[0]!.kind, kind, name);
    if (recorded[0]!.kind === "drift") assert.match(recorded[0]!.changes[0]!, new RegExp(`^${name}: `));
    using(
      new Process(kernel, storage),
      (process) => assert.deepEqual(process.warnings, [], `${name}, then nothing`),
    );
  }
});

function using<T extends Disposable>(resource: T, use: (resource: T) => void): void {
  using held = resource;
  use(held);
}
