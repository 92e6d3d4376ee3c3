// Sums of what elements count: each connection once, in one series, whatever the order in which readings and deletions come.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ConnectionTally } from "../../src/serve/connection_tally.ts";
import { canonicalKey, type ElementCount, setPath } from "../../src/nft/ruleset.ts";
import type { Transaction } from "../../src/nft/transaction.ts";

const SLOTS = setPath("ip", "ledgerproxy", "endpoints");
const REFUSALS = setPath("ip", "ledgerproxy", "no-endpoint-services");

const newTally = () => new ConnectionTally((map) => map === REFUSALS ? "refused" : "served");

function count(key: string, packets: number, comment = "shop/web:http", set = SLOTS): ElementCount {
  return { set, element: { key: canonicalKey(key), value: "10.244.0.1 . 8080", comment }, packets };
}

/** A reading of one map, in these parts. */
function read(tally: ConnectionTally, ...parts: readonly ElementCount[][]): void {
  const set = parts[0]?.[0]?.set ?? SLOTS;
  tally.beginMap(set);
  for (const part of parts) tally.take(part);
  tally.endMap(true);
  tally.endReading();
}

const served = (tally: ConnectionTally, service = "shop/web") => tally.series().services.get(service)?.served;

Deno.test("a reading adds what elements have counted since the one before", () => {
  const tally = newTally();
  read(tally, [count("a", 3), count("b", 1)], [count("c", 1, "shop/web:https")]);
  assert.equal(served(tally), 5);
  read(tally, [count("a", 4), count("b", 1)]);
  assert.equal(served(tally), 6);
  read(tally, [count("f", 2, "shop/web:http", REFUSALS)]);
  assert.deepEqual(tally.series().services.get("shop/web"), { served: 6, refused: 2 });
});

Deno.test("what a deleted element had counted is added, and its successor begins at 0", () => {
  const tally = newTally();
  tally.deleted([count("never read", 2)]);
  read(tally, [count("a", 3)]);
  tally.deleted([count("a", 5)]);
  read(tally, [count("a", 4)]);
  assert.equal(served(tally), 2 + 5 + 4);
  assert.equal(tally.series().uncounted, 0);
});

Deno.test("a part that was on its way when an element was deleted does not bring it back", () => {
  const tally = newTally();
  read(tally, [count("a", 3)]);
  tally.beginMap(SLOTS);
  tally.deleted([count("a", 5)]);
  tally.take([count("a", 4), count("b", 1)]);
  tally.endMap(true);
  assert.equal(served(tally), 6);
});

