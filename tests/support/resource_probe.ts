// Loaded before a program with `deno run --preload`. On SIGUSR2 it collects garbage, and then writes the number of running timers
// and the memory in use into the file that PROBE_FILE names.

type Timer = ReturnType<typeof setTimeout>;
const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
const timers = new Set<Timer>();
type Callback = (...values: unknown[]) => void;

Object.assign(globalThis, {
  setTimeout(callback: Callback, milliseconds?: number, ...values: unknown[]): Timer {
    const id = setTimeout(() => {
      timers.delete(id);
      callback(...values);
    }, milliseconds);
    timers.add(id);
    return id;
  },
  setInterval(callback: Callback, milliseconds?: number, ...values: unknown[]): Timer {
    const id = setInterval(callback, milliseconds, ...values);
    timers.add(id);
    return id;
  },
  clearTimeout: clears(clearTimeout),
  clearInterval: clears(clearInterval),
});

function clears(clear: (id?: Timer) => void): (id?: Timer) => void {
  return (id) => {
    if (id !== undefined) timers.delete(id);
    clear(id);
  };
}

Deno.addSignalListener("SIGUSR2", () => {
  (globalThis as unknown as { gc(): void }).gc();
  const file = Deno.env.get("PROBE_FILE")!;
  Deno.writeTextFileSync(
    `${file}.next`,
    JSON.stringify({ timers: timers.size, heap: Deno.memoryUsage().heapUsed }),
  );
  Deno.renameSync(`${file}.next`, file);
});
