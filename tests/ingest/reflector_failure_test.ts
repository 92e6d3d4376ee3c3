// What follows a failed request: the same again, a list in place of a watch, and when. A script of answers goes in, and the clock
// is a number.

import assert from "node:assert/strict";
import { BOOKMARK, line, whole } from "../support/api_server.ts";
import {
  CIDRS,
  EXPIRED,
  list,
  NO_STREAMS,
  Run,
  SERVICES,
  START,
  watching,
} from "../support/reflector_run.ts";
import type { ReflectorState } from "../../src/ingest/reflector_state.ts";

Deno.test("where watches are rejected again and again, lists follow until one works", () => {
  const ways: ((run: Run) => void)[] = [
    (run) => run.head().bytes("null\n"),
    (run) => run.head().end(),
    (run) => run.answer({ kind: "Status", message: "Too large resource version", code: 504 }, 504),
  ];
  for (const way of ways) {
    const run = watching().pass(2000).end();
    for (let i = 0; i < 2; i++) {
      assert.equal(run.query["resourceVersion"], "10");
      way(run);
      run.pass(30_000);
    }
    assert.equal(run.query["sendInitialEvents"], "true");
    run.answer(NO_STREAMS, 422);
    for (let lists = 2; lists < 5; lists++) {
      assert.equal(run.query["limit"], "500");
      run.answer(list(["a"]));
      assert.equal(run.lists.length, lists);
      assert.equal(run.query["watch"], "1");
      way(run);
      run.pass(30_000);
    }
  }
  const worked = watching().pass(2000).end();
  for (let i = 0; i < 3; i++) {
    ways[0]!(worked);
    worked.pass(30_000).head().pass(2000).end();
    assert.equal(worked.query["resourceVersion"], "10", "a watch that worked in between");
  }
});

Deno.test("a version that a restored server does not have yet leads to a list, after an error and after silence", () => {
  const causes = [{ reason: "ResourceVersionTooLarge" }];
  const tooLarge = {
    kind: "Status",
    message: "too large",
    reason: "Timeout",
    code: 504,
    details: { causes },
  };
  const refused = watching().end().pass(2000).answer(tooLarge, 504).pass(2000);
  assert.equal(refused.query["sendInitialEvents"], "true");
  const silent = watching().pass(1000).end();
  for (let i = 0; i < 2; i++) {
    assert.equal(silent.pass(3000).query["resourceVersion"], "10");
    silent.head().pass(150_000);
  }
  assert.equal(silent.pass(3000).query["sendInitialEvents"], "true");
});

Deno.test("a server that lists and expires each watch from there is reported, though a version may expire now and then", () => {
  const run = watching();
  const reports = () => run.said.filter((text) => text.startsWith("!"));
  for (let expired = 1; expired < 6; expired++) {
    assert.equal(run.query["watch"], "1");
    run.answer(EXPIRED, 410);
    // The first list is asked for without a pause.
    if (expired > 1) run.pass(20_000);
    assert.deepEqual(
      reports(),
      expired < 3 ? [] : ["! Service: /api/v1/services: 410 Gone: too old; trying again"],
      `${expired} expired`,
    );
    if (run.query["sendInitialEvents"] === "true") run.answer(NO_STREAMS, 422);
    run.answer(list(["a"]));
  }
});

Deno.test("a list waits as long as the server asked, whatever happens in between", () => {
  const unavailable = { kind: "Status", message: "busy", reason: "ServiceUnavailable", code: 503 };
  // The body of the answer is cut, but its head has the Retry-After.
  const cut = new Run().start().head(503, "20");
  cut.input({ kind: "failed", problem: { reason: "cut", text: "reset" } }).pass(19_000);
  assert.equal(cut.queries.length, 1);
  assert.equal(cut.pass(2000).queries.length, 2);
  // The catch-up fails with Retry-After: the list that follows waits as well.
  const known = new Run().start({ known: "7" }).answer(unavailable, 503, "20").pass(19_000);
  assert.equal(known.queries.length, 1);
  // The watch goes on while the second list waits, and ends because its version is too old.
  const confirming = watching().input({ kind: "confirm", why: "a test" }).answer(unavailable, 503, "20");
  assert.equal(confirming.query["resourceVersion"], "10");
  confirming.answer(EXPIRED, 410).pass(15_000);
  assert.equal(confirming.queries.filter((query) => query["sendInitialEvents"] === "true").length, 1);
});

