// Loaded before a program (`deno run --preload`): the first write of a line to its ledger that names the Service below fails, by an
// error that is a fault of the program and not of the disk.

let armed = true;

function failAt(bytes: unknown): void {
  if (!armed || !(bytes instanceof Uint8Array)) return;
  if (!new TextDecoder().decode(bytes).includes('"the-writer-fails"')) return;
  armed = false;
  throw new TypeError("a fault of the writer");
}

// A write for which the program can wait begins with the address of its bytes.
const { dlopen } = Deno;
Deno.dlopen = (path, interfaces) => {
  const library = dlopen(path, interfaces);
  const memcpy: unknown = Reflect.get(library.symbols, "memcpy");
  if (typeof memcpy !== "function") return library;
  const failing = (...args: unknown[]) => (failAt(args[0]), memcpy(...args));
  return { symbols: { ...library.symbols, memcpy: failing }, close: () => library.close() };
};

// Version 0.6.0 writes with this one.
const { writeSync } = Deno.FsFile.prototype;
Deno.FsFile.prototype.writeSync = function (bytes) {
  failAt(bytes);
  return writeSync.call(this, bytes);
};
