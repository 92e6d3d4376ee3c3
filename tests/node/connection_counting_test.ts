// When counters are read: for a scrape, not too often, in pieces, and not at all where nothing counts. The real kernel is in
// tests/kernel/connection_counting_test.ts.

import assert from "node:assert/strict";
import type { CountedMap, CountedPart } from "../../src/kernel/element_counts.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { ERRNO, SystemError } from "../../src/kernel/system_error.ts";
import { canCount, ConnectionCounting, countedMaps } from "../../src/node/connection_counting.ts";
import { canonicalKey, type ElementCount, setPath } from "../../src/nft/ruleset.ts";
import { rejecting } from "../support/rejecting_kernel.ts";

const SLOTS = setPath("ip6", "ledgerproxy", "endpoints");

function count(key: string, packets: number, set = SLOTS): ElementCount {
  const element = { key: canonicalKey(key), value: "fd00::1 . 80", comment: "shop/web:http" };
  return { set, element, packets };
}

/** A kernel with these elements, and how often it was read. */
class Counters {
  readings = 0;
  open = 0;
  failures: string[] = [];
  notices: readonly ElementCount[] = [];
  isOn = true;
  now = 0;
  /** Called before each part. */
  meanwhile: () => void = () => {};
  readonly counting = new ConnectionCounting({
    isOn: () => this.isOn,
    now: () => this.now,
    open: () => {
      this.readings++;
      this.open++;
      return {
        waiting: Promise.resolve(),
        partsBeside: (map: CountedMap) => this.#parts(map),
        [Symbol.dispose]: () => void this.open--,
      };
    },
    failed: (reason) => this.failures.push(reason),
  });

  constructor(public elements: ElementCount[] | Error) {}

  *#parts({ path }: CountedMap): Generator<CountedPart | undefined, void, void> {
    if (this.elements instanceof Error) throw this.elements;
    const found = this.elements.filter(({ set }) => set === path);
    yield undefined;
    for (const one of found) {
      this.meanwhile();
      yield { counts: [one], interrupted: false };
    }
  }

  /** Begins with a monitor for which notices of deletions wait. */
  monitored(notices: readonly ElementCount[]): void {
    this.notices = notices;
    const receive = () => {
      const received = this.notices;
      this.notices = [];
      this.counting.deleted(received);
    };
    this.counting.begin({ receive }, false);
  }

  async served(): Promise<number | undefined> {
    return (await this.counting.series())?.services.get("shop/web")?.served;
  }
}

Deno.test("every map that ends the way of a packet is read, in both families", () => {
  const names = [...countedMaps().values()].map(({ definition }) => definition.name);
  assert.deepEqual(new Set(names).size, names.length / 2);
  assert.deepEqual([...new Set(names)].sort(), [
    ...["affinity-endpoints", "affinity-nodeport-endpoints", "endpoints", "local-endpoints"],
    ...["local-nodeport-endpoints", "no-endpoint-nodeports", "no-endpoint-services", "nodeport-endpoints"],
    ...["single-endpoints", "single-external-endpoints", "single-nodeport-endpoints"],
  ]);
});

Deno.test("a scrape reads the counters, scrapes at once after it share that reading, and nothing is read without one", async () => {
  const counters = new Counters([count("a", 3), count("b", 4)]);
  counters.counting.deleted([count("c", 1)]);
  assert.equal(counters.readings, 0);
  assert.deepEqual(await Promise.all([counters.served(), counters.served()]), [8, 8]);
  counters.elements = [count("a", 5)];
  assert.equal(await counters.served(), 8);
  counters.now = 999;
  assert.equal(await counters.served(), 8);
  assert.deepEqual([counters.readings, counters.open], [1, 0]);
  counters.now = 1000;
  assert.equal(await counters.served(), 10);
  assert.equal(counters.readings, 2);
});

Deno.test("after a reading that took long, the next one waits twenty times as long", async () => {
  const counters = new Counters([count("a", 3), count("b", 4)]);
  counters.meanwhile = () => counters.now += 100;
  await counters.served();
  counters.now = 4199;
  await counters.served();
  assert.equal(counters.readings, 1);
  counters.now = 4200;
  await counters.served();
  assert.equal(counters.readings, 2);
});

Deno.test("where nothing counts, nothing is read and no notice is looked at", async () => {
  const counters = new Counters([count("a", 3)]);
  counters.isOn = false;
  assert.equal(await counters.counting.series(), undefined);
  assert.equal(counters.counting.map("ip6", "endpoints"), undefined);
  assert.equal(counters.readings, 0);
  counters.isOn = true;
  assert.equal(counters.counting.map("ip6", "endpoints")?.path, SLOTS);
  assert.equal(counters.counting.map("ip6", "service-ips"), undefined);
});

Deno.test("notices that wait are taken before a part of a reading", async () => {
  const counters = new Counters([count("a", 3)]);
  counters.monitored([count("a", 5)]);
  assert.equal(await counters.served(), 5, "and not 8: the part is older than the notice");
});

Deno.test("a process that adopts the rules of another begins at 0", async () => {
  const counters = new Counters([count("a", 30)]);
  counters.counting.begin({ receive: () => {} }, true);
  assert.equal(await counters.served(), undefined);
  assert.equal(counters.readings, 1);
  counters.counting.deleted([count("a", 32)]);
  assert.equal(await counters.served(), 2);
});

Deno.test("without tables there is nothing to count; another failure is reported, and a scrape gets what is known", async () => {
  const absent = new Counters(new SystemError("netlink dump", ERRNO.ENOENT));
  assert.equal((await absent.counting.series())?.services.size, 0);
  assert.deepEqual([absent.failures, absent.open], [[], 0]);
  const broken = new Counters(new SystemError("netlink dump", ERRNO.EPERM));
  broken.counting.deleted([count("a", 2)]);
  assert.equal(await broken.served(), 2);
  assert.match(broken.failures.join(), /^netlink dump: .*EPERM/);
});

Deno.test("a kernel without counters in maps is found before rules are made that it rejects", () => {
  const inner = new FakeKernel();
  assert.equal(canCount(inner), true);
  const before = inner.generation();
  const without = rejecting(inner, (transaction) => {
    const bad = transaction.find((one) => one.noun === "set" && one.verb === "add" && "counter" in one.set);
    return bad && [bad, ERRNO.EOPNOTSUPP];
  });
  assert.equal(canCount(without), false);
  assert.equal(inner.generation(), before);
});

Deno.test("notices that wait when a batch without notices is committed are of changes before it", async () => {
  const counters = new Counters([count("a", 8)]);
  counters.monitored([]);
  assert.equal(await counters.served(), 8);
  // One commit replaces the element, and a large one replaces its successor.
  counters.notices = [count("a", 10)];
  counters.counting.unnoticed([{ verb: "delete", noun: "table", family: "ip6", table: "ledgerproxy" }]);
  counters.elements = [];
  assert.equal(await counters.served(), 10, "and not 18");
});

Deno.test("a reading that fails leaves in doubt what was in doubt", async () => {
  const counters = new Counters([count("a", 3)]);
  await counters.served();
  counters.counting.lost();
  counters.meanwhile = () => {
    throw new SystemError("netlink dump", ERRNO.EPERM);
  };
  counters.now = 1000;
  await counters.served();
  counters.elements = [];
  counters.now = 2000;
  assert.equal((await counters.counting.series())?.uncounted, 1);
});
