// The program's one log, on standard error. Commands that people type write plain sentences; what runs on a node writes a
// line a message with time and level, or JSON with the keys of Kubernetes' components (component-base 1.37), in the
// background.

import { configureSync, getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";
import { LOG_LINE_CHARACTERS_MAX } from "../limits.ts";
import { printable, redacted } from "../printable.ts";
import { LogWriter } from "./log_writer.ts";

/** How messages look, as `--logging-format` and `-v` have it. */
export interface LogSettings {
  readonly format: "plain" | "text" | "json";
  /** Debug messages are written from 4 on, as Kubernetes' conventions have it. */
  readonly verbosity: number;
}

/** From which verbosity on debug messages are written. */
const DEBUG_VERBOSITY = 4;
/** How long an end waits for standard error, in milliseconds. */
const FLUSH_MILLISECONDS = 1000;

let inForce: LogSettings = { format: "plain", verbosity: 0 };

const writer = new LogWriter(Deno.stderr, (count) => {
  const level = "warning";
  const text = `${count} lines of the log were dropped: standard error did not take them`;
  return lineOf({ level, time: Date.now(), text }, inForce);
});

const logger = getLogger("ledgerproxy");

/** The program's messages. A text is never a template: braces in it stay. */
export const log = {
  debug: (text: string) => logger.debug("{text}", { text }),
  info: (text: string) => logger.info("{text}", { text }),
  warn: (text: string) => logger.warn("{text}", { text }),
  error: (text: string) => logger.error("{text}", { text }),
} as const;

/** Sends all messages to standard error. Call once, at start. */
export function startLog(): void {
  configureLog(inForce);
}

/** From now on messages have time and level, and never wait for who reads them. */
export function startNodeLog(): void {
  writer.goBackground();
  configureLog({ ...inForce, format: "text" });
}

/** Takes over what `document`, a KubeProxyConfiguration, says of format and verbosity, where the log is a node's. */
export function followLogSettings(document: Readonly<Record<string, unknown>>): void {
  if (inForce.format === "plain") return;
  const { format, verbosity } = (document["logging"] ?? {}) as Record<string, unknown>;
  configureLog({
    format: format === "json" ? "json" : "text",
    verbosity: typeof verbosity === "number" ? verbosity : 0,
  });
}

/** Lines that standard error did not take. */
export function droppedLines(): number {
  return writer.dropped;
}

/** Waits until all is written, but not long; false where a write still hangs, which then keeps the process from ending. */
export function flushLog(): Promise<boolean> {
  return writer.flush(FLUSH_MILLISECONDS);
}

function configureLog(settings: LogSettings): void {
  inForce = settings;
  configureSync({
    sinks: { stderr: (record) => writer.write(lineOf(messageOf(record), inForce)) },
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

function messageOf({ level, message, timestamp }: LogRecord): Message {
  return { level, time: timestamp, text: message.map(String).join("") };
}

/** The line or lines of a message, each with its newline. */
export function lineOf({ level, time, text }: Message, { format }: LogSettings): string {
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
