// The API source with a server that misbehaves on purpose: pages, streamed lists, watches that hang, break off or have wrong
// lines, versions that are too old. tests/cluster does the same with a real kube-apiserver.

import assert from "node:assert/strict";
import { apiSource, type ApiSourceTimes } from "../../src/ingest/api_source.ts";
import { resources } from "../../src/ingest/resources.ts";
import { isPart } from "../../src/ingest/source.ts";
import { type Answer, BOOKMARK, line, page, Server, status, stream, whole } from "../support/api_server.ts";
import { Follower } from "../support/follower.ts";
import { until } from "../support/until.ts";

/** No answer is idle on a busy machine, except where a test is about that. */
const TIMES: ApiSourceTimes = {
  idleMilliseconds: 60_000,
  catchUpMilliseconds: 50,
  backoffMilliseconds: 10,
  backoffMaxMilliseconds: 50,
};
/** Longer than a busy machine keeps a client off the CPU. */
const SOON_IDLE = { ...TIMES, idleMilliseconds: 1500 };

async function follow(
  services: Answer,
  finished: (said: string[], calls: number) => boolean,
  times = TIMES,
) {
  await using server = new Server(services);
  const source = apiSource(server.client(), "node-a", false, times);
  await using follower = new Follower(source);
  const said = () =>
    follower.said().filter((text) => !/^list (Node|ServiceCIDR|EndpointSlice): $/.test(text));
  await until("the source has said it", () => finished(said(), server.calls.length));
  return { said: said(), calls: server.calls, status: source.status() };
}

const initial = stream.bind(null, [line("ADDED", whole("a")), BOOKMARK]);

Deno.test("first come all objects, streamed; then changes come as they happen", async () => {
  const { said, calls, status } = await follow(
    () =>
      stream([
        line("ADDED", whole("a")),
        BOOKMARK,
        line("ADDED", whole("b", "11")) + line("MODIFIED", whole("a", "12")),
        line("DELETED", whole("b", "13")),
      ], true),
    (said) => said.includes("-b"),
  );
  assert.deepEqual(said, ["list Service: a", "+b", "+a", "-b"]);
  assert.equal(calls.length, 1);
  assert.equal(calls[0]!.get("labelSelector"), "!service.kubernetes.io/service-proxy-name");
  const named = resources("node-a", "blue").map(({ selectors }) => selectors["labelSelector"]);
  assert.equal(named.at(-1), "service.kubernetes.io/service-proxy-name=blue");
  assert.equal(calls[0]!.get("fieldSelector"), "spec.clusterIP!=None");
  assert.equal(calls[0]!.get("sendInitialEvents"), "true");
  assert.ok(status.every(({ listed, problem, receivedAt }) => listed && problem === "" && receivedAt > 0));
});

Deno.test("the first list is delivered in parts while it is read, slices before their Services", async () => {
  const names = Array.from({ length: 1200 }, (_, i) => `s${i}`);
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "s0-a", namespace: "shop", labels: { "kubernetes.io/service-name": "s0" } },
    addressType: "IPv4",
    ports: [],
    endpoints: [],
  };
  await using server = new Server(
    () => stream([...names.map((name) => line("ADDED", whole(name))), BOOKMARK], true),
    (path) => stream(path.endsWith("/endpointslices") ? [line("ADDED", slice), BOOKMARK] : [BOOKMARK], true),
  );
  const follower = new Follower(apiSource(server.client(), "node-a", false, TIMES));
  await using _stopped = follower;
  const lists = () => follower.batches.filter((batch) => batch.kind === "list");
  await until("all lists were delivered", () => lists().some((list) => !isPart(list)));
  assert.deepEqual(
    lists().map(({ kinds, objects, complete, part }) => [kinds![0], objects.length, complete, part === true]),
    [
      ["Node", 0, true, true],
      ["ServiceCIDR", 0, true, true],
      ["EndpointSlice", 1, true, true],
      ["Service", 500, false, true],
      ["Service", 500, false, true],
      ["Service", 1200, true, false],
    ],
  );
});

