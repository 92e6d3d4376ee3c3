// Watches the configuration file for changes. kube-proxy exits on a change, so that it is started again. Here settings that
// only rules follow from are applied at once, in one batch, and only other changes need a new start.

import { readTextUnblocked, statUnblocked } from "../ingest/unblocked_file.ts";
import { sameValue } from "../kube/equality.ts";
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
 * Looks at the file of `options` once a second, until it is disposed of. A file that cannot be read changes nothing, nor does one on a
 * disk that hangs. Why not inotify? A ConfigMap's files are replaced through links, and to read one file costs little.
 */
export function watchConfig(
  options: ConfigOptions,
  inForce: Settings,
  { apply, restart }: ConfigChange,
): Disposable {
  const { config } = options;
  if (config === undefined) return { [Symbol.dispose]() {} };
  let text: string | undefined;
  let now = inForce;
  let [isReading, isStopped] = [false, false];
  let [place, looks] = ["", 0];
  const missing = missingFile(config);
  /** The text of the file; undefined where it is surely the one before, or cannot be read. */
  const changedText = async () => {
    const found = await placeOf(config);
    missing(found === "");
    // Two changes within a millisecond may look like one, so the file is read from time to time in any case.
    if (found === place && ++looks % LOOKS_OF_A_READING !== 0) return undefined;
    place = found;
    return await readText(config);
  };
  const look = async () => {
    if (isReading) return;
    isReading = true;
    const next = await changedText();
    isReading = false;
    if (isStopped || next === text || next === undefined) return;
    text = next;
    const read = settingsOrNothing({ ...options, configText: { name: `--config ${config}`, text } });
    // The first text may be another one than that which the program began with, long ago where its disk hangs.
    if (read === undefined || sameValue(read, now)) return;
    if (otherSettings(read) !== otherSettings(now)) return restart();
    now = read;
    apply(read);
  };
  const begin = () => void look().catch(reportError);
  begin();
  const everyLook = everySecond(begin);
  return {
    [Symbol.dispose]() {
      isStopped = true;
      everyLook[Symbol.dispose]();
    },
  };
}

/** Warns of a file that is not there for several looks: a program that replaces it may leave none for a moment. */
function missingFile(config: string): (isMissing: boolean) => void {
  let looks = 0;
  return (isMissing) => {
    looks = isMissing ? looks + 1 : 0;
    if (looks !== LOOKS_OF_A_MISSING_FILE) return;
    log.warn(
      `--config ${config}: there is no such file any more; what it said stays in force, and the next start needs it: put it back`,
    );
  };
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

/** The file is read at each change that its place and times show, and else at one of so many looks: each read costs 0.2 ms. */
const LOOKS_OF_A_READING = 10;

const LOOKS_OF_A_MISSING_FILE = 3;

/** A text that changes when another file is at `path`, or when the file was written; "" where there is none. */
async function placeOf(path: string): Promise<string> {
  try {
    const { dev, ino, mtime, ctime, size } = await statUnblocked(path);
    return `${dev} ${ino} ${mtime?.getTime()} ${ctime?.getTime()} ${size}`;
  } catch {
    return "";
  }
}

/** The text of the file; undefined where it cannot be read. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readTextUnblocked(path, CONFIG_BYTES_MAX);
  } catch {
    // While a program replaces the file there may be none.
    return undefined;
  }
}
