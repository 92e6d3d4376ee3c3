// The log of the program, on standard error. Interactive commands write plain sentences. `run` and `record` write each message
// with its time and level, or as JSON with the keys of Kubernetes' components (component-base 1.37), in the background.

import { LOG_LINE_CHARACTERS_MAX } from "../limits.ts";
import { printable, redacted } from "../printable.ts";
import { LogWriter } from "./log_writer.ts";
import { type Document, isDocument } from "./proxy_flags.ts";

/** How important a message is. */
export type LogLevel = "debug" | "info" | "warning" | "error";

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
let started = false;

const writer = new LogWriter(Deno.stderr, (count) => {
  const level = "warning";
  const text = `${count} lines of the log were dropped: standard error did not take them`;
  return logLine({ level, time: Date.now(), text }, inForce);
});

/** Writes messages. Why no package for it? There is one logger with one sink, and each change of a Service is a line. */
export const log = {
  debug(text: string): void {
    if (inForce.verbosity >= DEBUG_VERBOSITY) write("debug", text);
  },
  info: (text: string) => write("info", text),
  warn: (text: string) => write("warning", text),
  error: (text: string) => write("error", text),
} as const;

function write(level: LogLevel, text: string): void {
  if (started) writer.write(logLine({ level, time: Date.now(), text }, inForce));
}

/** Sends all messages to standard error. Call it once, at the start; before, they are dropped. */
export function startLog(): void {
  started = true;
}

/** From now on messages have time and level, and never wait for the program that reads them. */
export function startNodeLog(): void {
  writer.goBackground();
  inForce = { ...inForce, format: "text" };
}

/** Applies format and verbosity of `document`, a KubeProxyConfiguration, to the log of `run` and `record`. */
export function followLogSettings(document: Document): void {
  if (inForce.format === "plain") return;
  const section = document["logging"];
  const logging = isDocument(section) ? section : {};
  const verbosity = logging["verbosity"];
  inForce = {
    format: logging["format"] === "json" ? "json" : "text",
    verbosity: typeof verbosity === "number" ? verbosity : 0,
  };
}

/** How many lines standard error did not take. */
export function droppedLines(): number {
  return writer.dropped;
}

/** Waits a short time until all lines are written. False where a write still hangs: it would keep the process alive. */
export function flushLog(): Promise<boolean> {
  return writer.flush(FLUSH_MILLISECONDS);
}

/** One message. */
export interface Message {
  readonly level: LogLevel;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** A message as text: one line or more, each with a newline. */
export function logLine({ level, time, text }: Message, { format }: LogSettings): string {
  const cut = text.length <= LOG_LINE_CHARACTERS_MAX ? text : `${text.slice(0, LOG_LINE_CHARACTERS_MAX)}...`;
  const shown = redacted(printable(cut));
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
