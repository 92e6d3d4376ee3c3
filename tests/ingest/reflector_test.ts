// The reflector without a driver: a script of answers goes in, requests and batches come out, and the clock is a number.

import assert from "node:assert/strict";
import { reflectorDeadline } from "../../src/ingest/reflector.ts";
import { statusOf } from "../../src/ingest/reflector_state.ts";
import { BOOKMARK, line, service, whole } from "../support/api_server.ts";
import {
  CIDRS,
  EXPIRED,
  list,
  NO_STREAMS,
  paged,
  Run,
  SERVICES,
  watching,
} from "../support/reflector_run.ts";

Deno.test("an answer that is not a list of the requested kind is reported and not applied", () => {
  const answers: readonly (readonly [unknown, string])[] = [
    [{ kind: "Status", apiVersion: "v1", message: "not ready", code: 503 }, "not ready"],
    [{ kind: "Status" }, "a Status without a message"],
    [
      { status: "ok" },
      'an object without a kind: {"status":"ok"} where a ServiceList of v1 was expected',
    ],
    [
      { kind: "APIResourceList", apiVersion: "v1", resources: [] },
      "APIResourceList of v1 where a ServiceList of v1 was expected",
    ],
    [{ ...list([]), kind: "NodeList" }, "NodeList of v1 where a ServiceList of v1 was expected"],
    [{ ...list([]), apiVersion: "v2" }, "ServiceList of v2 where a ServiceList of v1 was expected"],
    [{ ...list([]), items: null }, "a ServiceList whose items are null"],
    [{ ...list([]), items: undefined }, "a ServiceList whose items are missing"],
    [{ ...list([]), items: { a: 1 } }, 'a ServiceList whose items are an object without a kind: {"a":1}'],
    [list([], { continue: 5 }), "a ServiceList whose continue token is 5"],
    [{ ...list([]), metadata: null }, "a ServiceList whose metadata is null"],
    [list([], { remainingItemCount: "7" }), 'a ServiceList whose remainingItemCount is "7"'],
    [{ ...list([]), items: [5] }, "5 among the items of a ServiceList"],
    [{ ...list([]), items: [[]] }, "an array among the items of a ServiceList"],
    [
      { ...list([]), items: [{ kind: "Pod", apiVersion: "v1" }] },
      "Pod of v1 among the items of a ServiceList",
    ],
    ["null", "null where a ServiceList was expected"],
    ["[]", "an array where a ServiceList was expected"],
    ["5", "5 where a ServiceList was expected"],
    ["", "an empty answer where a list was expected"],
    ["<html><body>\nmaintenance", "an answer that is not JSON: <html><body> maintenance"],
    ['{"kind":"ServiceList","ite', 'an answer that is not JSON: {"kind":"ServiceList","ite'],
  ];
  for (const [body, problem] of answers) {
    const run = new Run().start().answer(NO_STREAMS, 422).answer(body);
    assert.deepEqual(run.said, [`! Service: ${problem}; trying again`]);
    assert.equal(statusOf(run.state).problem, `Service: ${problem}`);
    assert.equal(run.queries.length, 2, "it waits");
    assert.ok(run.pass(900).queries.length === 3, "it asks again");
    // The same answer to a streamed list leads to pages.
    const streamed = new Run().start().answer(typeof body === "string" ? `${body}\n` : body);
    assert.deepEqual([streamed.said, streamed.query["limit"]], [[], "500"]);
  }
});

Deno.test("a list with objects that have no name deletes nothing, and is asked for again until all have one", () => {
  const items = [service("b"), null, { metadata: null }, { metadata: { name: 5, namespace: "shop" } }];
  const problem = "Service without a name: metadata: expected object, found nothing, and 2 more";
  const run = watching().bytes(line("ERROR", EXPIRED)).answer(NO_STREAMS, 422).answer({ ...list([]), items });
  assert.deepEqual(run.said.slice(1), [
    `! ${problem}; the list deletes nothing, and another one is asked for`,
    "list: b",
  ]);
  assert.equal(run.lists.at(-1)?.complete, false);
  assert.equal(run.query["watch"], "1", "changes arrive meanwhile");
  assert.match(statusOf(run.state).problem, /without a name.*the list deletes nothing/);
  for (let lists = 2; lists < 6; lists++) {
    run.head().pass(2 ** lists * 1000).answer({ ...list([]), items });
    assert.equal(run.lists.length, lists + 1);
  }
  assert.ok(
    run.said.filter((text) => text.includes("without a name")).length < 3,
    "it is reported once a minute",
  );
  run.head().pass(32_000).answer(list(["b"]));
  assert.equal(run.lists.at(-1)?.complete, true);
  assert.equal(statusOf(run.state).reason, "");
});