Deno.test("a version that has expired behind other answers is listed at once, and only then with pauses", () => {
  // A token that had expired, or rules of the server that refused for minutes: meanwhile etcd was compacted.
  const run = watching().pass(2000).end();
  for (const code of [401, 401, 403, 500, 429, 401, 401]) run.pass(30_000).answer({}, code);
  const requests = run.pass(30_000).queries.length;
  run.answer(EXPIRED, 410);
  assert.equal(run.queries.length, requests + 1, "the list is asked for without a pause");
  run.answer(NO_STREAMS, 422).answer(list(["a"]));
  assert.equal(run.query["watch"], "1");
  const again = run.queries.length;
  assert.equal(run.answer(EXPIRED, 410).queries.length, again, "the next list after a pause");
  assert.ok(run.pass(30_000).queries.length > again);
});

const REFUSED = { kind: "failed", problem: { reason: "unreachable", text: "refused" } } as const;
/** A watch that was cut, and `requests` after it to a server that is away. */
const away = (run: Run, requests = 10) => {
  run.pass(2000).input({ kind: "failed", problem: { reason: "cut", text: "reset" } });
  for (let i = 0; i < requests; i++) run.pass(30_000).input(REFUSED);
  return run;
};

Deno.test("the first failure that a server answers after an absence has the shortest pause, and they still grow", () => {
  // An API server that has started again does not have the versions of before, so each of its watches expires.
  const expired = away(watching()).pass(30_000).answer(EXPIRED, 410);
  assert.equal(expired.query["sendInitialEvents"], "true", "it is listed at once");
  for (const [code, retryAfter, pause] of [[503, "", 800], [403, "", 800], [429, "1", 1000]] as const) {
    const run = away(watching()).pass(30_000);
    const requests = run.queries.length;
    run.answer({}, code, retryAfter).pass(pause);
    assert.equal(run.queries.length, requests + 1, `${code}`);
  }
  // A request without an answer in between does not begin the count anew.
  const flapping = away(watching()).pass(30_000);
  for (const longest of [800, 1600, 3200, 6400, 12_800]) {
    const requests = flapping.answer({}, 429).queries.length;
    flapping.pass(longest / 2 - 1);
    assert.equal(flapping.queries.length, requests, `before ${longest / 2} ms`);
    flapping.pass(longest / 2 + 1).input(REFUSED).pass(800);
    assert.equal(flapping.queries.length, requests + 2);
  }
});

Deno.test("an answer to one resource ends the pauses of those that wait for the server, and of no others", () => {
  const peers: ReflectorState[] = [];
  const [first, waiting, throttled] = [1, 2, 3].map((seed) => {
    const run = new Run(SERVICES, {}, seed, peers).start().head();
    return run.bytes(line("ADDED", whole("a")), BOOKMARK);
  }) as [Run, Run, Run];
  away(first).pass(30_000);
  away(waiting);
  throttled.pass(2000).end().answer({}, 429, "100");
  const asked = [waiting.queries.length, throttled.queries.length];
  first.head(503);
  assert.ok(!first.said.includes("reached"), "a server that refuses everything may be starting");
  first.end().pass(30_000).head();
  assert.equal(first.said.at(-1), "reached");
  for (const run of [waiting, throttled]) run.input({ kind: "reached" });
  assert.deepEqual([waiting.queries.length, throttled.queries.length], [asked[0]! + 1, asked[1]]);
  // One that is refused all the same waits its pause, whatever the others have.
  waiting.input(REFUSED);
  for (let i = 0; i < 10; i++) waiting.input({ kind: "reached" });
  assert.equal(waiting.queries.length, asked[0]! + 1);
  waiting.pass(30_000).input(REFUSED).input({ kind: "reached" });
  assert.equal(waiting.queries.length, asked[0]! + 3);
  // Once all have an answer, no one waits.
  waiting.head();
  assert.equal(waiting.said.filter((text) => text === "reached").length, 0);
  assert.equal(waiting.input({ kind: "reached" }).queries.length, asked[0]! + 3, "a watch is open");
});

