// What stands between the reflectors and the network in the simulation: requests get numbers, what arrives goes to the
// reflector that asked, and what they deliver goes to the loop. It decides nothing.

import { deadline, type ReflectorInput, step } from "../../src/ingest/reflector.ts";
import {
  DEFAULT_TIMES,
  newReflector,
  type Now,
  type ReflectorState,
} from "../../src/ingest/reflector_state.ts";
import type { Resource } from "../../src/ingest/resources.ts";
import type { KnownVersions, SourceBatch } from "../../src/ingest/source.ts";
import type { Arrival } from "./connections.ts";
import type { Server } from "./server.ts";

interface Follower {
  readonly state: ReflectorState;
  /** The open request. */
  request: number | undefined;
  started: boolean;
}

export class Client {
  readonly #followers: Follower[];
  readonly #resumes: boolean;
  readonly #batches: SourceBatch[] = [];
  #requests = 0;
  #connection = 0;

  constructor(
    readonly server: Server,
    resources: readonly Resource[],
    readonly known: KnownVersions,
    readonly shared: boolean,
    seed: number,
  ) {
    this.#resumes = known.size > 0;
    this.#followers = resources.map((resource, i) => ({
      state: newReflector(resource, DEFAULT_TIMES, seed + i),
      request: undefined,
      started: false,
    }));
  }

  /** Starts what is to be started. */
  start(now: Now): void {
    this.#followers.forEach((follower, i) => {
      const waits = !this.#resumes && i > 0 && !this.#followers[i - 1]!.state.settled;
      if (follower.started || waits) return;
      follower.started = true;
      const known = this.known.get(follower.state.resource.kind);
      this.#feed(follower, this.#resumes ? { kind: "start", known } : { kind: "start", inParts: true }, now);
    });
  }

  wakeAt(): number {
    return Math.min(...this.#followers.map(({ state }) => deadline(state) ?? Infinity));
  }

  wake(now: Now): void {
    for (const follower of this.#followers) this.#feed(follower, { kind: "time" }, now);
    this.start(now);
  }

  receive(id: number, arrival: Arrival, now: Now): void {
    const follower = this.#followers.find(({ request }) => request === id);
    if (follower === undefined) return;
    if (arrival.kind === "end" || arrival.kind === "broken") follower.request = undefined;
    this.#feed(follower, inputOf(arrival, this.shared), now);
    this.start(now);
  }

  /** What has come for the loop. */
  take(): SourceBatch[] {
    return this.#batches.splice(0);
  }

  #feed(follower: Follower, input: ReflectorInput, now: Now): void {
    for (const effect of step(follower.state, input, now)) {
      switch (effect.kind) {
        case "request":
          follower.request = ++this.#requests;
          this.server.ask(this.#requests, this.#connection, effect.path, effect.query, now.at);
          break;
        case "cancel":
          if (follower.request !== undefined) this.server.connections.drop(follower.request);
          follower.request = undefined;
          break;
        case "deliver":
          this.#batches.push(effect.batch);
          break;
        case "cut":
          break;
      }
    }
  }
}

function inputOf(arrival: Arrival, shared: boolean): ReflectorInput {
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
      return { kind: "failed", problem: { reason: "cut", text: arrival.reason } };
  }
}
