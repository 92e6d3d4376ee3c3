// The clients of the demo: one connection after another to a cluster IP. A pod must answer each.

/** A frontend of a Service that a client connects to. */
export interface Target {
  readonly name: string;
  readonly hostname: string;
  readonly port: number;
}

/** The results of connections to one target. */
export interface Tally {
  /** Connections by the pod that answered, since the last report and in all. */
  readonly recent: Map<string, number>;
  total: number;
  readonly failures: string[];
}

const PAUSE_MILLISECONDS = 5;

/** Connects to `target` again and again until `signal` aborts, and counts which pod answered. */
export async function callTarget(target: Target, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const pod = await callOnce(target);
      tally.recent.set(pod, (tally.recent.get(pod) ?? 0) + 1);
    } catch (error) {
      tally.failures.push(`${new Date().toISOString()} ${target.name}: ${(error as Error).message}`);
    }
    tally.total++;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}

async function callOnce({ hostname, port }: Target): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  const buffer = new Uint8Array(64);
  const length = await connection.read(buffer);
  if (length === null) throw new Error("closed without an answer");
  return new TextDecoder().decode(buffer.subarray(0, length));
}
