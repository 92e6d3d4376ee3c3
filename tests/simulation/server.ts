// The simulated API server: it takes requests, and answers with a head and bytes in virtual time. It gives the right answers
// unless faults are on.

import type { Encoding } from "../../src/ingest/reflector_state.ts";
import type { ApiResource } from "../../src/ingest/resources.ts";
import { type Answer, listText, whole } from "./answers.ts";
import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import { type AnswerFault, type FaultCounts, type Shape, someFault } from "./faults.ts";
import { faultyAnswer, keptOf, LEFT_MAX, PART } from "./faulty_answers.ts";
import { Connections } from "./connections.ts";
import { HonestApi, type Manners, type Query, shapeOf } from "./honest_api.ts";

/** With more known objects than this, a list of two objects removes most of them, and at least ten. */
const LOSES_MOST = 12;
const IN_STREAMS = ["deleted inside a streamed list", "changed inside a streamed list"] as const;
const NONE: Answer = { status: 0, headers: {}, text: "", then: "silence" };

export class Server {
  /** Whether answers may be wrong. */
  faulty = false;
  /** Requests per path and minute, of each process alone: the world starts a new one every few seconds. */
  readonly requests = new Map<string, number>();
  /** How many processes there were. */
  processes = 0;
  /** Requests that came earlier than Retry-After allowed. */
  tooEarly = 0;
  /** Most pages that were asked for of one list that has no end. */
  deepest = 0;
  /** Watches without a version that followed another such watch, without a list in between. */
  unlisted = 0;
  /** Texts that the program must report as its problem once it has the whole answer, by request. */
  readonly says = new Map<number, string>();
  #ids = 0;
  /** Paths whose last request was a watch without a version. */
  readonly #unversioned = new Set<string>();
  readonly #retryAt = new Map<string, number>();
  /** Paths whose last list lost most of its objects. The next whole list does not, and may be delayed. */
  readonly #lossy = new Map<string, number>();
  /** Paths whose last list lost most, and whose next one contradicts it. */
  readonly #contradicting = new Set<string>();
  /** Paths whose last right list removed most: the next one must not lose what came back. */
  readonly #short = new Set<string>();
  readonly #endlessUntil = new Map<string, number>();
  readonly #honest: HonestApi;
  readonly connections: Connections;

  constructor(
    readonly cluster: Cluster,
    readonly manners: Manners,
    readonly chance: Chance,
    readonly counts: FaultCounts,
    readonly resources: readonly ApiResource[],
    /** How many known objects of a kind the proxy has. */
    readonly known: (kind: string) => number,
  ) {
    this.#honest = new HonestApi(cluster, manners, chance, counts);
    this.connections = new Connections(cluster, manners.bookmarkMilliseconds, chance, counts);
  }

  /** A number for the next request or connection. */
  newId(): number {
    return ++this.#ids;
  }

