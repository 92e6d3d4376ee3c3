// The connections between the program and the API server: answers that are cut into reads anywhere, open watches, and
// connections that die without a reset.

import type { ApiResource } from "../../src/ingest/resources.ts";
import { type Answer, bookmark, changeText, type Following, JSON_TYPE } from "./answers.ts";
import type { Chance } from "./chance.ts";
import type { Cluster } from "./cluster.ts";
import { contentType, inProtobuf } from "../support/protobuf_bodies.ts";
import type { FaultCounts } from "./faults.ts";

/** What the program receives on one request. */
export type Arrival =
  | { readonly kind: "head"; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly deletes?: string }
  | { readonly kind: "end" }
  | { readonly kind: "broken"; readonly reason: string };

/** An open request. */
interface Stream {
  readonly resource: ApiResource;
  readonly connection: number;
  /** Whether its body is in protobuf. */
  readonly isProtobuf: boolean;
  /** What was sent and not received yet, in order. */
  readonly coming: { readonly at: number; readonly arrival: Arrival }[];
  /** Set while it is an open watch. */
  following: Following | undefined;
}

const encoder = new TextEncoder();

export class Connections {
  readonly #streams = new Map<number, Stream>();
  /** Connections that are dead, without a reset. */
  readonly #dead = new Set<number>();

  constructor(
    readonly cluster: Cluster,
    readonly bookmarkMilliseconds: number,
    readonly chance: Chance,
    readonly counts: FaultCounts,
  ) {}

  /** Whether `connection` is dead, so that nothing sent on it arrives. */
  isDead(connection: number): boolean {
    return this.#dead.has(connection);
  }

  /** Sends `answer` to request `id`, in `protobuf` where it has a content type of JSON. */
  send(
    id: number,
    connection: number,
    resource: ApiResource,
    answer: Answer,
    protobuf: "stream" | "value" | undefined,
    now: number,
  ): void {
    const { chance } = this;
    const isProtobuf = protobuf !== undefined && answer.headers["content-type"] === JSON_TYPE;
    const stream: Stream = { resource, connection, isProtobuf, coming: [], following: undefined };
    const streams = protobuf === "stream" && answer.status === 200;
    let at = now + chance.between(1, 50);
    if (answer.status !== 0) {
      const { status } = answer;
      const headers = isProtobuf
        ? { ...answer.headers, "content-type": contentType(streams) }
        : answer.headers;
      stream.coming.push({ at, arrival: { kind: "head", status, headers } });
    }
    const body = isProtobuf ? inProtobuf(answer.text, streams) : encoder.encode(answer.text);
    for (const bytes of pieces(body, chance)) {
      at += chance.below(20);
      stream.coming.push({ at, arrival: { kind: "bytes", bytes } });
    }
    if (typeof answer.then === "object") stream.following = answer.then;
    else if (answer.then !== "silence") stream.coming.push({ at: at + 1, arrival: ends(answer) });
    this.#streams.set(id, stream);
  }

