// Loaded before a program (`deno run --preload`): with each SIGUSR2 its wall clock steps by the next number of seconds of CLOCK_STEPS,
// a list in JSON. Timers and `performance.now` go on, as they do when the clock of a machine is set.

const steps: number[] = JSON.parse(Deno.env.get("CLOCK_STEPS")!);
const { Date } = globalThis;
let ahead = 0;
Deno.addSignalListener("SIGUSR2", () => ahead += (steps.shift() ?? 0) * 1000);

globalThis.Date = class extends Date {
  constructor(...parts: [] | [number | string]) {
    super(...(parts.length === 0 ? [Date.now() + ahead] : parts) as [number]);
  }

  static override now(): number {
    return Date.now() + ahead;
  }
} as DateConstructor;
