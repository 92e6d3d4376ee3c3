// A time of a message as text. It is computed with Date from a number that is given, so it depends on no clock.

/** The first second of year 0 and the last one of year 9999: what RFC 3339 can write. */
const SECONDS_MIN = -62_167_219_200;
const SECONDS_MAX = 253_402_300_799;
const DATE_AND_TIME = "2026-11-26T10:00:00".length;
/** How many texts are kept: objects that were made together have the same times, and share their text in memory. */
const KEPT_MAX = 1024;

const kept = new Map<number, string>();

/** `seconds` since 1970 as Kubernetes writes it in JSON: RFC 3339 without fraction, UTC. Undefined where there is no such text. */
export function secondsText(seconds: number): string | undefined {
  if (!(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX)) return undefined;
  const known = kept.get(seconds);
  if (known !== undefined) return known;
  if (kept.size >= KEPT_MAX) kept.clear();
  // Joined, because V8 would keep a template as its parts, and the text of which the first part is cut.
  const text = [new Date(seconds * 1000).toISOString().slice(0, DATE_AND_TIME), "Z"].join("");
  kept.set(seconds, text);
  return text;
}
