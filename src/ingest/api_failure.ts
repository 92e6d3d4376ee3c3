// Failures of an API server and of the way to it, and how an error answer becomes a failure. A failure has a reason, which
// decides about the next request. The reason follows from status codes and fields, never from the text of a message.

import { isJsonObject } from "../kube/json_value.ts";
import { cutText, printable } from "../printable.ts";
import type { ProblemReason, WatchProblem } from "./source.ts";

/** The configured way to the API server is wrong. The message says how to correct it; trying again does not help. */
export class KubeconfigProblem extends Error {
  override readonly name = "KubeconfigProblem";
}

/** The answer to a request is an error, or is not what was asked for. */
export class ApiFailure extends Error implements WatchProblem {
  override readonly name = "ApiFailure";
  /** How long the server asks to wait, in milliseconds; 0 where it does not. */
  readonly retryAfter: number;

  constructor(readonly reason: ProblemReason, message: string, retryAfter = 0) {
    super(message);
    this.retryAfter = retryAfter;
  }

  get text(): string {
    return this.message;
  }
}

/** The encoding of the answer cannot be read, or the server has none that was asked for. Another encoding may work. */
export class EncodingFailure extends ApiFailure {}

/** Whether a request has no whole answer: no connection, one that broke, or none in time. The runtime has no class for these. */
export function isUnanswered(error: unknown): error is Error {
  return error instanceof ApiFailure || error instanceof TypeError ||
    error instanceof DOMException && error.name === "TimeoutError";
}

/** A failure with reason `invalid`; `text` says what the server sent instead of the expected answer. */
export function invalid(text: string): ApiFailure {
  return new ApiFailure("invalid", text);
}

/** Most characters of the server's text in a message. */
const QUOTED_MAX = 200;

/** The beginning of `text`, on one line and printable, for a message. */
export function beginning(text: string): string {
  return printable(cutText(text.trim(), QUOTED_MAX).replace(/\s+/g, " "));
}

/** The fields of a Kubernetes Status that are read here. Their types are not checked. */
interface Status {
  readonly kind?: unknown;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
  readonly details?: unknown;
}

/** Whether `value` is a Status object. API servers report errors with it, even in answers whose HTTP status is 200. */
export function isStatus(value: unknown): value is Status {
  return isJsonObject(value) && value["kind"] === "Status";
}

/** The failure that a Status object reports. */
export function statusFailure(said: Status): ApiFailure {
  const { message, code } = said;
  const text = typeof message === "string" && message !== "" ? message : `a Status without a message`;
  const status = typeof code === "number" ? code : 0;
  return new ApiFailure(reasonOf(status, statusReason(said), 0), beginning(text));
}

/**
 * The reason of a Status. After a restore from a backup the server may not have our version yet (apimachinery 0.37: a Timeout
 * with the cause ResourceVersionTooLarge). That is treated as a version that has expired: in both cases a list is needed.
 */
function statusReason({ reason, details }: Status): string {
  const causes = isJsonObject(details) ? details["causes"] : undefined;
  const isTooLarge = Array.isArray(causes) &&
    causes.some((cause) => isJsonObject(cause) && cause["reason"] === "ResourceVersionTooLarge");
  return isTooLarge ? "Expired" : typeof reason === "string" ? reason : "";
}

/** The failure that an answer to a request of `path` reports: a text, or an object. Its HTTP `status` is not 200. */
export function httpFailure(path: string, status: number, body: unknown, retryAfter: number): ApiFailure {
  const parsed = typeof body === "string" ? parsedOrNothing(body) : body;
  const [said, reason] = isStatus(parsed) ? [parsed.message, statusReason(parsed)] : [undefined, ""];
  const text = typeof said === "string" ? said : typeof body === "string" ? body : "";
  const quoted = beginning(text) || "an empty answer";
  const Failure = status === 406 ? EncodingFailure : ApiFailure;
  return new Failure(
    reasonOf(status, reason, retryAfter),
    `${path}: ${`${status} ${STATUS_TEXTS[status] ?? ""}`.trim()}: ${quoted}`,
    retryAfter,
  );
}

/** The usual texts of status codes, for messages: HTTP/2 does not transmit them. */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  406: "Not Acceptable",
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
 * The wait that a `Retry-After` header asks for, in milliseconds after `time` (RFC 3339). The header has seconds or a date
 * (RFC 9110, 10.2.3). 0 where it is absent or neither of them.
 */
export function retryAfterMilliseconds(header: string, time: string): number {
  const seconds = /^\s*\d+\s*$/.test(header)
    ? Number(header)
    : (Date.parse(header) - Date.parse(time)) / 1000;
  return seconds > 0 ? seconds * 1000 : 0;
}
