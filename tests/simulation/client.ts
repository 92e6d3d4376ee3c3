// Connects the simulated program to its API server, in virtual time. It replaces only the drivers of the reflectors and of the
// connection. All decisions are the program's own: reflectors, liveness, and the gathering of the first lists.

import assert from "node:assert/strict";
import { gatherLists, newGathering } from "../../src/ingest/gathering.ts";
import {
  LIVENESS_TIMES,
  livenessDeadline,
  type LivenessInput,
  newLiveness,
  stepLiveness,
} from "../../src/ingest/liveness.ts";
import { reflectorDeadline, stepReflector } from "../../src/ingest/reflector.ts";
import {
  DEFAULT_TIMES,
  newReflector,
  type Now,
  type ReflectorEffect,
  type ReflectorInput,
  type ReflectorState,
  statusOf,
} from "../../src/ingest/reflector_state.ts";
import type { ApiResource } from "../../src/ingest/resources.ts";
import { isPart, type KnownVersions, type SourceBatch, type WatchProblem } from "../../src/ingest/source.ts";
import type { ObjectKind } from "../../src/kube/objects.ts";
import type { Arrival } from "./connections.ts";
import type { Query } from "./honest_api.ts";
import type { Server } from "./server.ts";

interface Request {
  readonly id: number;
  readonly connection: number;
  readonly path: string;
  readonly query: Query;
  answered: boolean;
}

interface Follower {
  readonly state: ReflectorState;
  request: Request | undefined;
}

const PROBE_PATH = "/livez";

export class Client {
  readonly #followers: Follower[];
  readonly #resumes: boolean;
  readonly #gathering;
  readonly #batches: SourceBatch[] = [];
  readonly #liveness;
  #probe = 0;
  #connection: number;

