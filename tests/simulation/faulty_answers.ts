// Wrong answers, each with one fault. Where a fault does not fit the request there is none, and the server gives the right
// answer.

import { decodeObject } from "../../src/kube/decode.ts";
import { LARGE_REMOVAL_MIN } from "../../src/limits/input.ts";
import { type Answer, bookmark, line, listText, refusal, statusText, whole } from "./answers.ts";
import type { Chance } from "./chance.ts";
import type { Stored, Wanted } from "./cluster.ts";
import type { AnswerFault, Fault } from "./faults.ts";

/** What a wrong answer is made from. */
export interface Asked {
  readonly kind: string;
  readonly apiVersion: string;
  readonly chance: Chance;
  /** The right answer. */
  readonly honest: Answer;
  /** All objects of the kind. */
  readonly items: readonly Stored[];
  /** Whether a list of two of them would remove most of the known objects, and at least ten. */
  readonly losesMost: boolean;
  /** Objects that such a list keeps; 0 for a few. */
  readonly kept: number;
  readonly version: number;
  readonly now: number;
}

/** A wrong answer; and its fault, where that is another one than was asked for. */
export type Faulty = Answer & { readonly counts?: Fault };

/** Most objects of a list that lost most of its objects. */
export const LEFT_MAX = 2;
const LEADER = "etcd leader changed";
const HTML = "<html><body>maintenance</body></html>";
/** Objects after which a list is delivered in parts (`PART_OBJECTS` of ingest). */
export const PART = 500;

/** The answer with `fault`; undefined where the fault does not fit. */
export function faultyAnswer(fault: AnswerFault, asked: Asked): Faulty | undefined {
  const { honest, chance, kind, apiVersion, items, version } = asked;
  switch (fault) {
    case "nothing ever comes":
      return { ...honest, status: 0, text: "", then: "silence" };
    case "429 or 503 with Retry-After":
      return refusal(chance.pick([429, 503]), "TooManyRequests", {
        "retry-after": String(chance.between(2, 20)),
      });
    case "Status with code 200":
    case "Status with code 200 as later page":
      return { ...whole(statusText(chance.pick([500, 503]), "InternalError", LEADER)), says: LEADER };
    case "answer reset in the middle":
    case "answer that stops in the middle": {
      if (honest.text.length < 2) return undefined;
      const text = honest.text.slice(0, chance.between(1, honest.text.length - 1));
      return { ...honest, text, then: fault === "answer reset in the middle" ? "reset" : "silence" };
    }
    case "JSON that is no list":
    case "page that is no list":
      return whole(chance.pick(NO_LISTS)(kind, apiVersion));
    case "list of another kind":
      return whole(
        listText(kind === "Service" ? "Endpoints" : "Service", "v1", [], {
          resourceVersion: String(version),
        }),
      );
    case "HTML or empty body":
    case "HTML or empty page":
      return whole(chance.pick([HTML, "", "\n"]), 200, { "content-type": "text/html" });
    case "list without version":
      return whole(
        honest.text.replace(/"resourceVersion":"\d+"/, chance.pick(['"resourceVersion":""', '"x":1'])),
      );
    case "list that lost most": {
      if (!asked.losesMost) return undefined;
      const kept = items.slice(0, asked.kept > 0 ? asked.kept : chance.below(LEFT_MAX + 1));
      if (!isStream(honest)) {
        return whole(listText(kind, apiVersion, kept, { resourceVersion: String(version) }));
      }
      return { ...honest, text: kept.map((item) => line("ADDED", item)).join("") + endOf(asked) };
    }
    case "version moves between pages":
      return whole(movedPage(honest.text));
    case "continue token expired":
      return refusal(410, "Expired", {}, "the provided continue parameter is too old");
    case "deleted inside a streamed list":
    case "changed inside a streamed list":
    case "streamed list that ends early":
    case "streamed list without version":
      return faultyStream(fault, asked);
    default:
      return faultyWatch(fault, asked);
  }
}

/** The page in `text` from another state of the server: of the next version, and with an earlier value of its first object. */
function movedPage(text: string): string {
  const { metadata, items: [first, ...rest], ...list } = JSON.parse(text);
  const resourceVersion = String(Number(metadata.resourceVersion) + 1);
  const old = { ...first, metadata: { ...first.metadata, resourceVersion: EARLIER } };
  return JSON.stringify({ ...list, metadata: { ...metadata, resourceVersion }, items: [old, ...rest] });
}

/**
 * How many of `items` a list that lost most may keep, where the program knows `known` of the kind, so that another list can
 * lose all of these too; 0 where there are too few.
 */
export function keptOf(items: readonly Stored[], known: number): number {
  const kept = Math.floor(items.length * 0.45);
  const readable = items.slice(0, kept).filter((item) => decodeObject(item).ok);
  return readable.length < LARGE_REMOVAL_MIN || known <= 2 * kept ? 0 : kept;
}

const NO_LISTS: readonly ((kind: string, apiVersion: string) => string)[] = [
  () => '{"status":"ok"}',
  () => "[]",
  () => "null",
  () => "5",
  () => '"ok"',
  () => '{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[]}',
  (kind, apiVersion) =>
    JSON.stringify({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion: "1" } }),
  (kind, apiVersion) =>
    JSON.stringify({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion: "1" }, items: null }),
  (kind, apiVersion) =>
    JSON.stringify({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion: "1" }, items: {} }),
];

function isStream({ then }: Answer): boolean {
  return typeof then === "object";
}

function endOf({ kind, apiVersion, version }: Asked): string {
  return bookmark(kind, apiVersion, String(version), true);
}

