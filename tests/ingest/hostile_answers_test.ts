// Answers that would fill the memory: they are read, or refused, while they arrive. The memory is that of the program as it is
// shipped, whose peak the kernel counts.

import assert from "node:assert/strict";
import { BOOKMARK, Server, status, stream } from "../support/api_server.ts";
import { imageCommand } from "../support/bundle.ts";
import { until } from "../support/until.ts";

const HEAD = '{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[';
const NAMED = '{"metadata":{"name":"a","namespace":"shop"},"spec":{"x":[';
const ONE = '{"metadata":{"name":"a","namespace":"b"},"spec":{"clusterIP":"10.96.0.1"}}';
const PEAK_KILOBYTES_MAX = 400_000;
/** A machine that does other work reads ten million parts slowly. */
const PATIENCE_MILLISECONDS = 600_000;

/** `count` times `text`, in a few pieces. */
function* times(count: number, text: string): Generator<string> {
  const step = 100_000;
  for (let done = 0; done < count; done += step) yield text.repeat(Math.min(step, count - done));
}

/** What the server lists. Each has more than ten million parts in a few megabytes. */
const BODIES: Readonly<Record<string, () => Generator<string>>> = {
  *"one object with 15 million lists"() {
    yield HEAD + NAMED;
    yield* times(7_500_000, "[],");
    yield "0]}}]}";
  },
  *"objects with 1.9 million lists each"() {
    yield HEAD;
    for (let i = 0; i < 8; i++) {
      yield NAMED;
      yield* times(950_000, "[],");
      yield "0]}},";
    }
    yield `${NAMED}]}}]}`;
  },
  *"millions of objects without a name"() {
    yield HEAD;
    yield* times(2_500_000, '{"a":{}},');
    yield "{}]}";
  },
  *"one object four million times"() {
    yield HEAD;
    yield* times(4_000_000, `${ONE},`);
    yield `${ONE}]}`;
  },
  *"a list whose kind comes last"() {
    yield '{"items":[';
    yield* times(2_500_000, '{"a":{}},');
    yield '{}],"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"5"}}';
  },
};

/** Kinds and API groups of the other resources, by the end of their paths. */
const OTHERS: Readonly<Record<string, readonly [kind: string, apiVersion: string]>> = {
  nodes: ["NodeList", "v1"],
  servicecidrs: ["ServiceCIDRList", "networking.k8s.io/v1"],
  endpointslices: ["EndpointSliceList", "discovery.k8s.io/v1"],
};

function answer(parts: Generator<string>): Response {
  const texts = new ReadableStream<string>({
    pull(controller) {
      const next = parts.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
  const bytes = texts.pipeThrough(new TextEncoderStream()).pipeThrough(new CompressionStream("gzip"));
  return new Response(bytes, { headers: { "content-type": "application/json", "content-encoding": "gzip" } });
}

/** An answer that anyone can read. */
function plainList(kind: string, apiVersion: string): Response {
  return Response.json({ kind, apiVersion, metadata: { resourceVersion: "5" }, items: [] });
}

/** The most memory that a program takes that gets `body` as its first list, or as a later one after `listsBefore` good ones. */
async function peakKilobytes(body: () => Generator<string>, listsBefore = 0): Promise<number> {
  const folder = await Deno.makeTempDir();
  let lists = 0;
  await using server = new Server(
    (query) => {
      if (query.has("watch")) return lists > listsBefore ? status(422, "Invalid") : status(410, "Expired");
      return ++lists > listsBefore ? answer(body()) : plainList("ServiceList", "v1");
    },
    (path, query) => {
      const [kind, apiVersion] = OTHERS[path.replace(/.*\//, "")]!;
      return query.has("watch") ? stream([BOOKMARK], true) : plainList(kind, apiVersion);
    },
  );
  server.firstLists = true;
  const paths = ["--kubeconfig", server.kubeconfig(), "--ledger", `${folder}/ledger`];
  const [program, ...args] = imageCommand("record", "--node", "node-a", ...paths);
  const process = new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  const peak = () =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${process.pid}/status`))![1]);
  // The next request follows what was made of the answer.
  const isRead = () => lists > listsBefore + 1 || peak() > PEAK_KILOBYTES_MAX;
  await until("the list is asked for again", isRead, PATIENCE_MILLISECONDS);
  const kilobytes = peak();
  process.kill("SIGKILL");
  await process.status;
  await Deno.remove(folder, { recursive: true });
  return kilobytes;
}

for (const [name, body] of Object.entries(BODIES)) {
  Deno.test(`a list takes little memory: ${name}`, async () => {
    const kilobytes = await peakKilobytes(body);
    assert.ok(kilobytes < PEAK_KILOBYTES_MAX, `${kilobytes} kB`);
  });
}

for (const name of ["objects with 1.9 million lists each", "one object four million times"]) {
  Deno.test(`a later list takes as little memory: ${name}`, async () => {
    const kilobytes = await peakKilobytes(BODIES[name]!, 1);
    assert.ok(kilobytes < PEAK_KILOBYTES_MAX, `${kilobytes} kB`);
  });
}
