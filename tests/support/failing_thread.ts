// Loaded before a program (`deno run --preload`): the first thread that writes its ledger fails once, at the line of a Service
// with the name below, by an error that is a fault of the program and not of the disk.

const PREFIX = "data:text/javascript;base64,";
const { Worker } = globalThis;
let failing = true;

/** Runs in the thread, as text, so that it uses nothing from outside. */
function fail(): void {
  const { writeSync } = Deno.FsFile.prototype;
  let armed = true;
  Deno.FsFile.prototype.writeSync = function (bytes) {
    if (armed && new TextDecoder().decode(bytes).includes('"the-thread-fails"')) {
      armed = false;
      throw new TypeError("a fault of the thread");
    }
    return writeSync.call(this, bytes);
  };
}

// Version 0.6.0 has no worker: there the first thread writes the ledger.
fail();

globalThis.Worker = class extends Worker {
  constructor(module: string | URL, options?: WorkerOptions) {
    const text = String(module);
    if (!text.startsWith(PREFIX)) throw new Error("the program has no text for its thread");
    const own = atob(text.slice(PREFIX.length));
    super(failing ? PREFIX + new TextEncoder().encode(`(${fail})();${own}`).toBase64() : module, options);
    failing = false;
  }
};
