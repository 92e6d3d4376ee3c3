// Loaded before a program: at its end the process says so and stays until its input ends, so that what it took can be read.

globalThis.addEventListener("unload", () => {
  console.error("(at its end)");
  Deno.stdin.readSync(new Uint8Array(1));
});
