// The log of the program, on standard error. Interactive commands write plain sentences. `run` and `record` write each message
// with its time and level, or as JSON with the keys of Kubernetes' components (component-base 1.37), in the background.

import { configureSync, getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";
import { countText } from "../count_text.ts";
import { LOG_LINE_CHARACTERS_MAX } from "../limits/serving.ts";
import { cutText, printable, redacted } from "../printable.ts";
import { LogWriter } from "./log_writer.ts";
import { type Document, isDocument } from "./proxy_flags.ts";

/** The form of messages, as `--logging-format` and `-v` set it. */
export interface LogSettings {
  readonly format: "plain" | "text" | "json";
  /** Debug messages are written from 4 on, as in Kubernetes' conventions. */
  readonly verbosity: number;
}

/** Debug messages are written from this verbosity on. */
const DEBUG_VERBOSITY = 4;
/** How long the end of the program waits for standard error. */
const FLUSH_MILLISECONDS = 1000;

let inForce: LogSettings = { format: "plain", verbosity: 0 };

const writer = new LogWriter(Deno.stderr, (count) => {
  const level = "warning";
  const text = `${
    countText(count, "line of the log was", "lines of the log were")
  } dropped: standard error took no more`;
  return logLine({ level, time: Date.now(), text }, inForce);
});

const logger = getLogger("ledgerproxy");

/** A message that is made later, and the timer for that. */
let later: { readonly make: () => string; readonly timer: ReturnType<typeof setTimeout> } | undefined;

/** Writes messages. As a tagged template a text is not parsed: braces in it stay, and a line costs half. */
export const log = {
  debug: (text: string) => (writeLater(), logger.debug`${text}`),
  info: (text: string) => (writeLater(), logger.info`${text}`),
  warn: (text: string) => (writeLater(), logger.warn`${text}`),
  error: (text: string) => (writeLater(), logger.error`${text}`),
} as const;

/**
 * Writes, after so many milliseconds, the message that `make` returns then; at once before any other message and at the end of the
 * program, so that messages are in the order of what they say. While one waits, a further one is not taken.
 */
export function logLater(make: () => string, milliseconds: number): void {
  later ??= { make, timer: setTimeout(writeLater, milliseconds) };
}

function writeLater(): void {
  if (later === undefined) return;
  const { make, timer } = later;
  later = undefined;
  clearTimeout(timer);
  logger.info`${make()}`;
}

/** Sends all messages to standard error. Call it once, at the start. */
export function startLog(): void {
  configureLog(inForce);
}

/** From now on messages have time and level, and never wait for the program that reads them. */
export function startNodeLog(): void {
  writer.goBackground();
  configureLog({ ...inForce, format: "text" });
}

/** Applies format and verbosity of `document`, a KubeProxyConfiguration, to the log of `run` and `record`. */
export function followLogSettings(document: Document): void {
  if (inForce.format === "plain") return;
  const section = document["logging"];
  const logging = isDocument(section) ? section : {};
  const verbosity = logging["verbosity"];
  configureLog({
    format: logging["format"] === "json" ? "json" : "text",
    verbosity: typeof verbosity === "number" ? verbosity : 0,
  });
}

/** How many lines standard error did not take. */
export function droppedLines(): number {
  return writer.dropped;
}

/** Waits a short time until all lines are written. False where a write still hangs: it would keep the process alive. */
export function flushLog(): Promise<boolean> {
  writeLater();
  return writer.flush(FLUSH_MILLISECONDS);
}

/** Applies `settings` to the logger. LogTape's own warnings go to the same place. */
function configureLog(settings: LogSettings): void {
  inForce = settings;
  configureSync({
    sinks: { stderr: (record) => writer.write(logLine(messageOf(record), inForce)) },
    loggers: [
      {
        category: "ledgerproxy",
        sinks: ["stderr"],
        lowestLevel: settings.verbosity >= DEBUG_VERBOSITY ? "debug" : "info",
      },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
    reset: true,
  });
}

/** One message. */
export interface Message {
  readonly level: LogLevel;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** A message of LogTape without its template. */
function messageOf({ level, message, timestamp }: LogRecord): Message {
  return { level, time: timestamp, text: message.map(String).join("") };
}

/** A message as text: one line or more, each with a newline. */
export function logLine({ level, time, text }: Message, { format }: LogSettings): string {
  // Redacted first: of a credential that is cut no pattern finds the rest.
  const shown = cutText(redacted(printable(text)), LOG_LINE_CHARACTERS_MAX);
  switch (format) {
    case "plain":
      return `${level === "info" ? "" : `${level}: `}${shown}\n`;
    case "text": {
      const head = `${new Date(time).toISOString()} ${level}: `;
      return shown.split("\n").map((line) => `${head}${line}\n`).join("");
    }
    case "json":
      return `${JSON.stringify({ ts: time, level, ...(level === "debug" ? { v: 4 } : {}), msg: shown })}\n`;
  }
}

/** `89 ms after the start`: how long this process has run. */
export function sinceStart(): string {
  return `${Math.round(performance.now())} ms after the start`;
}