  /** Sends the lines of a watch that are due at `now`. */
  #follow(stream: Stream, now: number): void {
    const { following, coming, isProtobuf, resource: { kind, apiVersion } } = stream;
    if (following === undefined) return;
    const send = (text: string, deletes?: string) => {
      const bytes = isProtobuf ? inProtobuf(text, true) : encoder.encode(text);
      const arrival = { kind: "bytes", bytes } as const;
      coming.push({ at: now, arrival: deletes === undefined ? arrival : { ...arrival, deletes } });
    };
    const { history, version } = this.cluster;
    for (const change of following.version < version ? history : []) {
      if (change.version <= following.version || change.object.kind !== kind) continue;
      const { type, object } = change;
      send(changeText(change, following.manner), type === "DELETED" ? object.metadata.name : undefined);
      this.#countManner(following, change.type);
    }
    following.version = version;
    const { odd } = following;
    if (odd !== undefined && odd.at <= now) {
      if (odd.text !== "") send(odd.text);
      this.counts.fired(odd.fault);
      following.odd = undefined;
      // In protobuf nothing can follow an object that came in place of a frame: only the end of the body ends it.
      const whole = isProtobuf && isBareObject(odd.text);
      if (odd.then === "end" || whole) following.endsAt = now;
      if (odd.then === "silence" && !whole) return void (stream.following = undefined);
    }
    if (following.bookmarkAt <= now) {
      send(bookmark(kind, apiVersion, String(version), false));
      following.bookmarkAt = now + this.bookmarkMilliseconds;
    }
    if (following.endsAt > now) return;
    stream.following = undefined;
    coming.push({ at: now, arrival: { kind: "end" } });
  }

  /** A manner is counted when a line is sent in it, and is used once. */
  #countManner(following: Following, type: string): void {
    const { manner } = following;
    if (manner === "plainly" || (manner === "by name" && type !== "DELETED")) return;
    this.counts.fired(MANNERS[manner]);
    following.manner = "plainly";
  }

  /** The program has aborted request `id`. */
  drop(id: number): void {
    this.#streams.delete(id);
  }

  /** The open connections die without a reset. */
  deaden(): boolean {
    const open = new Set([...this.#streams.values()].map(({ connection }) => connection));
    for (const connection of open) this.#dead.add(connection);
    for (const [id, { connection }] of this.#streams) {
      if (this.#dead.has(connection)) this.#streams.delete(id);
    }
    return open.size > 0;
  }

  /** Every open connection is reset. */
  reset(now: number): boolean {
    for (const stream of this.#streams.values()) {
      stream.following = undefined;
      stream.coming.splice(0, Infinity, { at: now, arrival: { kind: "broken", reason: "connection reset" } });
    }
    return this.#streams.size > 0;
  }

  /** When the next arrival is due. */
  nextAt(): number {
    let at = Infinity;
    for (const { coming, following } of this.#streams.values()) {
      const next = coming.length > 0 ? coming[0]!.at : Infinity;
      at = Math.min(at, next, following === undefined ? Infinity : dueAt(following));
    }
    return at;
  }

  /** The next arrival that is due at `now`. */
  take(now: number): { readonly id: number; readonly arrival: Arrival } | undefined {
    for (const [id, stream] of this.#streams) {
      this.#follow(stream, now);
      const [first] = stream.coming;
      if (first === undefined || first.at > now) continue;
      stream.coming.shift();
      const { arrival } = first;
      if (arrival.kind === "end" || arrival.kind === "broken") this.#streams.delete(id);
      return { id, arrival };
    }
    return undefined;
  }

  /** Sends new changes on every watch. */
  changed(now: number): void {
    for (const stream of this.#streams.values()) this.#follow(stream, now);
  }

  /** Drops all requests, because the program has ended. */
  clear(): void {
    this.#streams.clear();
  }
}

const MANNERS = {
  "twice": "event twice",
  "by name": "DELETED with only a name",
  "without version": "event without version",
} as const;

function dueAt({ endsAt, bookmarkAt, odd }: Following): number {
  return Math.min(endsAt, bookmarkAt, odd?.at ?? Infinity);
}

function ends({ status, then }: Answer): Arrival {
  if (then === "end") return { kind: "end" };
  return { kind: "broken", reason: status === 0 ? "connection refused" : "connection reset" };
}

/** `bytes` as up to four reads, cut anywhere. */
function pieces(bytes: Uint8Array, chance: Chance): Uint8Array[] {
  const cuts = Array.from({ length: chance.below(4) }, () => chance.below(bytes.length + 1)).sort((a, b) =>
    a - b
  );
  return [0, ...cuts].map((from, i) => bytes.slice(from, cuts[i] ?? bytes.length)).filter(({ length }) =>
    length > 0
  );
}

/** Whether a line of a watch is an object that is no event. */
function isBareObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "kind" in value && !("type" in value);
  } catch {
    return false;
  }
}