Deno.test("an error answer that does not end is reported in time, and the request is repeated", () => {
  const reported = /^! Service: .*500 Internal Server Error.*; trying again$/;
  const flood = new Run().start().answer(NO_STREAMS, 422).head(500);
  flood.bytes("x".repeat(40_000), "x".repeat(40_000));
  assert.match(flood.said[0] ?? "", reported);
  assert.ok(flood.pass(900).queries.length === 3, "it asks again");
  const drip = new Run().start().answer(NO_STREAMS, 422).head(500);
  for (let second = 0; second < 40; second++) drip.bytes("x").pass(1000);
  assert.match(drip.said[0] ?? "", reported);
  const watch = watching().pass(1).bytes().end().pass(5000).head(500);
  for (let second = 0; second < 40; second++) watch.bytes("x").pass(1000);
  assert.match(watch.said.at(-1) ?? "", reported);
});

Deno.test("a wrong line of a watch is reported, and the next watch begins at the last version", () => {
  const lines: readonly (readonly [string, string])[] = [
    ['{"type":"BOOKMARK"}', "a watch event BOOKMARK whose object is missing"],
    ['{"type":"ERROR"}', "a watch event ERROR whose object is missing"],
    [
      '{"type":"ERROR","object":{"kind":"Pod","apiVersion":"v1"}}',
      "a watch event ERROR whose object is Pod of v1",
    ],
    ['{"type":"ADDED"}', "a watch event ADDED whose object is missing"],
    ['{"type":"MODIFIED","object":null}', "a watch event MODIFIED whose object is null"],
    ['{"type":"DELETED","object":[]}', "a watch event DELETED whose object is an array"],
    ["null", "null where a watch event was expected"],
    ["5", "5 where a watch event was expected"],
    ["[]", "an array where a watch event was expected"],
    ["{}", "an object without a kind: {} where a watch event was expected"],
    ['{"type":null,"object":{}}', "a watch event of type null"],
    ['{"type":"PATCHED","object":{}}', 'a watch event of type "PATCHED"'],
    ['{"kind":"Status","message":"boom","code":500}', "boom"],
    ['{"type":"ADDED","object":{"kind":"Status","message":"bang"}}', "bang"],
    [
      '{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1"}}',
      "a watch event ADDED with Pod of v1, expected a Service",
    ],
    [
      '{"type":"DELETED","object":{"kind":"Service","apiVersion":"v1"}}',
      "a watch event DELETED with Service of v1, which names no Service",
    ],
    [
      '{"type":"DELETED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"shop"}}}',
      "a watch event DELETED with Pod of v1, which names no Service",
    ],
    ["<html>", "a line that is not JSON: <html>"],
    [`${line("ADDED", whole("x")).trim()}<html>`, "a line that is not JSON: "],
  ];
  for (const [text, problem] of lines) {
    const run = watching().bytes(
      `${line("ADDED", whole("b", "11"))}${text}\n${line("ADDED", whole("c", "12"))}`,
    );
    assert.equal(run.said.length, 3, run.said.join("\n"));
    assert.deepEqual(run.said.slice(0, 2), ["list: a", "+b"], "the lines before it count");
    assert.ok(run.said[2]!.startsWith(`! Service: ${problem}`), run.said.join());
    assert.equal(run.pass(900).query["resourceVersion"], "11");
  }
});