Deno.test("a server that cannot stream lists is asked for pages, and an expired page leads to one without a limit", async () => {
  const { said, calls } = await follow((query) => {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return undefined;
    if (query.has("continue")) return status(410, "Expired");
    return query.has("limit") ? page(["a"], { continue: "more" }) : page(["a", "b"]);
  }, (_, calls) => calls >= 5);
  assert.deepEqual(said, ["list Service: a,b"], "one list, and no reports");
  assert.equal(calls[1]!.get("limit"), "500");
  assert.equal(calls[3]!.has("limit"), false);
  assert.equal(calls[4]!.get("resourceVersion"), "5");
});

Deno.test("a watch that ends is resumed from the last version, without events for unchanged objects", async () => {
  const { said, calls } = await follow((query, call) => {
    if (call === 1) {
      return stream([line("ADDED", whole("a")), BOOKMARK, line("ADDED", whole("b", "11"))], false);
    }
    if (call === 2) {
      return stream([line("BOOKMARK", { metadata: { resourceVersion: "20" } })], false);
    }
    assert.equal(query.get("resourceVersion"), "20");
    return undefined;
  }, (_, calls) => calls >= 3);
  assert.deepEqual(said.slice(1), ["+b"]);
  assert.equal(calls[1]!.get("resourceVersion"), "11");
});

Deno.test("a caller with a known version receives the changes after it first, and then the list", async () => {
  for (const remembers of [true, false]) {
    await using server = new Server((query, call) => {
      if (call > 1) return initial(true);
      assert.equal(query.get("resourceVersion"), "7");
      assert.equal(query.get("timeoutSeconds"), "5", "a busy resource must be listed too");
      assert.equal(query.has("sendInitialEvents"), false);
      return remembers ? stream([line("ADDED", whole("late", "8"))], true) : status(410, "Expired");
    });
    const times = { ...TIMES, catchUpMilliseconds: 2000 };
    const source = apiSource(server.client(), "node-a", false, times);
    await using follower = new Follower(source, new Map([["Service", "7"]]));
    const said = () => follower.said().filter((text) => /^list Service:|late/.test(text));
    await until("it was listed", () => said().some((text) => text.startsWith("list")));
    assert.deepEqual(said(), [...remembers ? ["+late"] : [], "list Service: a"]);
    await until("it is watched", () => source.status().every(({ listed }) => listed));
  }
});

Deno.test("a version that is too old leads to a new list, after an error answer and after an error event", async () => {
  const { said } = await follow((_, call) => {
    if (call === 1 || call === 4) {
      return stream([line("ADDED", whole(call === 1 ? "a" : "d", "9")), BOOKMARK], false);
    }
    if (call === 2) return status(410, "Gone");
    if (call === 3) {
      return stream([
        line("ADDED", whole("c")),
        BOOKMARK,
        line("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" }),
      ], true);
    }
    return undefined;
  }, (said) => said.length >= 3);
  assert.deepEqual(said.map((text) => text.split(": ")[1]), ["a", "c", "d"]);
  assert.equal(said[1], "list Service: c", "only the new list");
});

Deno.test("a silent watch is replaced after its idle limit, and the status reports it", async () => {
  let asked = 0;
  const { said } = await follow(
    (query, call) => {
      asked = call;
      if (call === 1) return initial(true);
      assert.equal(query.get("resourceVersion"), "10");
      return call === 2 ? stream([line("ADDED", whole("late", "11"))], true) : undefined;
    },
    (said) => said.includes("+late"),
    SOON_IDLE,
  );
  assert.equal(asked >= 2, true);
  assert.ok(said.includes("! Service: nothing came for 1.5 s; trying again"), said.join("\n"));
});

Deno.test("a request without an answer, or whose page stops in the middle, fails after the idle limit", async () => {
  const answers = [
    () => new Promise<Response>((resolve) => setTimeout(() => resolve(status(500, "TooLate")), 3000)),
    () => stream(['{"items":['], true),
    () => initial(true),
  ];
  const { said, calls } = await follow(
    (_, call) => answers[call - 1]?.(),
    (said) => said.some((text) => text.startsWith("list ")),
    SOON_IDLE,
  );
  assert.ok(said.includes("! Service: nothing came for 1.5 s; trying again"), said.join("\n"));
  assert.ok(said.some((text) => /^list .*Service.*: a$/.test(text)));
  assert.ok(calls.length >= 3, "both requests failed and were retried");
});