Deno.test("without a notice, what was counted since the last reading is lost, and the element counts as such", () => {
  const tally = newTally();
  const remove = (key: string): Transaction => [{
    verb: "delete",
    noun: "element",
    set: SLOTS,
    container: { kind: "map", name: "endpoints", key: ["slot"], value: ["ipv4_addr"] },
    element: { key: canonicalKey(key) },
  }];
  read(tally, [count("a", 3), count("b", 7)]);
  tally.unnoticed(remove("a"));
  read(tally, [count("a", 9)]);
  assert.deepEqual([served(tally), tally.series().uncounted], [19, 1]);
  tally.unnoticed([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  read(tally, [count("a", 2)]);
  assert.deepEqual([served(tally), tally.series().uncounted], [21, 3]);
});

Deno.test("a map that is deleted loses what its elements have counted since the last reading, and begins at 0", () => {
  const tally = newTally();
  read(tally, [count("a", 3), count("b", 7)]);
  tally.mapDeleted(SLOTS);
  read(tally, [count("a", 9)]);
  assert.deepEqual([served(tally), tally.series().uncounted], [19, 2]);
});

Deno.test("what an element had counted when another program added it is none of its connections", () => {
  const tally = newTally();
  read(tally, [count("a", 4)]);
  tally.mapDeleted(SLOTS);
  tally.added([count("a", 4), count("b", 0)]);
  read(tally, [count("a", 6), count("b", 1)]);
  assert.equal(served(tally), 4 + 2 + 1);
});

Deno.test("where the kernel dropped notices, a whole reading shows which elements are gone; one that is not whole does not", () => {
  const tally = newTally();
  read(tally, [count("a", 3), count("b", 7)]);
  tally.missed();
  tally.beginMap(SLOTS);
  tally.take([count("b", 8)]);
  tally.endMap(false);
  assert.equal(tally.series().uncounted, 0);
  read(tally, [count("b", 8)]);
  assert.deepEqual([served(tally), tally.series().uncounted], [11, 1]);
  read(tally, [count("a", 2), count("b", 1)]);
  assert.deepEqual([served(tally), tally.series().uncounted], [14, 2], "b was replaced, and no notice came");
});

Deno.test("what elements had counted before this process is not in its sums", () => {
  const tally = newTally();
  tally.beginAfterOther();
  tally.deleted([count("gone", 100)]);
  read(tally, [count("a", 50)]);
  read(tally, [count("a", 53)]);
  assert.equal(served(tally), 3);
});

Deno.test("what elements had counted before this process is not in its sums where the first reading lacks some of them", () => {
  const tally = newTally();
  tally.beginAfterOther();
  tally.beginMap(SLOTS);
  tally.take([count("a", 50)]);
  tally.endMap(false);
  tally.endReading();
  read(tally, [count("a", 53), count("b", 1000)]);
  assert.equal(served(tally), 3, "b was there before");
  read(tally, [count("a", 53), count("b", 1001), count("c", 2)]);
  assert.equal(served(tally), 6);
});

Deno.test("a reading that ends early leaves in doubt what was in doubt", () => {
  const tally = newTally();
  read(tally, [count("a", 3), count("b", 7)]);
  tally.missed();
  tally.beginMap(SLOTS);
  tally.endMap(false);
  read(tally, [count("b", 7)]);
  assert.equal(tally.series().uncounted, 1);
});

Deno.test("a Service that is gone is forgotten after some scrapes, though it was the busiest", () => {
  const tally = newTally();
  read(tally, [count("a", 9, "shop/a"), count("b", 5, "shop/b")]);
  tally.deleted([count("a", 10, "shop/a")]);
  const names = () => [...tally.series(1).services].map(([name, { served }]) => `${name} ${served}`).join();
  assert.equal(names(), "shop/a 10");
  let scrapes = 1;
  while (names() !== "shop/b 0") assert.ok(scrapes++ < 100, "shop/a keeps its place for ever");
  assert.ok(scrapes > 10, `${scrapes} scrapes`);
  read(tally, [count("a", 2, "shop/a"), count("b", 30, "shop/b")]);
  assert.equal(names(), "shop/b 25", "its first five are in the sum of the others");
});

Deno.test("a Service that comes back continues its series: one that began at 0 and passed its old end would hide connections", () => {
  const tally = newTally();
  read(tally, [count("a", 5, "shop/a")]);
  assert.equal(tally.series(1).services.get("shop/a")?.served, 5);
  tally.deleted([count("a", 5, "shop/a")]);
  read(tally, [count("b", 6, "shop/b")]);
  assert.equal(tally.series(1).services.get("shop/a"), undefined);
  read(tally, [count("a", 7, "shop/a"), count("b", 6, "shop/b")]);
  assert.equal(tally.series(1).services.get("shop/a")?.served, 12);
});

Deno.test("the busiest have series of their own, all others one sum; a Service that is gone stays while it is among them", () => {
  const tally = newTally();
  read(tally, [
    count("a", 9, "shop/a"),
    count("b", 5, "shop/b"),
    count("c", 1, "shop/c"),
    count("d", 0, "shop/d"),
  ]);
  const series = () => {
    const { services, others } = tally.series(2);
    return [...[...services].map(([name, { served }]) => `${name} ${served}`), others.served].join();
  };
  assert.equal(series(), "shop/a 9,shop/b 5,1");
  tally.deleted([count("b", 6, "shop/b")]);
  assert.equal(series(), "shop/a 9,shop/b 6,1");
  read(tally, [count("c", 20, "shop/c")]);
  assert.equal(series(), "shop/c 19,shop/a 9,1", "its first connection stays where it was");
});

/** What Prometheus computes of scrapes: a series that falls has begun again. */
class Increase {
  readonly #last = new Map<string, number>();
  sum = 0;

  scrape(tally: ConnectionTally): void {
    const { services, others } = tally.series(2);
    for (const [name, { served }] of [...services, ["others", others] as const]) {
      const last = this.#last.get(name) ?? 0;
      this.sum += served < last ? served : served - last;
      this.#last.set(name, served);
    }
  }
}

Deno.test("property: the increases of all series are the connections, each once, however the busiest change", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    packets: fc.nat(5),
    replaced: fc.boolean(),
    read: fc.boolean(),
    scraped: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const tally = newTally();
    const increase = new Increase();
    const kernel = new Map<string, number>();
    let sent = 0;
    const readAll = () =>
      read(tally, [...kernel].map(([key, packets]) => count(key, packets, `shop/${key}`)));
    for (const { key, packets, replaced, read: reads, scraped } of steps) {
      kernel.set(key, (kernel.get(key) ?? 0) + packets);
      sent += packets;
      if (replaced) {
        tally.deleted([count(key, kernel.get(key)!, `shop/${key}`)]);
        kernel.set(key, 0);
      }
      if (reads) readAll();
      if (scraped) increase.scrape(tally);
      assert.ok(increase.sum <= sent);
    }
    readAll();
    increase.scrape(tally);
    assert.equal(increase.sum, sent);
    assert.equal(tally.series(2).uncounted, 0);
  }));
});