Deno.test("Retry-After counts as seconds and as a date, up to a limit", () => {
  const date = new Date(START + 20_000).toUTCString();
  const waits = [
    ["20", 20_000],
    [date, 20_000],
    ["100000", 120_000],
    ["soon", 0],
    ["-5", 0],
    ["1e3", 0],
    [
      "9".repeat(20),
      120_000,
    ],
    ["9".repeat(400), 120_000],
    ["Fri, 31 Dec 2999 23:59:59 GMT", 120_000],
  ] as const;
  for (const status of [429, 503]) {
    for (const [header, wait] of waits) {
      const run = watching().pass(2000).end().answer({}, status, header);
      run.pass(wait - 1 - (header === date ? 2000 : 0));
      assert.equal(run.queries.length, 2, `${status} ${header}`);
      assert.equal(run.pass(3000).queries.length, 3);
    }
  }
  const listing = new Run().start().answer({}, 503, "20");
  assert.equal(listing.pass(19_999).queries.length, 1, "no list in pages before that");
});

Deno.test("a server that ends each watch at once is reported, though each watch brings a change", () => {
  const run = watching().pass(2000).end();
  const brief = (from: number, count: number) => {
    for (let version = from; version < from + count; version++) {
      assert.equal(run.query["resourceVersion"], String(version));
      run.head().bytes(line("BOOKMARK", { metadata: { resourceVersion: String(version + 1) } })).end();
      run.pass(6400);
    }
  };
  const reports = () => run.said.filter((text) => text.startsWith("!"));
  brief(10, 10);
  assert.deepEqual(reports(), []);
  brief(20, 3);
  assert.deepEqual(reports(), [
    "! Service: each watch ends at once, and is begun again, so changes arrive up to a second late: " +
    "look at the API server's log, and for a proxy before it that cuts long answers",
  ]);
  run.head().pass(2000).end();
  brief(23, 10);
  assert.equal(reports().length, 1, "a watch that lasted begins the count anew");
});

Deno.test("no answer, however often repeated, leads to requests without pauses", () => {
  const bodies: Record<string, (run: Run) => void> = {
    "a bad line, then the end": (run) => run.head().bytes("null\n").end(),
    "an object that cannot be read": (run) =>
      run.head().bytes(line("ADDED", { ...whole("a"), spec: { ports: 1 } })).end(),
    "an old bookmark": (run) => run.head().bytes(line("BOOKMARK", { metadata: {} })).end(),
    "a whole list that ends": (run) => run.head().bytes(line("ADDED", whole("a")), BOOKMARK).end(),
    "a new version each time": (run) =>
      run.head().bytes(line("BOOKMARK", { metadata: { resourceVersion: String(run.queries.length) } })).end(),
    "an endless list": (run) => run.answer(list(["a"], { continue: String(run.queries.length) })),
    "expired": (run) => run.answer(EXPIRED, 410),
    "not found": (run) => run.answer("", 404),
    "a page without version": (run) => run.answer(list(["a"], { resourceVersion: "" })),
    "no connection": (run) =>
      run.input({ kind: "failed", problem: { reason: "unreachable", text: "refused" } }),
    "a cut": (run) => run.head().input({ kind: "failed", problem: { reason: "cut", text: "reset" } }),
  };
  for (const [what, answer] of Object.entries(bodies)) {
    for (const begin of [() => new Run().start(), () => watching(), () => new Run(CIDRS).start()]) {
      const run = begin();
      for (let second = 0; second < 600; second++) {
        for (let i = 0; i < 100 && run.state.phase.kind === "exchange"; i++) answer(run);
        run.pass(1000);
      }
      assert.ok(run.queries.length < 2000, `${what}: ${run.queries.length} requests in ten minutes`);
      const problems = run.said.filter((text) => text.startsWith("! Service: ") && text.endsWith("again"));
      assert.ok(problems.length <= 25, `${what}: ${problems.length} lines in ten minutes`);
    }
  }
});