Deno.test("a cut line, a line that is not JSON and an event of unknown type are reported once and retried", async () => {
  const answers = [
    () => initial(false),
    () => stream(["<html>\n"], false),
    () => stream([line("ADDED", whole("b", "11")), '{"type":"ADDED","obj'], false),
    () => stream([line("EXPLODED", whole("c", "12"))], false),
    () => status(500, "InternalError"),
    // The second refusal in a row leads to a list.
    () => stream([line("ADDED", whole("a")), BOOKMARK, line("ADDED", whole("d", "13"))], true),
  ];
  const { said } = await follow((_, call) => answers[call - 1]?.(), (said) => said.includes("+d"));
  assert.deepEqual(said.slice(1).map((text) => text.replace(/not JSON: .*;/, "not JSON;")), [
    "! Service: a line that is not JSON; trying again",
    "+b",
    "! Service: the stream ended in the middle of a line; trying again",
    '! Service: a watch event of type "EXPLODED"; trying again',
    "! Service: /api/v1/services: 500 Internal Server Error: InternalError for a test; trying again",
    "list Service: a",
    "+d",
  ]);
});

Deno.test("an object that cannot be decoded is reported, and its known value stays", async () => {
  const bad = { ...whole("a", "11"), spec: { clusterIP: "10.96.0.1", ports: "80" } };
  const { said } = await follow(
    () =>
      stream(
        [line("ADDED", whole("a")), BOOKMARK, line("MODIFIED", bad), line("ADDED", whole("b", "12"))],
        true,
      ),
    (said) => said.includes("+b"),
  );
  assert.ok(said.some((text) => /^! Service "shop\/a": spec\.ports: .*; it stays as it was$/.test(text)));
  assert.equal(said.at(-1), "+b");
});

Deno.test("without permission to list ServiceCIDRs the proxy goes on without them", async () => {
  await using server = new Server(
    () => initial(true),
    (path) => path.endsWith("/servicecidrs") ? status(403, "Forbidden") : stream([BOOKMARK], true),
  );
  await using follower = new Follower(
    apiSource(server.client(), "node-a", false, TIMES),
  );
  const lists = () => follower.batches.filter((batch) => batch.kind === "list");
  await until("all lists were delivered", () => lists().some((list) => !isPart(list)));
  const [cidrs, ...others] = lists().sort(({ complete }) => complete ? 1 : -1);
  assert.deepEqual([cidrs!.kinds, cidrs!.complete], [["ServiceCIDR"], false], "the known ones stay");
  assert.ok(others.every(({ complete }) => complete), "the other lists are complete");
  assert.match(
    cidrs!.problems.join(),
    /^ServiceCIDR: .*403 Forbidden: Forbidden for a test; going on without$/,
  );
});

for (const [kind, code] of [["Node", 403], ["Node", 500], ["ServiceCIDR", 500]] as const) {
  Deno.test(`with a server that answers ${code} for ${kind}, Services are listed and ${kind} is listed again`, async () => {
    let mended = false;
    const path = `/${kind.toLowerCase()}s`;
    await using server = new Server(
      () => initial(true),
      (asked, query) => {
        if (asked.endsWith(path) && !mended) return status(code, "Refused");
        // An answer in pages that never ends would be waited for.
        return query.has("watch") ? stream([BOOKMARK], true) : status(422, "Invalid");
      },
    );
    await using follower = new Follower(
      apiSource(server.client(), "node-a", false, {
        ...TIMES,
        awaitMilliseconds: 100,
        // What is refused is not waited for that long.
        missMilliseconds: code === 403 ? 60_000 : 200,
      }),
    );
    const lists = () => follower.batches.filter((batch) => batch.kind === "list");
    await until("the Services are whole", () => lists().some((list) => !isPart(list)));
    const ours = () => lists().filter(({ kinds }) => kinds?.includes(kind));
    assert.deepEqual(ours().map(({ complete, objects }) => [complete, objects]), [[false, []]]);
    assert.match(
      ours()[0]!.problems.join(),
      new RegExp(`^${kind}: .*${code === 403 ? 403 : "not listed yet"}.*; going on without$`),
    );
    mended = true;
    await until("it is listed", () => ours().at(-1)!.complete);
  });
}

