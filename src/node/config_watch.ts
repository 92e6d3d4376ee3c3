// Watches the configuration file for changes. kube-proxy exits on a change, so that it is started again. Here settings that
// only rules follow from are applied at once, in one batch, and only other changes need a new start.

import { readTextUpTo } from "../ingest/bounded_file.ts";
import { CONFIG_BYTES_MAX } from "../limits/input.ts";
import { everySecond } from "../second.ts";
import { type ConfigOptions, type Settings, settings } from "./config.ts";
import { log } from "./log.ts";
import { UsageError } from "./usage_error.ts";

/** What to do on a change. */
export interface ConfigChange {
  /** Applies a change that only rules follow from. */
  apply(now: Settings): void;
  /** Another setting changed: the program must be started again. */
  restart(): void;
}

/**
 * Reads the file of `options` once a second, until it is disposed of. A file that cannot be read changes nothing. Why not inotify? A
 * ConfigMap's files are replaced through links, and to read one file costs little.
 */
export function watchConfig(
  options: ConfigOptions,
  inForce: Settings,
  { apply, restart }: ConfigChange,
): Disposable {
  const { config } = options;
  if (config === undefined) return { [Symbol.dispose]() {} };
  let text = readText(config);
  let now = inForce;
  return everySecond(() => {
    const next = readText(config);
    if (next === text || next === undefined) return;
    text = next;
    const read = settingsOrNothing(options);
    if (read === undefined) return;
    if (otherSettings(read) !== otherSettings(now)) return restart();
    now = read;
    apply(read);
  });
}

/** All settings but those that only rules follow from, as text to compare. The name of the proxy decides what is listed. */
function otherSettings({ proxy: { serviceProxyName }, document: _, ...rest }: Settings): string {
  return JSON.stringify({ ...rest, serviceProxyName });
}

/** The settings of a changed file; undefined where they are wrong. The present settings then stay in force. */
function settingsOrNothing(options: ConfigOptions): Settings | undefined {
  try {
    return settings(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    log.error(`the changed configuration is not applied: ${error.message}`);
    return undefined;
  }
}

/** The text of the file; undefined where it cannot be read. */
function readText(path: string): string | undefined {
  try {
    return readTextUpTo(path, CONFIG_BYTES_MAX);
  } catch {
    // While a program replaces the file there may be none.
    return undefined;
  }
}