Deno.test("bookmarks and lines without changes are accepted", () => {
  const bookmarks = [
    { kind: "Service", apiVersion: "v1" },
    { metadata: { resourceVersion: "" } },
    { metadata: { resourceVersion: "0" } },
    { metadata: { resourceVersion: 106 } },
    { metadata: null },
  ];
  for (const object of bookmarks) {
    const run = watching().bytes(`\n \r\n${line("BOOKMARK", object)}`).pass(5000).end();
    assert.deepEqual(run.said, ["list: a"]);
    assert.equal(run.query["resourceVersion"], "10", "the last version that is not empty");
  }
});

Deno.test("a deletion needs only the name of its object", () => {
  const metadata = { name: "a", namespace: "shop", resourceVersion: "11" };
  const objects = [
    { metadata },
    { kind: "Service", apiVersion: "v1", metadata, spec: { ports: "none" } },
    { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata },
  ];
  for (const object of objects) {
    assert.deepEqual(watching().bytes(line("DELETED", object)).said, ["list: a", "-a"]);
  }
});

Deno.test("a streamed list that changes while it arrives has the state of its end", () => {
  const bad = { ...whole("bad"), spec: { ports: "80" } };
  const run = new Run().start().head().bytes(
    line("ADDED", whole("a")),
    line("ADDED", whole("ghost")) + line("DELETED", whole("ghost")),
    line("ADDED", whole("back")) + line("DELETED", whole("back")) + line("ADDED", whole("back", "2")),
    line("MODIFIED", whole("a", "7")),
    line("ADDED", whole("broken")) + line("MODIFIED", { ...bad, metadata: whole("broken").metadata }),
    BOOKMARK,
  );
  const [batch] = run.lists;
  assert.deepEqual(
    batch!.objects.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]),
    [["a", "7"], ["back", "2"]],
  );
  assert.deepEqual(batch!.gone, [{ kind: "Service", namespace: "shop", name: "ghost" }]);
  assert.deepEqual(batch!.unread, [{ kind: "Service", namespace: "shop", name: "broken" }]);
  assert.deepEqual([batch!.complete, batch!.resourceVersion], [true, "10"]);
});

Deno.test("a deletion after a delivered part is in the whole list", () => {
  const names = Array.from({ length: 600 }, (_, i) => `s${i}`);
  const run = new Run().start({ inParts: true }).answer(NO_STREAMS, 422).head();
  run.bytes(...names.map((name) => line("ADDED", whole(name))), line("DELETED", whole("s7")), BOOKMARK);
  assert.deepEqual(run.lists.map(({ objects, fragment }) => [objects.length, fragment]), [
    [500, true],
    [599, undefined],
  ]);
  assert.deepEqual(run.lists[1]!.gone?.map(({ name }) => name), ["s7"]);
});

Deno.test("every list is one page, and a second list comes in pages", () => {
  const run = new Run().start({ inParts: true });
  assert.deepEqual([run.query["limit"], run.query["watch"]], [undefined, undefined]);
  run.answer(list(["a", "b"]));
  assert.deepEqual(run.said, ["list: a,b"]);
  assert.equal(run.query["resourceVersion"], "10", "it watches from there");
  run.input({ kind: "confirm", why: "much is missing" });
  assert.deepEqual([run.query["limit"], run.query["watch"]], ["400", undefined]);
  run.answer(list(["a", "b"])).head().bytes(line("ERROR", EXPIRED));
  assert.deepEqual(
    [run.query["limit"], run.query["watch"]],
    [undefined, undefined],
    "listed again, as before",
  );
  run.answer(list(["a", "c"]));
  assert.deepEqual(run.said.at(-1), "list: a,c");
  assert.equal(run.query["resourceVersion"], "10", "it watches from there");
  run.head().bytes(line("ERROR", EXPIRED)).pass(5000).answer(NO_STREAMS, 500);
  assert.equal(run.query["sendInitialEvents"], "true", "streamed where one page is refused");
});

