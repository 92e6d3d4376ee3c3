// The simulated API server: takes a request and answers with a head and bytes over virtual time. Pure but for its own state:
// time comes in, what arrives goes out. It is honest unless faults are on.

import type { Resource } from "../../src/ingest/resources.ts";
import { type Answer, listText, whole } from "./answers.ts";
import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import { type AnswerFault, type FaultCounts, type Shape, someFault } from "./faults.ts";
import { faultyAnswer, LEFT_MAX, PART } from "./faulty_answers.ts";
import { Connections } from "./connections.ts";
import { HonestApi, type Manners, type Query, shapeOf } from "./honest_api.ts";

/** A list of up to two objects in place of more than these takes most away, and at least ten. */
const LOSES_MOST = 12;
const IN_STREAMS = ["deleted inside a streamed list", "changed inside a streamed list"] as const;
const NONE: Answer = { status: 0, headers: {}, text: "", then: "silence" };

export class Server {
  /** Whether answers may be wrong. */
  faulty = false;
  /** Requests to each path, by the minute. */
  readonly requests = new Map<string, number>();
  /** Requests that came before the time that Retry-After named. */
  tooEarly = 0;
  /** What the program must name as its problem once it has the whole answer to a request. */
  readonly says = new Map<number, string>();
  #ids = 0;
  readonly #retryAt = new Map<string, number>();
  /** Paths whose last list lost most: the next whole one does not, and may not come for a while. */
  readonly #lossy = new Map<string, number>();
  readonly #endlessUntil = new Map<string, number>();
  readonly #honest: HonestApi;
  readonly connections: Connections;

  constructor(
    readonly cluster: Cluster,
    readonly manners: Manners,
    readonly chance: Chance,
    readonly counts: FaultCounts,
    readonly resources: readonly Resource[],
    /** How many objects of a kind the proxy knows. */
    readonly known: (kind: string) => number,
  ) {
    this.#honest = new HonestApi(cluster, manners, chance, counts);
    this.connections = new Connections(cluster, manners.bookmarkMilliseconds, chance, counts);
  }

  /** A number that no request or connection has had. */
  newId(): number {
    return ++this.#ids;
  }

  /** A request; what comes of it arrives under `id`. */
  ask(id: number, connection: number, path: string, query: Query, now: number): void {
    const resource = this.resources.find((one) => one.path === path);
    if (this.connections.isDead(connection)) return;
    if (resource === undefined) {
      return this.connections.send(id, connection, this.resources[0]!, whole("ok"), now);
    }
    this.#count(path, now);
    if (now < (this.#retryAt.get(askedAgain(path, query)) ?? 0)) this.tooEarly++;
    const answer = this.#answer(resource, query, now);
    if (answer.says !== undefined) this.says.set(id, answer.says);
    this.connections.send(id, connection, resource, answer, now);
  }

  /** The program has ended: no request waits for an answer, and another program may ask at once. */
  forget(): void {
    this.connections.clear();
    this.#retryAt.clear();
  }

  /** The program has a whole list of `path` with `objects` objects: another one may lose most again. */
  noteList(path: string, objects: number): void {
    const { kind } = this.resources.find((one) => one.path === path)!;
    if (objects > LEFT_MAX || this.cluster.list(kind).length <= LEFT_MAX) this.#lossy.delete(path);
  }

  /** The program has received the answer that `query` of `path` is not to be asked again before `at`. */
  noteRetry(path: string, query: Query, at: number): void {
    this.#retryAt.set(askedAgain(path, query), at);
  }

  #count(path: string, now: number): void {
    const key = `${Math.floor(now / 60_000)} ${path}`;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
  }

  #answer(resource: Resource, query: Query, now: number): Answer {
    const shape = shapeOf(query);
    const { path } = resource;
    if (shape !== "watch" && now < (this.#lossy.get(path) ?? 0)) {
      this.counts.fired("second list that does not come for a while");
      return NONE;
    }
    const lists = shape === "list" || shape === "page";
    if (lists && now < (this.#endlessUntil.get(path) ?? 0)) return this.#endless(resource);
    const honest = this.#honest.answer(resource, query, now);
    const faulty = this.faulty && this.chance.once(3) ? this.#fault(resource, shape, honest, now) : undefined;
    return faulty ?? honest;
  }

  #fault(
    { kind, apiVersion, path }: Resource,
    shape: Exclude<Shape, "any">,
    honest: Answer,
    now: number,
  ): Answer | undefined {
    const items = this.cluster.list(kind);
    const inParts = shape === "stream" && items.length > PART && this.chance.once(2);
    const fault = inParts ? this.chance.pick(IN_STREAMS) : someFault(shape, this.chance);
    // An answer that says no has no room for other faults than those of the way.
    if (honest.status !== 200) return undefined;
    if (fault === "list that lost most" && this.#lossy.has(path)) return undefined;
    const special = this.#special(fault, path, now);
    if (special !== undefined) return special;
    if (fault === "endless continue tokens") return undefined;
    const answer = faultyAnswer(fault, {
      now,
      kind,
      apiVersion,
      chance: this.chance,
      honest,
      items,
      version: this.cluster.version,
      losesMost: this.known(kind) > LOSES_MOST && items.length > LOSES_MOST,
    });
    if (answer === undefined) return undefined;
    if (fault === "list that lost most") {
      this.#lossy.set(path, this.chance.once(2) ? now : now + this.chance.between(5, 30) * 1000);
    }
    // What is written later counts when it is written.
    if (answer.then === honest.then || typeof answer.then !== "object") {
      this.counts.fired(answer.counts ?? fault);
    }
    return answer;
  }

  #special(fault: AnswerFault, path: string, now: number): Answer | undefined {
    if (fault === "connection refused") {
      this.counts.fired(fault);
      return { ...NONE, then: "reset" };
    }
    if (fault !== "endless continue tokens") return undefined;
    this.counts.fired(fault);
    this.#endlessUntil.set(path, now + this.chance.between(1, 20) * 1000);
    const resource = this.resources.find((one) => one.path === path)!;
    return this.#endless(resource);
  }

  #endless({ kind, apiVersion }: Resource): Answer {
    const metadata = {
      resourceVersion: String(this.cluster.version),
      continue: `endless-${this.chance.below(1e6)}`,
    };
    return whole(
      listText(kind, apiVersion, this.chance.once(2) ? this.cluster.list(kind).slice(0, 1) : [], metadata),
    );
  }
}

/** What a Retry-After is about: lists of a resource, or watches, so that a list that must wait does not stop the watch. */
function askedAgain(path: string, query: Query): string {
  return `${shapeOf(query) === "watch" ? "watch" : "list"} ${path}`;
}
