// Loaded before a program (`deno run --preload`): its wall clock is so many days ahead as CLOCK_DAYS_AHEAD says.

const AHEAD = Number(Deno.env.get("CLOCK_DAYS_AHEAD")) * 24 * 3600 * 1000;
const { Date } = globalThis;

globalThis.Date = class extends Date {
  constructor(...parts: [] | [number | string]) {
    super(...(parts.length === 0 ? [Date.now() + AHEAD] : parts) as [number]);
  }

  static override now(): number {
    return Date.now() + AHEAD;
  }
} as DateConstructor;
