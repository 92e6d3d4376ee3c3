// Times as people say them: `03:12`, `03:12 UTC`, `yesterday 14:00`, `5m`, `2 hours ago`, a date, RFC 3339, Unix time. The caller has the clock
// and the time zone and passes them in, so the same text, present and zone always mean the same moment.

/** The present, and the time zone of the reader. */
export interface ReaderClock {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How many minutes the reader's zone is east of UTC at a moment, in milliseconds since 1970. */
  minutesEast(moment: number): number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** No text about a time is longer. */
const CHARACTERS_MAX = 80;
/** The last moment that ECMAScript can write (ECMA-262, 21.4.1.1). */
const MOMENT_MAX = 8.64e15;

/** Milliseconds of each unit, by every name that people use for it. */
const UNITS: ReadonlyMap<string, number> = new Map(
  ([
    [1, ["ms", "millisecond", "milliseconds"]],
    [1000, ["s", "sec", "secs", "second", "seconds"]],
    [MINUTE, ["m", "min", "mins", "minute", "minutes"]],
    [60 * MINUTE, ["h", "hr", "hrs", "hour", "hours"]],
    [DAY, ["d", "day", "days"]],
    [7 * DAY, ["w", "week", "weeks"]],
  ] satisfies [number, string[]][]).flatMap(([length, names]) =>
    names.map((name) => [name, length] as const)
  ),
);

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](.+))?$/i;
const TIME_OF_DAY = /^(\d{1,2}):(\d\d)(?::(\d\d)(\.\d{1,9})?)?$/;
const ZONE = /\s?(z|utc|gmt|[+-]\d\d:?\d\d)$/i;
/** Unix time, as monitoring systems write it: seconds from 2001 on, or milliseconds. No position is a number alone. */
const UNIX = /^(?:(\d{10}(?:\.\d{1,9})?)|(\d{13}))$/;
const LENGTH = /^(?:\d+(?:\.\d+)?\s*[a-z]+[\s,]*)+$/;

/** The moment that `text` means, in milliseconds since 1970; undefined where it means none. Without a clock only dates do. */
export function parseTime(text: string, clock?: ReaderClock): number | undefined {
  const plain = text.slice(0, CHARACTERS_MAX).trim().toLowerCase();
  const found = unixTime(plain) ?? dated(plain, clock) ??
    (clock === undefined ? undefined : beforeNow(plain, clock));
  return found === undefined || Math.abs(found) > MOMENT_MAX ? undefined : found;
}

function unixTime(text: string): number | undefined {
  const [, seconds, milliseconds] = UNIX.exec(text) ?? [];
  if (seconds !== undefined) return Math.round(Number(seconds) * 1000);
  return milliseconds === undefined ? undefined : Number(milliseconds);
}

/** How long `text` (`5m`, `1h30m`, `2 hours`) is in milliseconds; undefined where it is no length of time. */
export function parseLength(text: string): number | undefined {
  const plain = text.trim().toLowerCase();
  if (!LENGTH.test(plain)) return undefined;
  let sum = 0;
  for (const [, count, name] of plain.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const unit = UNITS.get(name!);
    if (unit === undefined) return undefined;
    sum += Number(count) * unit;
  }
  return Math.round(sum);
}

/** A date with or without a time of day and a zone. Without a zone it is in that of the reader; without a clock in UTC. */
function dated(text: string, clock: ReaderClock | undefined): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, rest] = match;
  const midnight = midnightOf(Number(year), Number(month), Number(day));
  if (midnight === undefined) return undefined;
  const zone = rest === undefined ? null : ZONE.exec(rest);
  const time = timeOfDay(rest === undefined ? "00:00" : zone === null ? rest : rest.slice(0, zone.index));
  if (time === undefined) return undefined;
  if (zone === null) return clock === undefined ? midnight + time : momentOf(midnight + time, clock);
  const minutes = zoneMinutes(zone[1]!);
  return minutes === undefined ? undefined : midnight + time - minutes * MINUTE;
}

/** The beginning of a day in UTC. Date.UTC takes 30 February for 2 March, and the year 99 for 1999. */
function midnightOf(year: number, month: number, day: number): number | undefined {
  if (year < 1000 || month < 1 || month > 12 || day < 1) return undefined;
  const midnight = Date.UTC(year, month - 1, day);
  return midnight < Date.UTC(year, month, 1) ? midnight : undefined;
}

