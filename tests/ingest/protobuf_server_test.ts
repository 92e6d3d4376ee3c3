// A server that answers in protobuf is followed as one that answers in JSON; one whose protobuf cannot be read is asked for JSON.

import assert from "node:assert/strict";
import { apiSource } from "../../src/ingest/api_source.ts";
import { type Answer, BOOKMARK, line, page, Server, stream, whole } from "../support/api_server.ts";
import { Follower } from "../support/follower.ts";
import { until } from "../support/until.ts";

const TIMES = {
  backoffMilliseconds: 10,
  backoffMaxMilliseconds: 50,
  shortMilliseconds: 0,
};
const STREAM = "application/vnd.kubernetes.protobuf;stream=watch";
const FIXTURES = new URL("../../fixtures/api/streams/", import.meta.url);
const recorded = (kind: string) =>
  stream([Deno.readFileSync(new URL(`${kind}.protobuf`, FIXTURES))], true, STREAM);
const KINDS: Readonly<Record<string, string>> = {
  "/api/v1/nodes": "Node",
  "/apis/networking.k8s.io/v1/servicecidrs": "ServiceCIDR",
  "/apis/discovery.k8s.io/v1/endpointslices": "EndpointSlice",
};
/** A Status in its envelope, as a kube-apiserver 1.37.2 writes it: Expired, 410. */
const EXPIRED = Uint8Array.from(
  [0x6b, 0x38, 0x73, 0, 0x0a, 12, 0x0a, 2, 0x76, 0x31, 0x12, 6, ...text("Status"), 0x12, 43]
    .concat([0x0a, 0, 0x12, 7, ...text("Failure"), 0x1a, 20, ...text("too old resource ver")])
    .concat([0x22, 7, ...text("Expired"), 0x30, 0x9a, 3, 0x1a, 0, 0x22, 0]),
);

function text(value: string): number[] {
  return [...new TextEncoder().encode(value)];
}

/** What a source says of Services, once `finished`. */
async function follow(
  services: Answer,
  others: (path: string) => Response,
  finished: (said: string[]) => boolean,
) {
  const accepts: string[] = [];
  const answer: Answer = (query, call, accept = "") => {
    accepts.push(accept);
    return services(query, call, accept);
  };
  await using server = new Server(answer, others);
  const source = apiSource(server.client(), "node-a", false, TIMES);
  await using follower = new Follower(source);
  await until("it is followed, or fails", () => finished(follower.said()));
  return {
    said: follower.said(),
    batches: follower.batches,
    calls: server.calls,
    accepts,
    status: source.status(),
  };
}

Deno.test("a server that has only protobuf is followed", async () => {
  const { said, batches, status } = await follow(
    () => recorded("Service"),
    (path) => recorded(KINDS[path]!),
    (said) => said.some((text) => /^(list Service:|!)/.test(text)),
  );
  assert.deepEqual(said.filter((text) => text.startsWith("!")), []);
  assert.ok(said.some((text) => /^list Node: node-a$/.test(text)));
  const services = batches.flatMap((batch) =>
    batch.kind === "list" && batch.kinds![0] === "Service" && batch.complete ? batch.objects : []
  );
  assert.ok(services.length > 20);
  const full = services.find(({ metadata: { name } }) => name === "full");
  assert.deepEqual((full as { spec: Record<string, unknown> }).spec["loadBalancerSourceRanges"], [
    "10.0.0.0/8",
  ]);
  assert.ok(status.every(({ listed, problem }) => listed && problem === ""));
});

Deno.test("an error in protobuf has the reason that it has in JSON: a version that is too old leads to a list", async () => {
  const { said, calls } = await follow(
    (query, call) => {
      if (query.has("sendInitialEvents") && call === 1) {
        return stream([line("ADDED", whole("a")), BOOKMARK], false);
      }
      if (query.has("sendInitialEvents")) return stream([line("ADDED", whole("b")), BOOKMARK], true);
      return new Response(EXPIRED, { status: 410, headers: { "content-type": STREAM.split(";")[0]! } });
    },
    () => stream([BOOKMARK], true),
    (said) => said.includes("list Service: b") || said.some((text) => text.startsWith("!")),
  );
  assert.deepEqual(said.filter((text) => /^list Service:|!/.test(text)), [
    "list Service: a",
    "list Service: b",
  ]);
  assert.equal(calls.length, 3);
});

Deno.test("a server whose protobuf cannot be read is asked for JSON, and that is reported once", async () => {
  const broken = () => stream([Uint8Array.of(0, 0, 0, 3, 0x0b, 1, 2)], true, STREAM);
  const { said, accepts } = await follow(
    (query, _, accept = "") => {
      if (accept.includes("protobuf")) return broken();
      return query.has("sendInitialEvents")
        ? stream([line("ADDED", whole("a")), BOOKMARK], false)
        : stream([line("ADDED", whole("b", "11"))], true);
    },
    () => stream([BOOKMARK], true),
    (said) => said.includes("+b"),
  );
  assert.deepEqual(said.filter((text) => !/^list (Node|ServiceCIDR|EndpointSlice): $/.test(text)), [
    "! Service: a frame of protobuf that cannot be read: field 1, type, has the wire type 3; asking for JSON from now on",
    "list Service: a",
    "+b",
  ]);
  assert.deepEqual(accepts, [
    "application/vnd.kubernetes.protobuf, application/json",
    ...Array(2).fill("application/json"),
  ]);
});

Deno.test("a server that has no answer of the types that are asked for is asked for JSON alone", async () => {
  const { said } = await follow(
    (query, _, accept = "") => {
      if (accept.includes("protobuf")) return new Response("only application/json", { status: 406 });
      return query.has("watch") ? stream([line("ADDED", whole("a")), BOOKMARK], true) : page(["a"]);
    },
    () => stream([BOOKMARK], true),
    (said) => said.includes("list Service: a"),
  );
  const problems = said.filter((text) => text.startsWith("!"));
  assert.deepEqual(problems, [
    "! Service: /api/v1/services: 406 Not Acceptable: only application/json; asking for JSON from now on",
  ]);
});
