// Answers of an API server as text: lists, lines of a watch, Status objects.

import type { Change, Stored } from "./cluster.ts";
import type { AnswerFault } from "./faults.ts";

/** A whole answer: head, text and end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** What follows the text: the end, a reset, silence for ever, or changes. */
  readonly then: "end" | "reset" | "silence" | Following;
  /** Text that the program must then report as its problem. */
  readonly says?: string;
}

/** A watch that is open. */
export interface Following {
  /** The changes up to this version were sent. */
  version: number;
  endsAt: number;
  bookmarkAt: number;
  /** A wrong line that is written at a time, and what follows it. */
  odd: Odd | undefined;
  /** How the next change is sent. */
  manner: "plainly" | "twice" | "by name" | "without version";
}

/** A line that no watch should have. */
export interface Odd {
  readonly fault: AnswerFault;
  readonly at: number;
  readonly text: string;
  readonly then: "more" | "end" | "silence";
}

/** The content type of an answer that may be sent in protobuf. */
export const JSON_TYPE = "application/json";

/** A whole answer. */
export function whole(text: string, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": JSON_TYPE, ...headers }, text, then: "end" };
}

/** A Status that reports a failure. */
export function statusText(code: number, reason: string, message = `${reason} for a test`): string {
  return JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  });
}

/** An answer that rejects the request. */
export function refusal(
  code: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
  message?: string,
): Answer {
  return whole(statusText(code, reason, message), code, headers);
}

/** The metadata of a list. */
export interface ListMeta {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** A list as a server writes it: its items without kind and apiVersion. */
export function listText(
  kind: string,
  apiVersion: string,
  items: readonly Stored[],
  metadata: ListMeta,
): string {
  const bare = items.map(({ kind: _, apiVersion: __, ...rest }) => rest);
  return JSON.stringify({ kind: `${kind}List`, apiVersion, metadata, items: bare });
}

/** One line of a watch. */
export function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** A bookmark. `ends`: it marks the end of the list at the beginning of the stream. */
export function bookmark(kind: string, apiVersion: string, version: string, ends: boolean): string {
  const annotations = ends ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
  return line("BOOKMARK", { kind, apiVersion, metadata: { resourceVersion: version, ...annotations } });
}

/** The lines with which a watch sends `change` in this `manner`. */
export function changeText({ type, object }: Change, manner: Following["manner"]): string {
  const { kind, apiVersion, metadata: { name, namespace, resourceVersion, ...metadata } } = object;
  const named = { name, ...(namespace === undefined ? {} : { namespace }) };
  switch (manner) {
    case "plainly":
      return line(type, object);
    case "twice":
      return line(type, object) + line(type, object);
    case "by name":
      return type === "DELETED"
        ? line(type, { kind, apiVersion, metadata: { ...named, resourceVersion } })
        : line(type, object);
    case "without version":
      return line(type, { ...object, metadata: { ...named, ...metadata, resourceVersion: "" } });
  }
}