function zoneMinutes(zone: string): number | undefined {
  if (!/^[+-]/.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

/** A text that is about the present: a time of day, a day's name, a length of time before now. */
function beforeNow(text: string, reader: ReaderClock): number | undefined {
  if (text === "now") return reader.now;
  const [plain, clock] = withoutZone(text, reader);
  const today = Math.floor(wallOf(clock.now, clock) / DAY) * DAY;
  const named = /^(today|yesterday)(?:\s+(.+))?$/.exec(plain);
  if (named !== null) {
    const time = timeOfDay(named[2] ?? "00:00");
    const day = named[1] === "today" ? today : today - DAY;
    return time === undefined ? undefined : momentOf(day + time, clock);
  }
  const time = timeOfDay(plain);
  if (time !== undefined) {
    const here = momentOf(today + time, clock);
    // A ledger has no future: 23:00 at three in the morning is that of yesterday.
    return here <= clock.now ? here : momentOf(today - DAY + time, clock);
  }
  const length = parseLength(text.replace(/^-\s*/, "").replace(/\s+ago$/, ""));
  return length === undefined ? undefined : clock.now - length;
}

/** `text` without the zone at its end, and the clock in that zone; both as they are where it has none. */
function withoutZone(text: string, clock: ReaderClock): readonly [text: string, clock: ReaderClock] {
  const zone = ZONE.exec(text);
  const minutes = zone === null ? undefined : zoneMinutes(zone[1]!);
  return minutes === undefined
    ? [text, clock]
    : [text.slice(0, zone!.index), { now: clock.now, minutesEast: () => minutes }];
}

/** Milliseconds since midnight. */
function timeOfDay(text: string): number | undefined {
  const match = TIME_OF_DAY.exec(text);
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [match[1], match[2], match[3]].map((part) => Number(part ?? 0));
  if (hours! > 23 || minutes! > 59 || seconds! > 59) return undefined;
  const fraction = Math.floor(Number(match[4] ?? 0) * 1000);
  return ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + fraction;
}

/** What a clock on the wall shows at `moment`, as if the zone were UTC. */
function wallOf(moment: number, { minutesEast }: ReaderClock): number {
  return moment + minutesEast(moment) * MINUTE;
}

/**
 * The moment at which a clock on the wall shows `wall`. Where the clocks are put back, it shows that twice: the first is meant.
 * Where they are put forward it may never show it: then the moment is meant that it would be without the change.
 */
function momentOf(wall: number, clock: ReaderClock): number {
  const candidates = [wall - DAY, wall + DAY].map((near) => wall - clock.minutesEast(near) * MINUTE);
  const shown = candidates.filter((moment) => wallOf(moment, clock) === wall);
  return shown.length > 0 ? Math.min(...shown) : candidates[0]!;
}

/** A moment in milliseconds since 1970 as RFC 3339, UTC; "" for no moment of the years 0 to 9999. The inverse of Date.parse. */
export function rfc3339(milliseconds: number): string {
  if (!(milliseconds >= YEAR_0 && milliseconds < YEAR_10000)) return "";
  const days = Math.floor(milliseconds / DAY);
  // The civil calendar in eras of 400 years that begin on 1 March (H. Hinnant, chrono-compatible date algorithms).
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  const civil = month < 10 ? month + 3 : month - 9;
  const date = [padded(year + era * 400 + (civil <= 2 ? 1 : 0), 4), padded(civil, 2), padded(day, 2)].join(
    "-",
  );
  const rest = milliseconds - days * DAY;
  const [hours, minutes] = [Math.floor(rest / (60 * MINUTE)), Math.floor(rest / MINUTE) % 60];
  const seconds = `${padded(Math.floor(rest / 1000) % 60, 2)}.${padded(Math.floor(rest) % 1000, 3)}`;
  return `${date}T${padded(hours, 2)}:${padded(minutes, 2)}:${seconds}Z`;
}

const YEAR_0 = Date.parse("0000-01-01T00:00:00Z");
const YEAR_10000 = Date.UTC(10_000, 0, 1);

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, "0");
}
