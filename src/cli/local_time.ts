// Writes times in the zone of this machine.

/** `2026-11-23 03:12:00.123 +01:00`. */
export function localTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "unknown time";
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().replace("T", " ").replace("Z", "");
  const two = (number: number) => String(number).padStart(2, "0");
  const zone = `${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${local} ${minutes < 0 ? "-" : "+"}${zone}`;
}