Deno.test("a first list that is refused or invalid is streamed at once, one without an answer after a pause", () => {
  const refused: readonly (readonly [unknown, number])[] = [
    [NO_STREAMS, 422],
    [{ kind: "Status", message: "too large", code: 500 }, 500],
    ["<html>", 200],
    [{ ...list([]), kind: "NodeList" }, 200],
  ];
  for (const [body, code] of refused) {
    const run = new Run().start({ inParts: true }).answer(body, code);
    assert.deepEqual([run.said, run.query["sendInitialEvents"]], [[], "true"], JSON.stringify(body));
  }
  const throttled = new Run().start({ inParts: true }).answer({ kind: "Status", code: 429 }, 429, "5");
  assert.equal(throttled.queries.length, 1);
  const [first, second, ...more] = throttled.pass(7000).queries;
  assert.deepEqual([second, more], [first, []], "the same list again");
  const silent = new Run().start({ inParts: true }).pass(29_000);
  assert.equal(silent.queries.length, 1);
  assert.equal(silent.pass(3000).query["sendInitialEvents"], "true");
});

Deno.test("a list is streamed where the server was not reached before it, and later lists are one page again", () => {
  const run = new Run().start({ inParts: true });
  run.input({ kind: "failed", problem: { reason: "unreachable", text: "connection refused" } }).pass(2000);
  assert.equal(run.query["sendInitialEvents"], "true", "a server may break when it makes one page");
  run.head().bytes(line("ADDED", whole("a")), BOOKMARK, line("ERROR", EXPIRED)).pass(9000);
  assert.deepEqual(run.said.at(-1), "list: a");
  assert.deepEqual([run.query["limit"], run.query["watch"]], [undefined, undefined]);
  const refused = new Run().start({ inParts: true }).answer(NO_STREAMS, 422);
  refused.head().bytes(line("ADDED", whole("a")), BOOKMARK, line("ERROR", EXPIRED)).pass(9000);
  assert.equal(refused.query["sendInitialEvents"], "true", "one page is refused once");
});

Deno.test("a first list that never ends is given up with its size, and the list is streamed", () => {
  const run = new Run().start({ inParts: true }).head();
  const chunk = `{"items":[${" ".repeat(4_000_000)}`;
  for (let sent = 0; run.queries.length === 1 && sent < 100; sent++) run.bytes(chunk);
  assert.equal(run.query["sendInitialEvents"], "true");
  run.answer(NO_STREAMS, 422).answer({ kind: "Status", message: "no", code: 500 }, 500);
  assert.match(run.said.join(), /^! Service: .*no; trying again$/);
});

Deno.test("a page of another version, or an answer that is no page, begins the list again", () => {
  const second: readonly unknown[] = [
    list(["b"], { resourceVersion: "11" }),
    list(["b"], { resourceVersion: "" }),
    { kind: "Status", message: "etcd leader changed", code: 500 },
    {},
    "",
  ];
  for (const answer of second) {
    const run = paged({ continue: "next" }).answer(answer);
    assert.equal(run.lists.length, 0);
    assert.equal(run.query["continue"], "next");
    run.pass(900);
    assert.deepEqual([run.query["continue"], run.query["limit"]], [undefined, undefined], "in one page now");
    assert.deepEqual(run.answer(list(["a", "b"])).said.at(-1), "list: a,b");
  }
});

Deno.test("a continue token that is always expired leads at once to one list without a limit", () => {
  const run = paged({ continue: "next" }).answer(EXPIRED, 410);
  assert.deepEqual([run.query["continue"], run.query["limit"], run.at], [undefined, undefined, 0]);
  assert.deepEqual(run.answer(list(["a", "b"])).said, ["list: a,b"]);
});

Deno.test("endless pages are aborted; a few empty ones are accepted", () => {
  const run = paged({ continue: "0" });
  for (let i = 1; i <= 10; i++) run.answer(list([], { continue: String(i) }));
  assert.deepEqual(run.answer(list(["b"])).said, ["list: a,b"]);
  const endless = paged({ continue: "0" });
  for (let i = 1; i <= 10_000; i++) endless.pass(1000).answer(list(["a"], { continue: String(i) }));
  assert.match(endless.said.join("\n"), /pages without end: 1 object, and always one page more/);
  assert.equal(endless.lists.length, 0);
  const same = paged({ continue: "x" }).answer(list(["b"], { continue: "x" }));
  assert.match(same.said.join("\n"), /pages without end/);
});

