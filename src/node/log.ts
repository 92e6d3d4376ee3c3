// Messages for people, on stderr: one line each, structured underneath.

import { printable } from "../printable.ts";
import { configureSync, getLogger, type LogRecord } from "@logtape/logtape";

const encoder = new TextEncoder();

/** Sends all messages to stderr. Call once, at start. */
export function startLog(): void {
  configureSync({
    sinks: { stderr: (record) => void Deno.stderr.writeSync(encoder.encode(line(record))) },
    loggers: [
      { category: "ledgerproxy", sinks: ["stderr"], lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}

const logger = getLogger("ledgerproxy");

/** The program's logger. A text is a value, not a template: braces in it stay as they are. */
export const log = {
  info: (text: string): void => logger.info("{text}", { text }),
  warn: (text: string): void => logger.warn("{text}", { text }),
  error: (text: string): void => logger.error("{text}", { text }),
};

function line({ level, message }: LogRecord): string {
  const text = message.map((part) => typeof part === "string" ? part : String(part)).join("");
  return `${level === "info" ? "" : `${level}: `}${printable(text)}\n`;
}
