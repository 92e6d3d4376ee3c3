// Plays the recording through the real engine into this namespace's kernel, with pods and clients around it.

import { newEngine } from "../../src/engine/engine.ts";
import { elementsInPlace } from "../../src/engine/kernel_tables.ts";
import { list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { runLoop } from "../../src/engine/loop.ts";
import { syncLine } from "../../src/node/sync_line.ts";
import { recordingSource } from "../../src/ingest/recording_source.ts";
import type { Source } from "../../src/ingest/source.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { WatchEvent } from "../../src/kube/objects.ts";
import type { ConfigRecord } from "../../src/ledger/record.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { callTarget, type Tally, type Target } from "./clients.ts";
import { Pods } from "./pods.ts";

const RECORDING = new URL("../../fixtures/recordings/evening", import.meta.url).pathname;

/** Services of the recording that keep a ready endpoint once they have one, over IPv4 and IPv6. */
const TARGETS: readonly Target[] = [
  { name: "shop/web", hostname: "10.96.159.117", port: 80 },
  { name: "shop/search (IPv6)", hostname: "fd00:96::c:57aa", port: 80 },
  { name: "payments/bookings", hostname: "10.96.208.152", port: 9000 },
];

/** Plays the recording `speed` times faster than it was made; returns the results of the clients. */
export async function playCluster(speed: number): Promise<{ connections: number; failures: number }> {
  const folder = await Deno.makeTempDir({ prefix: "ledgerproxy-demo-" });
  using kernel = new NetlinkKernel();
  using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
  await using pods = new Pods();
  const engine = newEngine();
  const then = new RecordedClock(speed);
  const stop = new AbortController();
  const clients = new Clients(stop.signal);
  const ports: Ports = {
    kernel,
    ledger,
    now: () => then.now(),
    report: (report) => {
      if (report.operations > 0) print(syncLine(report));
    },
    warn: (text) => print(`warning: ${text}`),
  };
  print(`playing ${RECORDING.split("/").at(-1)} ${speed} times faster than it happened`);
  print(`ledger: ${folder}\n`);
  // Ctrl-C ends the demo as its end does: the ledger is closed, and the text says where it is.
  const interrupt = () => stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
  perform(engine, ports, list(kernel));
  const config: ConfigRecord = { kind: "config", time: ports.now(), version: "demo", nodeName: "node-a" };
  perform(engine, ports, { kind: "appended", first: ledger.append([config]), records: [config] });
  const recording = recordingSource(RECORDING, () => readLedger(folderStorage(RECORDING, false)), speed);
  const timer = setInterval(() => clients.show(pods.count), 1000);
  const source = observed(recording, pods, then, () => clients.callServed(elementsInPlace(engine.tables)));
  await runLoop(engine, ports, source, stop.signal);
  clearInterval(timer);
  stop.abort();
  await clients.finished();
  clients.show(pods.count);
  Deno.removeSignalListener("SIGINT", interrupt);
  print(`\n${clients.summary()}; ${ledger.next} records in the ledger`);
  print(nextSteps(folder));
  return clients.result();
}

/** The clock of the recording: as in an imported ledger, commits have the times of the events that they are of. */
class RecordedClock {
  #newest = 0;
  #began: { readonly real: number; readonly recorded: number } | undefined;

  constructor(readonly speed: number) {}

  /** `events` are there: it is not earlier than their times. */
  reach(events: readonly WatchEvent[]): void {
    const times = events.map(({ time }) => Date.parse(time));
    this.#newest = Math.max(this.#newest, ...times);
    this.#began ??= { real: performance.now(), recorded: times[0]! };
  }

  /** Before the first event it is the time of the recording's first record. */
  now(): string {
    const { real, recorded } = this.#began ?? { real: performance.now(), recorded: firstTime() };
    const played = (performance.now() - real) * this.speed;
    return new Date(Math.max(this.#newest, recorded + played)).toISOString();
  }
}

function firstTime(): number {
  const [first] = readLedger(folderStorage(RECORDING, false));
  return Date.parse(first!.record.time);
}

/** Commands that ask the ledger of this run, as they can be typed in a checkout. */
function nextSteps(folder: string): string {
  const [target] = TARGETS;
  const packet = `10.244.0.9 ${target!.hostname}:${target!.port}/tcp`;
  const ask = (...words: string[]) => `  ./ledgerproxy ${words.join(" ")}`;
  return [
    "",
    "Ask it:",
    "",
    `  export LEDGERPROXY_LEDGER=${folder}`,
    ask("log", target!.name),
    ask("why", packet),
    ask("bisect --all @60 HEAD", packet),
    ask("report $LEDGERPROXY_LEDGER -o report.html"),
  ].join("\n");
}

/** Terminals of 80 columns show each line whole. */
const COLUMNS = 80;

/** Prints lines, cut where the terminal ends. */
function print(text: string): void {
  const cut = (line: string) => line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line;
  console.log(text.split("\n").map(cut).join("\n"));
}

/** `source`, with pods that start before their rules are committed and stop after their rules are deleted. */
function observed(source: Source, pods: Pods, clock: RecordedClock, synced: () => void): Source {
  return {
    description: source.description,
    async *batches(signal) {
      for await (const batch of source.batches(signal)) {
        if (batch.kind === "events") {
          clock.reach(batch.events);
          pods.start(batch.events);
        }
        yield batch;
        pods.retire();
        synced();
      }
    },
  };
}

/** Starts a client for each target once its rules are in the kernel, and prints the results. */
class Clients {
  readonly #tallies = new Map<Target, Tally>();
  readonly #running: Promise<void>[] = [];

  constructor(readonly signal: AbortSignal) {}

  /** Starts clients of targets that the kernel now serves. */
  callServed(committed: ReadonlyMap<string, ReadonlyMap<string, unknown>>): void {
    for (const target of TARGETS) {
      const family = target.hostname.includes(":") ? "ip6" : "ip";
      const served = ["service-ips", "single-endpoints"].some((map) =>
        committed.get(`${family} ledgerproxy ${map}`)?.has(`${target.hostname} . tcp . ${target.port}`)
      );
      if (this.#tallies.has(target) || !served) continue;
      const tally: Tally = { recent: new Map(), total: 0, failures: [] };
      this.#tallies.set(target, tally);
      this.#running.push(callTarget(target, tally, this.signal));
    }
  }

  /** Prints which pods answered since the last report. */
  show(pods: number): void {
    print(`  ${pods} pods listen`);
    for (const [{ name }, { recent, failures }] of this.#tallies) {
      const most = Math.max(...recent.values(), 1);
      const bars = [...recent].sort(([a], [b]) => a < b ? -1 : 1)
        .map(([pod, count]) => `${pod} ${"▇".repeat(Math.ceil(count / most * 3))} ${count}`);
      const failed = failures.length > 0 ? `FAILED ${failures.length}  ` : "";
      print(`  ${name.padEnd(18)} ${failed}${bars.join("  ")}`);
      recent.clear();
    }
  }

  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }

  result(): { connections: number; failures: number } {
    const tallies = [...this.#tallies.values()];
    const sum = (of: (tally: Tally) => number) => tallies.reduce((all, tally) => all + of(tally), 0);
    return { connections: sum(({ total }) => total), failures: sum(({ failures }) => failures.length) };
  }

  summary(): string {
    const { connections, failures } = this.result();
    const failed = [...this.#tallies.values()].flatMap(({ failures }) => failures).slice(0, 5).map((text) =>
      `\n  ${text}`
    );
    return `${connections} connections, ${failures} failed${failed.join("")}`;
  }
}
