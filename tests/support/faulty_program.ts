// Loaded before a program (`deno run --preload`): SIGUSR2 makes it throw once, where FAULT says. `listener`: in the listener of an
// event. `loop`: in the next call of the loop to the kernel, by an error that no code expects.

let armed = false;

const target = new EventTarget();
target.addEventListener("fault", () => {
  throw new TypeError("a fault of a listener");
});

Deno.addSignalListener("SIGUSR2", () => {
  if (Deno.env.get("FAULT") === "loop") armed = true;
  else target.dispatchEvent(new Event("fault"));
});

// The loop alone receives from netlink while the cluster does not change: it looks for changes of other programs.
const { dlopen } = Deno;
Deno.dlopen = (path, interfaces) => {
  const library = dlopen(path, interfaces);
  const recv: unknown = Reflect.get(library.symbols, "recv");
  if (typeof recv !== "function") return library;
  const failing = (...args: unknown[]) => {
    if (!armed) return recv(...args);
    armed = false;
    throw new TypeError("a fault of the loop");
  };
  return { symbols: { ...library.symbols, recv: failing }, close: () => library.close() };
};