Deno.test("after a list with an empty version the watch begins at once, and a list follows it", () => {
  for (const resourceVersion of ["", "0", 7, undefined]) {
    const run = paged({ resourceVersion });
    assert.deepEqual([run.query["watch"], run.query["resourceVersion"], run.at], ["1", undefined, 0]);
    run.head().bytes(line("ADDED", whole("a")), line("ADDED", whole("b", "12"))).pass(60_000).end();
    assert.deepEqual(run.said, ["list: a", "+a", "+b"]);
    assert.equal(run.query["watch"], undefined, "only a list has the changes that were missed");
    assert.equal(run.at, 60_000);
  }
  const renewed = paged({ resourceVersion: "" }).head(200, "", false).pass(30_000);
  assert.equal(renewed.query["watch"], undefined, "a renewed watch missed changes as well");
  const marked = paged({ resourceVersion: "" }).head();
  marked.bytes(line("BOOKMARK", { metadata: { resourceVersion: "20" } })).pass(60_000).end();
  assert.equal(
    marked.query["watch"],
    undefined,
    "what was deleted before the watch comes before its bookmark's version",
  );
});

Deno.test("a streamed list that does not end is listed in pages after 10 s", () => {
  const run = new Run().start().head().pass(9000).bytes(line("ADDED", whole("a")));
  // Changes of objects that are in the list already do not count as growth.
  for (let i = 0; i < 9; i++) run.pass(1100).bytes(line("MODIFIED", whole("a", String(20 + i))));
  assert.equal(run.queries.length, 1);
  run.pass(200);
  assert.deepEqual(run.query["limit"], "500");
  assert.match(run.said.join("\n"), /^! Service: no end of the streamed list within 10 s; listing in pages$/);
});

Deno.test("a second list is asked for in another way, and of the newest state", () => {
  const streamed = watching();
  streamed.input({ kind: "confirm", why: "a list without 12 of 14 known Services" });
  const { selectors } = SERVICES;
  assert.deepEqual(streamed.query, selectors, "no version, no limit, no watch");
  assert.equal(statusOf(streamed.state).reason, "unconfirmed");
  streamed.answer(list(["a"]));
  assert.deepEqual(streamed.lists.map(({ confirms }) => confirms), [false, true]);
  assert.equal(statusOf(streamed.state).problem, "");
  const unlimited = paged({ continue: "next" }).answer(EXPIRED, 410).answer(list(["a"]));
  unlimited.input({ kind: "confirm", why: "" });
  assert.equal(unlimited.query["limit"], "400", "after one page without a limit: in pages");
});

Deno.test("while second lists fail the watch goes on, and the report is repeated every three minutes", () => {
  const run = watching();
  run.input({ kind: "confirm", why: "a list without 12 of 14 known Services" });
  let watches = 0;
  for (let i = 0; i < 3600; i++) {
    if (run.query["watch"] === undefined) run.answer({ kind: "Status", message: "no", code: 500 }, 500);
    if (run.query["watch"] !== undefined && run.state.phase.kind === "exchange" && !run.state.phase.head) {
      assert.equal(run.query["resourceVersion"], "10");
      run.head();
      watches++;
    }
    run.pass(1000);
  }
  const said = run.said.filter((text) => text.includes("nothing is deleted"));
  assert.match(
    said[0]!,
    /^! Service: a list without 12 of 14 known Services; the second list failed, nothing/,
  );
  assert.ok(said.length >= 15 && said.length <= 21, `${said.length} times in an hour`);
  assert.ok(watches > 100);
  assert.equal(statusOf(run.state).reason, "unconfirmed");
  assert.equal(run.lists.length, 1);
});

Deno.test("lists that contradict each other again and again are retried with growing pauses", () => {
  const run = watching();
  const asked = () => run.queries.filter((query) => !("watch" in query)).length;
  for (let second = 0; second < 60; second++) {
    run.input({ kind: "confirm", why: "a test" });
    for (let i = 0; i < 10 && !("watch" in run.query); i++) run.answer(list(["b"]));
    if (run.state.phase.kind === "exchange" && run.state.phase.head === undefined) run.head();
    run.pass(1000);
  }
  assert.ok(asked() <= 12, `${asked()} lists in a minute`);
});

