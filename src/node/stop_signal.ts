// Ends what runs until it is asked to stop: the proxy, a recording, and commands that follow a ledger.

/** Aborts on the first SIGINT or SIGTERM. Later ones do nothing: what holds the signal ends in its own time. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.abort());
  return stop;
}