  /** `shared` says whether all requests share one connection (HTTP/2). */
  constructor(
    readonly server: Server,
    resources: readonly ApiResource[],
    readonly known: KnownVersions,
    readonly shared: boolean,
    seed: number,
    now: Now,
  ) {
    this.#connection = server.newId();
    this.#resumes = known.size > 0;
    this.#gathering = newGathering(this.#resumes ? [] : resources);
    this.#liveness = newLiveness(LIVENESS_TIMES, now.at);
    const peers: ReflectorState[] = [];
    this.#followers = resources.map((resource, i) => ({
      state: newReflector(resource, DEFAULT_TIMES, seed + i, peers),
      request: undefined,
    }));
    this.#start(now);
  }

  /** The earliest deadline. */
  wakeAt(): number {
    const due = this.#followers.map(({ state }) => reflectorDeadline(state) ?? Infinity);
    return Math.min(...due, livenessDeadline(this.#liveness) ?? Infinity);
  }

  wake(now: Now): void {
    if ((livenessDeadline(this.#liveness) ?? Infinity) <= now.at) this.#note({ kind: "time" }, now);
    for (const follower of this.#followers) {
      if ((reflectorDeadline(follower.state) ?? Infinity) <= now.at) {
        this.#feed(follower, { kind: "time" }, now);
      }
    }
  }

  receive(id: number, arrival: Arrival, now: Now): void {
    if (id === this.#probe) return this.#note({ kind: "probed" }, now);
    const follower = this.#followers.find(({ request }) => request?.id === id);
    const request = follower?.request;
    if (follower === undefined || request === undefined) return;
    if (arrival.kind === "bytes") this.#note({ kind: "received" }, now);
    if (arrival.kind === "head") {
      request.answered = true;
      const seconds = Number(arrival.headers["retry-after"] ?? 0);
      if (seconds > 0) this.server.noteRetry(request.path, request.query, now.at + seconds * 1000);
      this.#note({ kind: "answered" }, now);
    }
    if (arrival.kind === "end" || arrival.kind === "broken") this.#close(follower, now);
    const { phase, method } = follower.state;
    // A first list that is refused is streamed at once, and a stream that is refused is asked for in pages.
    const isShown = method !== "page" && phase.kind === "exchange" &&
      (phase.ask === "page" || phase.ask === "watch") &&
      !phase.confirms;
    const watches = phase.kind === "exchange" && phase.ask === "watch";
    const before = this.#batches.length;
    this.#feed(follower, inputOf(arrival, this.shared, request.answered), now);
    if (arrival.kind === "bytes" && watches) checkDeletion(arrival.deletes, this.#batches.slice(before));
    const said = arrival.kind === "end" && isShown ? this.server.says.get(id) : undefined;
    if (said !== undefined) assert.ok(statusOf(follower.state).problem.includes(said), "a Status is named");
  }

  /** Asks for a second list of `kind`. */
  confirm(kind: ObjectKind, why: string, now: Now): void {
    const follower = this.#followers.find(({ state }) => state.resource.kind === kind);
    this.#feed(follower!, { kind: "confirm", why }, now);
  }

  /** The batches for the loop. */
  take(): SourceBatch[] {
    return this.#batches.splice(0).flatMap((batch) => gatherLists(this.#gathering, batch));
  }

  /** The newest version at which a watch would begin; 0 where there is none. */
  newest(): number {
    return Math.max(0, ...this.#followers.map(({ state }) => Number(state.version ?? 0)));
  }

  /** The connections with open requests. */
  connections(): number[] {
    return this.#followers.flatMap(({ request }) => request === undefined ? [] : [request.connection]);
  }

  /** Starts the reflectors, all at once. */
  #start(now: Now): void {
    for (const follower of this.#followers) {
      const known = this.known.get(follower.state.resource.kind);
      this.#feed(follower, this.#resumes ? { kind: "start", known } : { kind: "start", inParts: true }, now);
    }
  }

  #feed(follower: Follower, input: ReflectorInput, now: Now): void {
    for (const effect of stepReflector(follower.state, input, now)) {
      switch (effect.kind) {
        case "request":
          this.#ask(follower, effect, now);
          break;
        case "cancel":
          if (follower.request !== undefined) this.server.connections.drop(follower.request.id);
          this.#close(follower, now);
          break;
        case "deliver":
          this.#batches.push(effect.batch);
          this.#noteList(follower, effect.batch);
          break;
        case "reached":
          for (const other of this.#followers) this.#feed(other, { kind: "reached" }, now);
          break;
        case "cut":
          break;
      }
    }
  }

  #noteList({ state }: Follower, batch: SourceBatch): void {
    if (batch.kind === "list" && !isPart(batch)) {
      this.server.noteList(state.resource.path, batch.objects.length);
    }
  }

  #ask(
    follower: Follower,
    { path, query, encoding }: ReflectorEffect & { kind: "request" },
    now: Now,
  ): void {
    const id = this.server.newId();
    const connection = this.shared ? this.#connection : id;
    follower.request = { id, connection, path, query, answered: false };
    this.#note({ kind: "asked" }, now);
    this.server.ask(id, connection, path, query, encoding, now.at);
  }

  #close(follower: Follower, now: Now): void {
    const { request } = follower;
    follower.request = undefined;
    if (request !== undefined) this.#note({ kind: "closed", answered: request.answered }, now);
  }

  #note(input: LivenessInput, now: Now): void {
    for (const effect of stepLiveness(this.#liveness, input, now.at)) {
      if (effect.kind === "replace") {
        this.#replace({ reason: "silent", text: effect.text }, now);
        continue;
      }
      this.#probe = this.server.newId();
      const connection = this.shared ? this.#connection : this.#probe;
      this.server.ask(this.#probe, connection, PROBE_PATH, {}, "json", now.at);
    }
  }

  #replace(problem: WatchProblem, now: Now): void {
    this.#connection = this.server.newId();
    const open = this.#followers.filter(({ request }) => request !== undefined);
    for (const follower of open) {
      this.server.connections.drop(follower.request!.id);
      this.#close(follower, now);
    }
    for (const follower of open) this.#feed(follower, { kind: "failed", problem }, now);
  }
}

/** Asserts that a watch that sent the deletion of an object with the name `deletes` led to that event. */
function checkDeletion(deletes: string | undefined, batches: readonly SourceBatch[]): void {
  const events = batches.flatMap((batch) => batch.kind === "events" ? batch.events : []);
  const counts = events.some(({ key, value }) => key.name === deletes && value === null);
  assert.ok(deletes === undefined || counts, `the deletion of ${deletes} counts`);
}

function inputOf(arrival: Arrival, shared: boolean, answered: boolean): ReflectorInput {
  switch (arrival.kind) {
    case "head": {
      const { status, headers } = arrival;
      const contentType = headers["content-type"] ?? "";
      return { kind: "answer", status, contentType, retryAfter: headers["retry-after"] ?? "", shared };
    }
    case "bytes":
      return { kind: "bytes", chunk: arrival.bytes };
    case "end":
      return { kind: "end" };
    case "broken":
      return { kind: "failed", problem: { reason: answered ? "cut" : "unreachable", text: arrival.reason } };
  }
}