/** Objects that are deleted or changed while the list is sent: their last value counts. */
function faultyStream(
  fault: AnswerFault & `${string}stream${string}`,
  asked: Asked,
): Faulty | undefined {
  const { honest, items, chance, version } = asked;
  const lines = items.map((item) => line("ADDED", item));
  const end = endOf(asked);
  if (!honest.text.endsWith(end)) return undefined;
  const late = items.length > PART;
  if (fault === "streamed list that ends early") {
    const text = lines.slice(0, chance.below(lines.length + 1)).join("");
    return { ...honest, text, then: chance.pick(["end", "reset"]) };
  }
  if (fault === "streamed list without version") {
    return {
      ...honest,
      text: lines.join("") + end.replace(/"resourceVersion":"\d+"/, '"resourceVersion":""'),
    };
  }
  if (items.length === 0) return undefined;
  if (fault === "deleted inside a streamed list") {
    const ghost = ghostOf(items[0]!);
    const gone = { ...ghost, metadata: { ...ghost.metadata, resourceVersion: String(version) } };
    const text = line("ADDED", ghost) + lines.join("") + line("DELETED", gone) + end;
    return { ...honest, text, ...(late ? { counts: "deleted inside a streamed list, after a part" } : {}) };
  }
  const [first, ...rest] = items;
  const before = line("ADDED", earlier(first!));
  const text = before + rest.map((item) => line("ADDED", item)).join("") + line("MODIFIED", first) + end;
  return { ...honest, text, ...(late ? { counts: "changed inside a streamed list, after a part" } : {}) };
}

/** An object of the same kind that the cluster never had. */
function ghostOf(item: Stored): Stored {
  const text = JSON.stringify(item).replaceAll("10.96.", "10.97.");
  const ghost = JSON.parse(text) as Stored;
  return { ...ghost, metadata: { ...ghost.metadata, name: "a-ghost", uid: GHOST } };
}

/** The uid of the object that a stream adds and deletes before its end. The cluster never has it. */
export const GHOST = "uid-ghost";

/** The version of a value that changed before the end of its list. The cluster's versions are higher. */
export const EARLIER = "1";

/** An earlier value of `item`. */
function earlier(item: Stored): Stored {
  return { ...item, ...earlierFields(item), metadata: { ...item.metadata, resourceVersion: EARLIER } };
}

function earlierFields(item: Stored): Partial<Wanted> {
  switch (item.kind) {
    case "EndpointSlice":
      return { endpoints: [{ addresses: ["10.244.99.99"], conditions: { ready: true } }] };
    case "Service": {
      const spec = item["spec"] as Record<string, unknown>;
      return { spec: { ...spec, ports: [{ name: "old", port: 99, protocol: "TCP" }] } };
    }
    default:
      return {};
  }
}

/** Wrong lines, and what the server does after each. */
const ODD: Partial<Record<AnswerFault, readonly ((asked: Asked) => string)[]>> = {
  "Status inside a watch": [
    () => `${statusText(500, "InternalError")}\n`,
    () => `{"type":"ERROR","object":${statusText(500, "InternalError")}}\n`,
    () => `{"type":"ERROR","object":${statusText(410, "Expired")}}\n`,
    () => `{"type":"MODIFIED","object":${statusText(500, "InternalError")}}\n`,
  ],
  "line without object": [
    () => '{"type":"BOOKMARK"}\n',
    () => '{"type":"ADDED"}\n',
    () => '{"type":"DELETED"}\n',
    () => '{"type":"MODIFIED","object":{}}\n',
  ],
  "line with a null object": [
    () => '{"type":"ADDED","object":null}\n',
    () => '{"type":"DELETED","object":null}\n',
    () => '{"type":"BOOKMARK","object":null}\n',
    () => '{"type":"BOOKMARK","object":{"metadata":null}}\n',
  ],
  "line that is a number or null": [() => "5\n", () => "null\n", () => '"text"\n', () => "[]\n"],
  "ERROR without fields": [() => '{"type":"ERROR"}\n', () => '{"type":"ERROR","object":{}}\n'],
  "unknown type of line": [
    ({ items }) => line("CHANGED", items[0] ?? {}),
    () => '{"type":5,"object":{}}\n',
    () => "{}\n",
  ],
  "bookmark without version": [
    ({ kind, apiVersion }) => bookmark(kind, apiVersion, "", false),
    ({ kind, apiVersion }) => line("BOOKMARK", { kind, apiVersion }),
  ],
  "garbage line, then the end": [() => "bad gateway\n", () => `${HTML}\n`],
};

function faultyWatch(fault: AnswerFault, asked: Asked): Faulty | undefined {
  const { honest, chance, items } = asked;
  const { then } = honest;
  if (typeof then !== "object") return undefined;
  const at = asked.now + chance.between(100, 8000);
  const odd = ODD[fault];
  if (odd !== undefined) {
    const after = fault === "garbage line, then the end"
      ? "end"
      : chance.pick(["more", "end", "silence"] as const);
    return { ...honest, then: { ...then, odd: { fault, at, text: chance.pick(odd)(asked), then: after } } };
  }
  switch (fault) {
    case "line cut in the middle": {
      const text = items.length === 0
        ? '{"type":'
        : line("MODIFIED", items[0]).slice(0, chance.between(1, 80));
      return {
        ...honest,
        then: { ...then, odd: { fault, at, text, then: chance.pick(["end", "silence"] as const) } },
      };
    }
    case "watch cut after seconds":
      return { ...honest, then: { ...then, odd: { fault, at, text: "", then: "end" } } };
    case "DELETED with only a name":
      return { ...honest, then: { ...then, manner: "by name" } };
    case "event twice":
      return { ...honest, then: { ...then, manner: "twice" } };
    case "event without version":
      return { ...honest, then: { ...then, manner: "without version" } };
    default:
      return undefined;
  }
}