Deno.test("a server that expires or ends each watch at once is asked again only after a pause", async () => {
  const answers: Record<string, () => Response> = {
    forgets: () => status(410, "Gone"),
    ends: () => stream([], false),
    "forgets lists": () => status(410, "Expired"),
  };
  for (const [what, answer] of Object.entries(answers)) {
    let calls = 0;
    await using server = new Server((query) => {
      calls++;
      return query.has("sendInitialEvents") && what !== "forgets lists" ? initial(false) : answer();
    });
    const times = {
      ...TIMES,
      backoffMilliseconds: 50,
      backoffMaxMilliseconds: 60_000,
    };
    await using follower = new Follower(apiSource(server.client(), "node-a", false, times));
    await until(`${what}: it was asked a few times`, () => calls >= 4);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(calls < 30, `${what}: ${calls} calls`);
    assert.ok(follower.batches.length < 30);
  }
});

Deno.test("endless answers are aborted, and need no more memory than their limit", async () => {
  let sent = 0;
  /** An endless body: one line, or one page. */
  const endless = (head: string) =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(head)),
        pull(controller) {
          controller.enqueue(new Uint8Array(1 << 20).fill(0x61));
          sent += 1 << 20;
        },
      }),
    );
  await using server = new Server((query) => {
    if (query.get("sendInitialEvents")) return status(400, "BadRequest");
    return query.get("watch") ? endless('{"type":"ADDED","object":"') : page(["a"]);
  });
  await using follower = new Follower(apiSource(server.client(), "node-a", false, TIMES));
  await until(
    "the endless line is aborted",
    () => follower.said().some((text) => /^! Service: a line of more than 16777216 bytes/.test(text)),
  );
  assert.ok(follower.said().some((text) => text.startsWith("list ")), "the list is served");
  assert.ok(sent < 256 << 20, `${sent} bytes were taken`);
});

/** A server without streamed lists, which answers each list after the first with `later`, and each watch with 410. */
const forgetful = (later: () => Response, first = () => page(["a", "b"])): Answer => {
  let lists = 0;
  return (query) => {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return status(410, "Expired");
    return lists++ === 0 ? first() : later();
  };
};

Deno.test("an answer with status 200 that is no list of Services deletes none, and is reported", async () => {
  const answers: Record<string, [() => Response, RegExp]> = {
    "a Status": [
      () => Response.json({ kind: "Status", message: "not ready", code: 503 }),
      /: not ready; trying/,
    ],
    "other JSON": [() => Response.json({ status: "ok" }), /\{"status":"ok"\} where a ServiceList/],
    "another list": [
      () => Response.json({ kind: "NodeList", apiVersion: "v1", items: [] }),
      /NodeList of v1 where a ServiceList/,
    ],
    "no items": [
      () => Response.json({ kind: "ServiceList", apiVersion: "v1", metadata: {} }),
      /a ServiceList whose items are missing/,
    ],
    "null": [() => Response.json(null), /null where a ServiceList/],
    "an array": [() => Response.json([]), /an array where a ServiceList/],
    "a web page": [() => new Response("<html>maintenance</html>"), /not JSON: <html>maintenance/],
    "nothing": [() => new Response(""), /an empty answer where a list/],
  };
  for (const [what, [answer, problem]] of Object.entries(answers)) {
    const { said, status } = await follow(
      forgetful(answer),
      (said) => said.some((text) => problem.test(text)),
    );
    assert.deepEqual(said.filter((text) => text.startsWith("list")), ["list Service: a,b"], what);
    assert.ok(status.find(({ kind }) => kind === "Service")!.problem !== "", what);
  }
});

Deno.test("a second page that is wrong, or of another version, leaves no object out", async () => {
  const seconds: (() => Response)[] = [
    () => Response.json({ kind: "Status", message: "etcd leader changed", code: 500 }),
    () => Response.json({}),
    () => page(["b"], { resourceVersion: "6" }),
    () => status(500, "InternalError"),
  ];
  for (const second of seconds) {
    const { said } = await follow((query) => {
      if (query.has("sendInitialEvents")) return status(422, "Invalid");
      if (query.has("watch")) return undefined;
      if (query.has("continue")) return second();
      return query.has("limit") ? page(["a"], { continue: "next" }) : page(["a", "b"]);
    }, (said) => said.some((text) => text.startsWith("list")));
    assert.equal(said.at(-1), "list Service: a,b");
    assert.match(said[0]!, /^! Service: .*; trying again$/);
  }
});

