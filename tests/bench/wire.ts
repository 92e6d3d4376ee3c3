// What an event of a watch costs between its last byte and the record of it, step by step, in JSON and in protobuf: CPU time and
// bytes that are allocated. The events are those that a kube-apiserver 1.37.2 sent.
//
//   deno task bench:wire [ROUNDS]

import { cpuUsage } from "node:process";
import { watchLineOf } from "../../src/ingest/answer.ts";
import { framingFor } from "../../src/ingest/framing.ts";
import { resources } from "../../src/ingest/resources.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import type { ObjectKind } from "../../src/kube/objects.ts";
import { contentType } from "../support/protobuf_encoder.ts";
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
    const costs = [costOf(values.length, read), costOf(values.length, check), costOf(values.length, decode)];
    const total = (part: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + part(cost), 0);
    rows.push([
      `${kind}, ${name}`,
      String(Math.round(bytes.length / values.length)),
      ...costs.map(({ time, allocated }) => `${time.toFixed(1)} us, ${Math.round(allocated)} B`),
      `${total(({ time }) => time).toFixed(1)} us, ${Math.round(total(({ allocated }) => allocated))} B`,
    ]);
  }
}
table("An event of a watch, once its last byte has arrived", [
  ["", "bytes on the wire", "read", "check the line", "decode the object", "together"],
  ...rows,
]);