  /** Takes a request; its answer arrives under `id`. */
  ask(id: number, connection: number, path: string, query: Query, encoding: Encoding, now: number): void {
    const resource = this.resources.find((one) => one.path === path);
    if (this.connections.isDead(connection)) return;
    if (resource === undefined) {
      return this.connections.send(id, connection, this.resources[0]!, whole("ok"), undefined, now);
    }
    this.#count(path, now);
    this.#noteVersion(path, query);
    if (now < (this.#retryAt.get(askedAgain(path, query)) ?? 0)) this.tooEarly++;
    const answer = this.#answer(resource, query, now);
    if (answer.says !== undefined) this.says.set(id, answer.says);
    const streams = query["watch"] === undefined ? "value" : "stream";
    if (this.manners.protobuf) {
      this.counts.fired(encoding === "protobuf" ? "answers in protobuf" : "protobuf that cannot be read");
    }
    const protobuf = this.manners.protobuf && encoding === "protobuf" ? streams : undefined;
    this.connections.send(id, connection, resource, answer, protobuf, now);
  }

  /** The program has ended: its requests are dropped, and the next program need not wait for Retry-After. */
  forget(): void {
    this.connections.clear();
    this.#retryAt.clear();
    this.#unversioned.clear();
    this.#contradicting.clear();
  }

  /** The program has received a whole list of `path`: the next list may lose most of its objects again. */
  noteList(path: string, objects: number): void {
    const { kind } = this.resources.find((one) => one.path === path)!;
    if (objects * 2 > this.cluster.list(kind).length || this.cluster.list(kind).length <= LEFT_MAX) {
      this.#lossy.delete(path);
    }
  }

  /** The program has received a Retry-After: it must not send `query` of `path` again before `at`. */
  noteRetry(path: string, query: Query, at: number): void {
    this.#retryAt.set(askedAgain(path, query), at);
  }

  #noteVersion(path: string, query: Query): void {
    const versioned = shapeOf(query) !== "watch" || (query["resourceVersion"] ?? "") !== "";
    if (versioned) return void this.#unversioned.delete(path);
    if (this.#unversioned.has(path)) this.unlisted++;
    this.#unversioned.add(path);
  }

  #count(path: string, now: number): void {
    const key = `${Math.floor(now / 60_000)} of process ${this.processes}: ${path}`;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
  }

  #answer(resource: ApiResource, query: Query, now: number): Answer {
    const shape = shapeOf(query);
    const { path } = resource;
    if (shape !== "watch" && now < (this.#lossy.get(path) ?? 0)) {
      this.counts.fired("second list that does not come for a while");
      return NONE;
    }
    const lists = shape === "list" || shape === "page";
    const contradicting = shape === "list" && this.#contradicting.delete(path) && this.faulty
      ? this.#contradict(resource)
      : undefined;
    if (contradicting !== undefined) return contradicting;
    if (lists && now < (this.#endlessUntil.get(path) ?? 0)) return this.#endless(resource, query);
    const honest = this.#honest.answer(resource, query, now);
    // Few lists have a second page.
    const often = shape === "page" ? 0.6 : 0.33;
    const faulty = this.faulty && this.chance.share() < often
      ? this.#fault(resource, shape, query, honest, now)
      : undefined;
    if (faulty === undefined && (shape === "list" || shape === "stream")) this.#noteShort(resource);
    return faulty ?? honest;
  }

  #noteShort({ kind, path }: ApiResource): void {
    if (this.cluster.list(kind).length * 2 < this.known(kind)) this.#short.add(path);
    else this.#short.delete(path);
  }

  #fault(
    { kind, apiVersion, path }: ApiResource,
    shape: Exclude<Shape, "any">,
    query: Query,
    honest: Answer,
    now: number,
  ): Answer | undefined {
    const items = this.cluster.list(kind);
    const inParts = shape === "stream" && items.length > PART && !this.chance.once(8);
    const kept = keptOf(items, this.known(kind));
    const loses = kept > 0 && (shape === "list" || shape === "stream") && this.chance.once(4);
    const fault = inParts
      ? this.chance.pick(IN_STREAMS)
      : loses
      ? "list that lost most"
      : someFault(shape, this.chance);
    // An error answer can only have faults of the connection.
    if (honest.status !== 200) return undefined;
    if (fault === "list that lost most" && (this.#lossy.has(path) || this.#short.has(path))) return undefined;
    const special = this.#special(fault, path, query, now);
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
      kept,
      losesMost: this.known(kind) > LOSES_MOST && items.length > LOSES_MOST,
    });
    if (answer === undefined) return undefined;
    if (fault === "list that lost most") {
      if (kept > 0) this.#contradicting.add(path);
      this.#lossy.set(path, this.chance.once(2) ? now : now + this.chance.between(5, 30) * 1000);
    }
    // Faults of a later line are counted when that line is written.
    if (answer.then === honest.then || typeof answer.then !== "object") {
      this.counts.fired(answer.counts ?? fault);
    }
    return answer;
  }

  #special(fault: AnswerFault, path: string, query: Query, now: number): Answer | undefined {
    if (fault === "connection refused") {
      this.counts.fired(fault);
      return { ...NONE, then: "reset" };
    }
    if (fault !== "endless continue tokens") return undefined;
    this.counts.fired(fault);
    this.#endlessUntil.set(path, now + this.chance.between(1, 20) * 1000);
    const resource = this.resources.find((one) => one.path === path)!;
    return this.#endless(resource, query);
  }

  /** A list that lost most, other objects than the last one did; undefined where too few are left. */
  #contradict({ kind, apiVersion }: ApiResource): Answer | undefined {
    const items = this.cluster.list(kind);
    const kept = keptOf(items, this.known(kind));
    if (kept === 0) return undefined;
    this.counts.fired("second list that contradicts the first");
    const resourceVersion = String(this.cluster.version);
    return whole(
      listText(kind, apiVersion, items.slice(items.length - kept), { resourceVersion }),
    );
  }

  #endless({ kind, apiVersion }: ApiResource, query: Query): Answer {
    const page = Number(/^endless-(\d+)-/.exec(query["continue"] ?? "")?.[1] ?? 0) + 1;
    this.deepest = Math.max(this.deepest, page);
    const metadata = {
      resourceVersion: String(this.cluster.version),
      continue: `endless-${page}-${this.chance.below(1e6)}`,
    };
    return whole(
      listText(kind, apiVersion, this.chance.once(2) ? this.cluster.list(kind).slice(0, 1) : [], metadata),
    );
  }
}

/** What a Retry-After delays: the lists of a resource, or its watches. A list that must wait does not delay the watch. */
function askedAgain(path: string, query: Query): string {
  return `${shapeOf(query) === "watch" ? "watch" : "list"} ${path}`;
}
