// Notices that the configuration file says something else. kube-proxy ends then, to be started again; here what decides
// rules is taken over at once, in one batch, and only the rest needs a new start.

import { readTextUpTo } from "../ingest/bounded_file.ts";
import { CONFIG_BYTES_MAX } from "../limits.ts";
import { type ConfigOptions, type Settings, settings } from "./config.ts";
import { log } from "./log.ts";
import { UsageError } from "./usage_error.ts";

const POLL_MILLISECONDS = 1000;

/** What to do about a change. */
export interface ConfigChange {
  /** Only the rules follow from what changed. */
  apply(now: Settings): void;
  /** Something else changed: the program must be started again. */
  restart(): void;
}

/** Looks at the file that `options` name once a second, until disposed of. A file that cannot be read changes nothing. */
export function watchConfig(
  options: ConfigOptions,
  inForce: Settings,
  { apply, restart }: ConfigChange,
): Disposable {
  const { config } = options;
  if (config === undefined) return { [Symbol.dispose]() {} };
  let text = readText(config);
  let now = inForce;
  const timer = setInterval(() => {
    const next = readText(config);
    if (next === text || next === undefined) return;
    text = next;
    const read = settingsOrNothing(options);
    if (read === undefined) return;
    if (elsewhere(read) !== elsewhere(now)) return restart();
    now = read;
    apply(read);
  }, POLL_MILLISECONDS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Everything but what decides rules. */
function elsewhere({ proxy: _, document: __, ...rest }: Settings): string {
  return JSON.stringify(rest);
}

function settingsOrNothing(options: ConfigOptions): Settings | undefined {
  try {
    return settings(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    log.error(`the changed configuration is not taken over: ${error.message}`);
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readTextUpTo(path, CONFIG_BYTES_MAX);
  } catch {
    // Between two versions of a file there may be none.
    return undefined;
  }
}
