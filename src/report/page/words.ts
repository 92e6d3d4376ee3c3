// Numbers, durations and times as text.

/** The time zone in which times are written. */
export type Zone = "local" | "UTC";

const two = (number: number) => String(number).padStart(2, "0");

/** `2026-11-23 03:12:00.123`, without the zone: the head of the page names it. */
export function moment(milliseconds: number, zone: Zone): string {
  if (!Number.isFinite(milliseconds)) return "unknown time";
  const offset = zone === "UTC" ? 0 : -new Date(milliseconds).getTimezoneOffset();
  return new Date(milliseconds + offset * 60_000).toISOString().replace("T", " ").replace("Z", "");
}

/** The time of day of {@link moment}. */
export function timeOfDay(milliseconds: number, zone: Zone): string {
  return moment(milliseconds, zone).slice(11);
}

/** `UTC+05:45`. */
export function zoneName(zone: Zone, milliseconds: number): string {
  if (zone === "UTC") return "UTC";
  const minutes = -new Date(milliseconds).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** `12 ms`, `1.25 s`, `3 min 4 s`, `2 d 3 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 0) return `−${duration(-milliseconds)}`;
  if (milliseconds === 0) return "0 ms";
  if (milliseconds < 1) return `${digits(milliseconds * 1000)} µs`;
  if (milliseconds < 1000) return `${digits(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${digits(seconds)} s`;
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  const [[large, size], [small, part]] = [units[first]!, units[Math.min(first + 1, 3)]!];
  const rest = Math.floor((seconds % size) / part);
  return `${Math.floor(seconds / size)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

// Why not toLocaleString: it makes such a format for every number.
const grouped = new Intl.NumberFormat("en");

/** `1,234`. */
export function count(number: number): string {
  return grouped.format(number);
}

/** `1 record`, `1,234 records`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A number with three significant digits: `1.25`, `12.5`, `125`. */
function digits(number: number): string {
  return String(Number(number.toPrecision(3)));
}
