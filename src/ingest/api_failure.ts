// What can be wrong with an API server and with the way to it, and what its answers say of it. Failures of an answer carry
// what decides about the next request; nothing here depends on the words of a message.

import { printable } from "../printable.ts";
import type { ProblemReason, WatchProblem } from "./source.ts";

/** What is wrong with the way to the API server, and how to mend it; trying again does not help. */
export class KubeconfigProblem extends Error {
  override readonly name = "KubeconfigProblem";
}

/** The answer to a request is an error, or is not what was asked for. */
export class ApiFailure extends Error implements WatchProblem {
  override readonly name = "ApiFailure";
  /** Milliseconds that the server asks to wait; 0 where it does not. */
  readonly retryAfter: number;

  constructor(readonly reason: ProblemReason, message: string, retryAfter = 0) {
    super(message);
    this.retryAfter = retryAfter;
  }

  get text(): string {
    return this.message;
  }
}

/** What the answer is not: `invalid`, with `text` that says what it is instead. */
export function invalid(text: string): ApiFailure {
  return new ApiFailure("invalid", text);
}

/** Most characters of a foreign text in a message. */
const QUOTED_MAX = 200;

/** The beginning of `text` on one line, for a message. */
export function beginning(text: string): string {
  return printable(text.trim().slice(0, QUOTED_MAX).replace(/\s+/g, " "));
}

/** The fields of a Kubernetes Status that matter; each may be anything. */
interface Status {
  readonly kind?: unknown;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
  readonly details?: unknown;
}

/** Whether `value` is a Status object: the API server's way to say no, whatever the HTTP code. */
export function isStatus(value: unknown): value is Status {
  return typeof value === "object" && value !== null && (value as Status).kind === "Status";
}

/** The failure that a Status object stands for. */
export function statusFailure(said: Status): ApiFailure {
  const { message, code } = said;
  const text = typeof message === "string" && message !== "" ? message : `a Status without a message`;
  const status = typeof code === "number" ? code : 0;
  return new ApiFailure(reasonOf(status, statusReason(said), 0), beginning(text));
}

/**
 * The reason of a Status. A version that the server does not have yet, after it was restored from a backup, is as good as
 * one that it does not have any more (apimachinery 0.37: a Timeout with the cause ResourceVersionTooLarge).
 */
function statusReason({ reason, details }: Status): string {
  const causes = (details as { readonly causes?: unknown } | null | undefined)?.causes;
  const isTooLarge = Array.isArray(causes) &&
    causes.some((cause) => (cause as { reason?: unknown } | null)?.reason === "ResourceVersionTooLarge");
  return isTooLarge ? "Expired" : typeof reason === "string" ? reason : "";
}

/** The failure that an answer of `path` with HTTP status `status` other than 200 stands for. */
export function httpFailure(path: string, status: number, body: string, retryAfter: number): ApiFailure {
  const parsed = parsedOrNothing(body);
  const [said, reason] = isStatus(parsed) ? [parsed.message, statusReason(parsed)] : [undefined, ""];
  const text = typeof said === "string" ? said : body;
  const quoted = beginning(text) || "an empty answer";
  return new ApiFailure(
    reasonOf(status, reason, retryAfter),
    `${path}: ${`${status} ${STATUS_TEXTS[status] ?? ""}`.trim()}: ${quoted}`,
    retryAfter,
  );
}

/** HTTP/2 has no texts; messages have them all the same. */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function reasonOf(status: number, reason: string, retryAfter: number): ProblemReason {
  if (status === 410 || reason === "Expired" || reason === "Gone") return "expired";
  if (status === 401 || status === 403) return "forbidden";
  if (status === 404) return "absent";
  return status === 429 || retryAfter > 0 ? "throttled" : "error";
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * `Retry-After` in milliseconds from `time` (RFC 3339) on: seconds or a date (RFC 9110, 10.2.3); 0 where it is absent or
 * makes no sense.
 */
export function retryAfterMilliseconds(header: string, time: string): number {
  const seconds = /^\s*\d+\s*$/.test(header)
    ? Number(header)
    : (Date.parse(header) - Date.parse(time)) / 1000;
  return seconds > 0 ? seconds * 1000 : 0;
}