Deno.test("a watch that is cut after it worked is resumed, and gives only a `cut` effect", () => {
  const run = watching();
  for (let i = 0; i < 10; i++) {
    run.pass(20_000).input({ kind: "failed", problem: { reason: "cut", text: "reset by peer" } }).pass(900)
      .head();
  }
  assert.deepEqual(run.said, ["list: a", ...Array(10).fill("cut: reset by peer")]);
  assert.equal(run.queries.length, 11);
  assert.ok(run.queries.slice(1).every((query) => query["resourceVersion"] === "10"));
});

Deno.test("a watch on a connection of its own is renewed every 30 s without a report", () => {
  const run = new Run().start().head(200, "", false).bytes(line("ADDED", whole("a")), BOOKMARK);
  run.pass(29_999);
  assert.equal(run.queries.length, 1);
  run.pass(1);
  assert.deepEqual([run.query["resourceVersion"], run.query["timeoutSeconds"]], ["10", "24"]);
  run.head(200, "", false).pass(24_000).end();
  assert.deepEqual([run.queries.length, run.said], [3, ["list: a"]]);
});

Deno.test("the proxy goes on without a resource that the server does not have, and asks again later", () => {
  const run = new Run(CIDRS).start().answer("404 page not found", 404).answer("404 page not found", 404);
  assert.deepEqual(run.lists.map(({ objects, complete }) => [objects.length, complete]), [[0, false]]);
  assert.deepEqual([run.said, statusOf(run.state).problem], [["list: "], ""]);
  assert.equal(run.pass(149_999).queries.length, 2);
  assert.equal(run.pass(1).queries.length, 3);
  run.answer("", 404).answer("", 404);
  assert.deepEqual(run.said, ["list: "], "once");
  assert.match(
    new Run().start().answer("", 404).answer("", 404).said.join(),
    /404 Not Found: an empty answer/,
  );
});

Deno.test("the changes after a known version come first, and a list follows in any case", () => {
  const ways: ((run: Run) => void)[] = [
    (run) => run.head().bytes(line("ADDED", whole("late", "8"))).pass(250),
    (run) => run.head().bytes(line("ADDED", whole("late", "8"))).end(),
    (run) => run.answer(EXPIRED, 410),
    (run) => run.input({ kind: "failed", problem: { reason: "unreachable", text: "" } }),
    (run) => run.head().bytes("null\n"),
    (run) => run.pass(30_000),
  ];
  for (const way of ways) {
    const run = new Run().start({ known: "7" });
    assert.deepEqual([run.query["resourceVersion"], run.query["timeoutSeconds"]], ["7", "5"]);
    way(run);
    assert.equal(run.query["sendInitialEvents"], "true");
    assert.ok(run.said.every((text) => text === "+late"), run.said.join());
  }
});

Deno.test("equal seeds give equal pauses, other seeds give other pauses", () => {
  const pauses = (seed: number) => {
    const run = new Run(SERVICES, {}, seed).start();
    return Array.from({ length: 8 }, () => {
      run.input({ kind: "failed", problem: { reason: "unreachable", text: "refused" } });
      const wait = reflectorDeadline(run.state)! - run.at;
      run.pass(wait);
      return wait;
    });
  };
  assert.deepEqual(pauses(5), pauses(5));
  assert.notDeepEqual(pauses(5), pauses(6));
  const [first, ...others] = pauses(5);
  assert.ok(first! >= 400 && first! <= 800);
  assert.ok(others.every((wait) => wait >= 400 && wait <= 30_000));
});

Deno.test("time that a batch waits for the ledger does not count as silence", () => {
  const run = watching(["a"], { idleMilliseconds: 1000 });
  run.at += 5000;
  run.input({ kind: "taken" }).pass(999);
  assert.equal(run.queries.length, 1);
  run.pass(1);
  assert.match(run.said.at(-1)!, /nothing came for 1 s/);
});
