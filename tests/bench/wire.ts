// What an event of a watch costs between its last byte and the record of it, step by step, in JSON and in protobuf: CPU time and
// bytes that are allocated. The events are those that a kube-apiserver 1.37.2 sent.
//
//   deno task bench:wire [ROUNDS]

import { cpuUsage } from "node:process";
import { watchLineOf } from "../../src/ingest/answer.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { stepReflector } from "../../src/ingest/reflector.ts";
import { DEFAULT_TIMES, newReflector, type ReflectorState } from "../../src/ingest/reflector_state.ts";
import { type ApiResource, resources } from "../../src/ingest/resources.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import type { ObjectKind } from "../../src/kube/objects.ts";
import { contentType } from "../support/protobuf_bodies.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const ROUNDS = Number(Deno.args[0] ?? 20);
const REPEATS = 100;
const SIZED = 5;
const FOLDER = new URL("../../fixtures/api/streams/", import.meta.url);
const KINDS: readonly ObjectKind[] = ["Service", "EndpointSlice"];
const ENCODINGS = [["JSON", "ndjson", "application/json"], [
  "protobuf",
  "protobuf",
  contentType(true),
]] as const;
const NOW = { at: 1, time: "2026-11-26T10:00:00.000Z" };
const NEWLINE = 0x0a;
declare const gc: () => void;

/** Microseconds and bytes of one event. */
interface Cost {
  readonly time: number;
  readonly allocated: number;
}

/** The cost of `work`, which handles `events` events, once it is compiled. */
function costOf(events: number, work: () => void): Cost {
  const times = Array.from({ length: ROUNDS }, () => {
    const before = cpuMicroseconds();
    for (let i = 0; i < REPEATS; i++) work();
    return (cpuMicroseconds() - before) / events / REPEATS;
  });
  const sizes = Array.from({ length: SIZED }, () => {
    gc();
    const before = Deno.memoryUsage().heapUsed;
    work();
    return (Deno.memoryUsage().heapUsed - before) / events;
  });
  return { time: percentile(times.slice(ROUNDS >> 1), 0.5), allocated: percentile(sizes, 0.5) };
}

/** CPU time of this process, collections of garbage included. */
function cpuMicroseconds(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

/** The events of a stream, each in a chunk of its own, as changes arrive. */
function chunksOf(bytes: Uint8Array, isProtobuf: boolean): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = isProtobuf
      ? 4 + new DataView(bytes.buffer, at, 4).getUint32(0)
      : bytes.indexOf(NEWLINE, at) + 1 - at;
    chunks.push(bytes.slice(at, at += length));
  }
  return chunks;
}

/** A reflector with an open watch of `resource`. */
function watching(resource: ApiResource, contentType: string): ReflectorState {
  const state = newReflector(resource, DEFAULT_TIMES, 1);
  state.version = "1";
  stepReflector(state, { kind: "start" }, NOW);
  const head = { status: 200, contentType, retryAfter: "", shared: true };
  stepReflector(state, { kind: "answer", ...head }, NOW);
  return state;
}

const rows: string[][] = [];
for (const kind of KINDS) {
  const resource = resources("node-a").find((one) => one.kind === kind)!;
  for (const [name, extension, type] of ENCODINGS) {
    const bytes = Deno.readFileSync(new URL(`${kind}.${extension}`, FOLDER));
    const read = () => framingFor(type, true).push(bytes);
    const values = read();
    const lines = values.map((value) => watchLineOf(value, resource));
    const check = () => values.map((value) => watchLineOf(value, resource));
    const decode = () => lines.map((line) => line.kind === "object" ? decodeObject(line.object) : undefined);
    // The last one is the bookmark at the end of the list.
    const chunks = chunksOf(bytes, name === "protobuf").slice(0, -1);
    const watch = watching(resource, type);
    const follow = () => chunks.forEach((chunk) => stepReflector(watch, { kind: "bytes", chunk }, NOW));
    const alone = costOf(chunks.length, follow);
    const costs = [costOf(values.length, read), costOf(values.length, check), costOf(values.length, decode)];
    const total = (part: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + part(cost), 0);
    rows.push([
      `${kind}, ${name}`,
      String(Math.round(bytes.length / values.length)),
      ...costs.map(({ time, allocated }) => `${time.toFixed(1)} us, ${Math.round(allocated)} B`),
      `${total(({ time }) => time).toFixed(1)} us, ${Math.round(total(({ allocated }) => allocated))} B`,
      `${alone.time.toFixed(1)} us, ${Math.round(alone.allocated)} B`,
    ]);
  }
}
table("An event of a watch, once its last byte has arrived", [
  [
    "",
    "bytes on the wire",
    "read",
    "check the line",
    "decode the object",
    "together",
    "from its chunk to a batch",
  ],
  ...rows,
]);
