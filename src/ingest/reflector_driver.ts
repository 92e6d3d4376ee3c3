// Runs one reflector: makes its requests, sets its timer, and passes its batches on. All decisions are in reflector.ts.

import type { ObjectKind } from "../kube/objects.ts";
import type { ApiConnection, OpenRequest, Receiver } from "./connection.ts";
import { reflectorDeadline, stepReflector } from "./reflector.ts";
import {
  newReflector,
  type Now,
  type ReflectorEffect,
  type ReflectorInput,
  type ReflectorState,
  type ReflectorTimes,
  statusOf,
} from "./reflector_state.ts";
import type { ApiResource } from "./resources.ts";
import type { ResourceStatus, SourceBatch } from "./source.ts";

/** Where the effects of a reflector go. */
export interface ReflectorPorts {
  readonly connection: ApiConnection;
  /** Passes a batch on. Returns a promise where the driver must wait. */
  deliver(batch: SourceBatch): Promise<void> | undefined;
  /** Notes that a watch was cut and is resumed. */
  cut(kind: ObjectKind, cause: string): Promise<void> | undefined;
  /** The server answers. */
  reached(): void;
}

/** Follows one resource until its signal aborts. */
export class ReflectorDriver {
  readonly #state: ReflectorState;
  readonly #ports: ReflectorPorts;
  readonly #settled = Promise.withResolvers<void>();
  readonly #requests = new Set<Promise<void>>();
  #request: OpenRequest | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #stopped = false;
  /** Inputs that wait until the effects of another one are done. */
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  /** Adds its state to `peers`, those of all reflectors of the server. */
  constructor(resource: ApiResource, times: ReflectorTimes, ports: ReflectorPorts, peers: ReflectorState[]) {
    this.#state = newReflector(resource, times, Math.floor(Math.random() * 2 ** 32), peers);
    this.#ports = ports;
  }

  get kind(): ObjectKind {
    return this.#state.resource.kind;
  }

  /** Resolves once it has delivered a list or a problem, or is stopped. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** How the resource is followed now. */
  status(): ResourceStatus {
    return statusOf(this.#state, Date.now() - performance.now());
  }

  /** Asks for a second list, which must confirm the last one. */
  confirm(why: string): void {
    void this.#takeLater({ kind: "confirm", why });
  }

  /** The server has answered another reflector: one that waits for it does not wait any longer. */
  reached(): void {
    void this.#takeLater({ kind: "reached" });
  }

  /** Runs until `signal` aborts; `start` is the input of that kind. Failed requests are reported and retried. */
  async run(signal: AbortSignal, start: { known?: string | undefined; inParts?: boolean }): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    const stop = () => {
      this.#stopped = true;
      this.#disarm();
      this.#request?.cancel();
      for (const go of this.#waiting.splice(0)) go();
      this.#settled.resolve();
      stopped.resolve();
    };
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop);
    await this.#take({ kind: "start", ...start });
    await stopped.promise;
    signal.removeEventListener("abort", stop);
    await Promise.all(this.#requests);
  }

  /**
   * Takes one input at a time, in order: the effects of one are done before the next one is taken. Nearly always nothing must be
   * waited for, and no promise is made.
   */
  #take(input: ReflectorInput, of?: OpenRequest): Promise<void> | undefined {
    if (this.#busy) return this.#takeLater(input, of);
    if (this.#isOver(of)) return undefined;
    this.#busy = true;
    let waits = false;
    try {
      const effects = stepReflector(this.#state, input, new Moment());
      for (const [at, effect] of effects.entries()) {
        const wait = this.#execute(effect);
        if (wait === undefined) continue;
        waits = true;
        return this.#finish(wait, effects.slice(at + 1));
      }
    } finally {
      if (!waits) this.#release();
    }
    this.#settle();
    return undefined;
  }

  /** As {@link #take}, once nothing else is taken. What it throws is a rejection. */
  async #takeLater(input: ReflectorInput, of?: OpenRequest): Promise<void> {
    while (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await this.#take(input, of);
  }

  /** Waits for an effect, and executes those after it. */
  async #finish(first: Promise<void>, others: readonly ReflectorEffect[]): Promise<void> {
    try {
      let wait: Promise<void> | undefined = first;
      for (const effect of [undefined, ...others]) {
        if (effect !== undefined) wait = this.#execute(effect);
        if (wait === undefined) continue;
        await wait;
        if (this.#stopped) return;
        stepReflector(this.#state, { kind: "taken" }, new Moment());
      }
    } finally {
      this.#release();
    }
    this.#settle();
  }

  #isOver(of: OpenRequest | undefined): boolean {
    return this.#stopped || (of !== undefined && of !== this.#request);
  }

  #release(): void {
    this.#busy = false;
    this.#waiting.shift()?.();
  }

  #settle(): void {
    if (this.#state.settled) this.#settled.resolve();
    this.#arm();
  }

  #execute(effect: ReflectorEffect): Promise<void> | undefined {
    switch (effect.kind) {
      case "request":
        return this.#open(effect);
      case "cancel":
        this.#request?.cancel();
        this.#request = undefined;
        return undefined;
      case "deliver":
        return this.#ports.deliver(effect.batch);
      case "cut":
        return this.#ports.cut(this.kind, effect.cause);
      case "reached":
        this.#ports.reached();
        return undefined;
    }
  }

  #open({ path, query, encoding }: ReflectorEffect & { kind: "request" }): undefined {
    let request: OpenRequest | undefined = undefined;
    const take = (input: ReflectorInput) => this.#take(input, request);
    const receiver: Receiver = {
      head: (head) => take({ kind: "answer", ...head }),
      bytes: (chunk) => take({ kind: "bytes", chunk }),
      end: () => take({ kind: "end" }),
      failed: (problem) => take({ kind: "failed", problem }),
    };
    request = this.#request = this.#ports.connection.open(path, query, encoding, receiver);
    const { closed } = request;
    this.#requests.add(closed);
    void closed.finally(() => this.#requests.delete(closed));
  }

  /** Keeps one timer for many inputs. A timer that fires too early is set again, which costs less than one per input. */
  #arm(): void {
    const due = reflectorDeadline(this.#state) ?? Infinity;
    if (this.#stopped || (this.#timer !== undefined && this.#timerAt <= due)) return;
    this.#disarm();
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#disarm();
      const unsent = this.#request?.unsent() ?? false;
      void this.#takeLater({ kind: "time", unsent });
    }, Math.max(0, due - performance.now()));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }
}

/** The present. Its text is made where it is used: a list may come in as many chunks as it has objects. */
class Moment implements Now {
  readonly at = performance.now();
  #time: string | undefined;

  get time(): string {
    return this.#time ??= new Date().toISOString();
  }
}
