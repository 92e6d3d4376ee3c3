// Opens connections without pause, until a file is there, and counts how they end. Each is a new one; the answer is the name of
// the pod. Prints JSON at the end.
//
//   deno run -A load.ts STOP_FILE WORKERS HOST:PORT ...

const [stopFile, workers, ...targets] = Deno.args as [string, string, ...string[]];
const TIMEOUT_MILLISECONDS = 2000;
const PAUSE_MILLISECONDS = Number(Deno.env.get("LOAD_PAUSE") ?? 15);
const TIMES_KEPT = 30;

interface Result {
  ok: number;
  /** Counts by message. */
  readonly failed: Record<string, number>;
  /** When the first failures happened. */
  readonly at: string[];
  readonly pods: Set<string>;
  slowest: number;
}

const results = new Map<string, Result>(
  targets.map((target) => [target, { ok: 0, failed: {}, at: [], pods: new Set(), slowest: 0 }]),
);

/** Asks a pod for its name over a new connection. */
async function ask(connection: Deno.TcpConn): Promise<string> {
  await connection.write(new TextEncoder().encode("GET /hostname HTTP/1.0\r\nHost: x\r\n\r\n"));
  const text = await new Response(connection.readable).text();
  if (!text.startsWith("HTTP/1.0 200")) throw new Error(`answered ${JSON.stringify(text.slice(0, 40))}`);
  return text.split("\r\n\r\n")[1] ?? "";
}

async function once(target: string): Promise<string> {
  const [, hostname, port] = /^\[?(.*?)\]?:(\d+)$/.exec(target) as unknown as [string, string, string];
  let connection: Deno.TcpConn | undefined;
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error("timeout")), TIMEOUT_MILLISECONDS);
  try {
    const answer = Deno.connect({ hostname, port: Number(port) }).then((made) => ask(connection = made));
    answer.catch(() => {});
    return await Promise.race([answer, timeout.promise]);
  } finally {
    clearTimeout(timer);
    try {
      connection?.close();
    } catch {
      // Its reader has closed it.
    }
  }
}

async function work(target: string, result: Result): Promise<void> {
  while (!stopped) {
    const began = performance.now();
    try {
      result.pods.add(await once(target));
      result.ok++;
      result.slowest = Math.max(result.slowest, Math.round(performance.now() - began));
    } catch (error) {
      const message = error instanceof Error ? error.message.replace(/ \(os error.*/, "").slice(0, 60) : "?";
      result.failed[message] = (result.failed[message] ?? 0) + 1;
      if (result.at.length < TIMES_KEPT) result.at.push(new Date().toISOString().slice(11, 23));
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}

let stopped = false;
const looking = setInterval(() => Deno.stat(stopFile).then(() => stopped = true, () => {}), 200);
await Promise.all(
  [...results].flatMap(([target, result]) =>
    Array.from({ length: Number(workers) }, () => work(target, result))
  ),
);
clearInterval(looking);
const printed = [...results].map(([target, { pods, ...rest }]) => [target, { ...rest, pods: pods.size }]);
console.log(JSON.stringify(Object.fromEntries(printed)));
// Connections that were given up may still be trying.
Deno.exit(0);