Deno.test("objects that are deleted or changed before the end of a streamed list are absent, or have their last value", async () => {
  await using server = new Server(() =>
    stream([
      line("ADDED", whole("a")) + line("ADDED", whole("ghost")),
      line("DELETED", whole("ghost", "2")) + line("MODIFIED", whole("a", "3")),
      BOOKMARK,
    ], true)
  );
  await using follower = new Follower(apiSource(server.client(), "node-a", false, TIMES));
  await until(
    "all is listed",
    () => follower.batches.some((batch) => batch.kind === "list" && !isPart(batch)),
  );
  const objects = follower.batches.flatMap((batch) => batch.kind === "list" ? batch.objects : []);
  assert.deepEqual(objects.map(({ metadata: m }) => [m.name, m.resourceVersion]), [["a", "3"]]);
});

Deno.test("after a list without a version a watch without a version begins at once", async () => {
  const { said, calls } = await follow((query) => {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (!query.has("watch")) return page(["a"], { resourceVersion: "" });
    return stream([line("ADDED", whole("a")), line("ADDED", whole("late", "11"))], true);
  }, (said) => said.includes("+late"));
  assert.deepEqual(said, ["list Service: a", "+a", "+late"]);
  assert.equal(calls.at(-1)!.has("resourceVersion"), false);
});

Deno.test("a bookmark without a version changes nothing: the next watch begins at the last version", async () => {
  const { calls } = await follow((_, call) => {
    if (call === 1) {
      return stream([
        line("ADDED", whole("a")),
        BOOKMARK,
        line("BOOKMARK", { metadata: { resourceVersion: "" } }),
      ], false);
    }
    return stream([line("ADDED", whole("late", "11"))], true);
  }, (said) => said.includes("+late"));
  assert.equal(calls[1]!.get("resourceVersion"), "10");
});

Deno.test("a wrong line of a watch is reported, and the other lines are applied", async () => {
  const lines: Record<string, RegExp> = {
    '{"type":"BOOKMARK"}': /BOOKMARK whose object is missing/,
    '{"type":"ADDED","object":null}': /ADDED whose object is null/,
    '{"type":"ERROR"}': /ERROR whose object is missing/,
    "null": /: null where a watch event was expected/,
    "5": /: 5 where a watch event was expected/,
    '{"kind":"Status","message":"boom","code":500}': /: boom; trying again/,
  };
  for (const [odd, problem] of Object.entries(lines)) {
    const { said } = await follow(
      (_, call) =>
        call === 1
          ? stream([line("ADDED", whole("a")), BOOKMARK, `${line("ADDED", whole("b", "11"))}${odd}\n`], true)
          : stream([line("ADDED", whole("late", "12"))], true),
      (said) => said.includes("+late"),
    );
    assert.ok(said.includes("+b"), odd);
    assert.ok(said.some((text) => problem.test(text)), said.join("\n"));
    assert.ok(!/undefined|TypeError|Cannot/.test(said.join()), said.join("\n"));
  }
});

Deno.test("a deletion with only the name of its object deletes it", async () => {
  const metadata = { name: "a", namespace: "shop", resourceVersion: "11" };
  const { said } = await follow(
    () =>
      stream([
        line("ADDED", whole("a")),
        BOOKMARK,
        line("DELETED", { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata }),
      ], true),
    (said) => said.length >= 2,
  );
  assert.deepEqual(said, ["list Service: a", "-a"]);
});

Deno.test("a streamed list that never ends is listed in pages instead", async () => {
  await using server = new Server((query) =>
    query.has("sendInitialEvents")
      ? stream([line("ADDED", whole("a"))], true)
      : query.has("watch")
      ? undefined
      : page(["a", "b"])
  );
  const times = { ...TIMES, markMilliseconds: 100 };
  await using follower = new Follower(apiSource(server.client(), "node-a", false, times));
  await until("it is listed", () => follower.said().includes("list Service: a,b"));
});

Deno.test("the proxy waits as long as Retry-After says, with 429 and 503", async () => {
  for (const code of [429, 503]) {
    const asked: number[] = [];
    const { said } = await follow((_, call) => {
      asked.push(performance.now());
      return call > 1 ? initial(true) : Response.json({}, { status: code, headers: { "retry-after": "1" } });
    }, (said) => said.includes("list Service: a"));
    assert.equal(said.filter((text) => text.includes("Service: ")).length, 2);
    assert.ok(asked[1]! - asked[0]! >= 1000, `${code}: after ${asked[1]! - asked[0]!} ms`);
  }
});
