// A reflector without a driver: a script of answers goes in, and the clock is a number.

import { reflectorDeadline, stepReflector } from "../../src/ingest/reflector.ts";
import type { ReflectorEffect, ReflectorInput } from "../../src/ingest/reflector_state.ts";
import {
  DEFAULT_TIMES,
  newReflector,
  type Query,
  type ReflectorState,
  type ReflectorTimes,
} from "../../src/ingest/reflector_state.ts";
import { resources } from "../../src/ingest/resources.ts";
import type { EventsBatch, ListBatch } from "../../src/ingest/source.ts";
import { BOOKMARK, line, service, whole } from "./api_server.ts";

export const SERVICES = resources("node-a")[3]!;
export const CIDRS = resources("node-a")[1]!;
export const START = Date.parse("2026-11-26T10:00:00.000Z");

/** A reflector, its clock, and its requests and batches. */
export class Run {
  readonly state;
  readonly queries: Query[] = [];
  readonly lists: ListBatch[] = [];
  /** `+a`, `-a`, `list: a,b`, `! problem`, `cut: cause`, `reached`, in order. */
  readonly said: string[] = [];
  at = 0;
  /** The open request, and the one that is answered now. Inputs for another one are dropped, as in the driver. */
  #open = 0;
  #answering = 0;

  constructor(
    resource = SERVICES,
    times: Partial<ReflectorTimes> = {},
    seed = 1,
    peers: ReflectorState[] = [],
  ) {
    this.state = newReflector(resource, { ...DEFAULT_TIMES, ...times }, seed, peers);
  }

  input(input: ReflectorInput): this {
    const time = new Date(START + this.at).toISOString();
    for (const effect of stepReflector(this.state, input, { at: this.at, time })) this.#note(effect);
    return this;
  }

  start(start: { known?: string; inParts?: boolean } = {}): this {
    return this.input({ kind: "start", ...start });
  }

  /** The head of an answer. */
  head(status = 200, retryAfter = "", shared = true): this {
    this.#answering = this.#open;
    return this.input({ kind: "answer", status, contentType: "application/json", retryAfter, shared });
  }

  bytes(...parts: string[]): this {
    for (const part of parts) {
      if (this.#answering === this.#open) {
        this.input({ kind: "bytes", chunk: new TextEncoder().encode(part) });
      }
    }
    return this;
  }

  end(): this {
    return this.#answering === this.#open ? this.input({ kind: "end" }) : this;
  }

  /** A whole answer. */
  answer(body: unknown, status = 200, retryAfter = ""): this {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.head(status, retryAfter).bytes(text).end();
  }

  /** Lets time pass; each deadline in it is an input at its time. */
  pass(milliseconds: number): this {
    const until = this.at + milliseconds;
    for (let due; (due = reflectorDeadline(this.state)) !== undefined && due <= until;) {
      this.at = Math.max(this.at, due);
      this.input({ kind: "time" });
    }
    this.at = until;
    return this;
  }

  get query(): Query {
    return this.queries.at(-1)!;
  }

  #note(effect: ReflectorEffect): void {
    if (effect.kind === "request") this.#open = this.queries.push(effect.query);
    if (effect.kind === "cancel") this.#open = -1;
    if (effect.kind === "reached") this.said.push("reached");
    if (effect.kind === "cut") this.said.push(`cut: ${effect.cause}`);
    if (effect.kind !== "deliver") return;
    const { batch } = effect;
    this.said.push(...batch.problems.map((problem) => `! ${problem}`));
    if (batch.kind === "events") return this.#noteEvents(batch);
    this.lists.push(batch);
    this.said.push(`list: ${batch.objects.map(({ metadata }) => metadata.name).join()}`);
  }

  #noteEvents({ events }: EventsBatch): void {
    this.said.push(...events.map(({ key, value }) => `${value === null ? "-" : "+"}${key.name}`));
  }
}

export const list = (names: readonly string[], metadata: Record<string, unknown> = {}) => ({
  kind: "ServiceList",
  apiVersion: "v1",
  metadata: { resourceVersion: "10", ...metadata },
  items: names.map((name) => service(name)),
});
export const NO_STREAMS = { kind: "Status", message: "no streams", reason: "Invalid", code: 422 };
export const EXPIRED = { kind: "Status", message: "too old", reason: "Expired", code: 410 };

/** A reflector that has listed `names` in a stream and watches from version 10. */
export const watching = (names: readonly string[] = ["a"], times?: Partial<ReflectorTimes>) => {
  const run = new Run(SERVICES, times).start().head();
  return run.bytes(...names.map((name) => line("ADDED", whole(name))), BOOKMARK);
};
/** The same with pages; the watch was requested and has no answer yet. */
export const paged = (metadata: Record<string, unknown> = {}) =>
  new Run().start().answer(NO_STREAMS, 422).answer(list(["a"], metadata));
