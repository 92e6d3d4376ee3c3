// The pods of the demo: a TCP server on every address and port while an EndpointSlice names it.

import { describeKey, type EndpointSlice, type WatchEvent } from "../../src/kube/objects.ts";

/** How long a pod serves after no slice names it: the rest of its termination grace period. */
const GRACE_MILLISECONDS = 1000;

/** Servers by `address port`, started and stopped by watch events. */
export class Pods implements AsyncDisposable {
  readonly #listeners = new Map<string, Deno.Listener>();
  /** The slices that name each pod. */
  readonly #slices = new Map<string, readonly string[]>();
  readonly #stopping = new Set<ReturnType<typeof setTimeout>>();

  /** How many pods listen. */
  get count(): number {
    return this.#listeners.size;
  }

  /** Starts the pods that `events` name. Call it before their rules are committed. */
  start(events: readonly WatchEvent[]): void {
    for (const { key, value } of events) {
      if (key.kind !== "EndpointSlice") continue;
      const pods = value === null ? [] : podsOf(value as EndpointSlice);
      this.#slices.set(describeKey(key), pods);
      for (const pod of pods) this.#listen(pod);
    }
  }

  /** Stops, after their grace period, the pods that no slice names. Call it after their rules are deleted. */
  retire(): void {
    const named = new Set([...this.#slices.values()].flat());
    for (const pod of this.#listeners.keys()) if (!named.has(pod)) this.#stopLater(pod);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#stopping) clearTimeout(timer);
    for (const listener of this.#listeners.values()) listener.close();
    await Promise.resolve();
  }

  #listen(pod: string): void {
    if (this.#listeners.has(pod)) return;
    const [hostname, port] = pod.split(" ") as [string, string];
    const listener = Deno.listen({ hostname, port: Number(port) });
    this.#listeners.set(pod, listener);
    void serve(listener, hostname);
  }

  #stopLater(pod: string): void {
    const timer = setTimeout(() => {
      this.#stopping.delete(timer);
      if ([...this.#slices.values()].flat().includes(pod)) return;
      this.#listeners.get(pod)?.close();
      this.#listeners.delete(pod);
    }, GRACE_MILLISECONDS);
    this.#stopping.add(timer);
  }
}

/** Pods of a slice that the demo can run: addresses in its pod networks, and TCP ports. */
function podsOf(slice: EndpointSlice): string[] {
  const ports = slice.ports.filter(({ protocol }) => (protocol ?? "TCP") === "TCP").flatMap(({ port }) =>
    port ?? []
  );
  const addresses = slice.endpoints.flatMap(({ addresses }) => addresses[0] ?? []);
  return addresses.filter((address) => address.startsWith("10.244.") || address.startsWith("fd00:10:244:"))
    .flatMap((address) => ports.map((port) => `${address} ${port}`));
}

/** Answers every connection with the pod's name: its address. */
async function serve(listener: Deno.Listener, name: string): Promise<void> {
  const answer = new TextEncoder().encode(name);
  for await (const connection of listener) {
    void connection.write(answer).catch(() => {}).finally(() => connection.close());
  }
}
