// Ends what runs until it is asked to stop: the proxy, a recording, and commands that follow a ledger.

/** Aborts on SIGINT and SIGTERM. The loop finishes its present batch first. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.abort());
  return stop;
}
