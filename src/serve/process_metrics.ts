// Metrics about the process, under the names of Prometheus' client libraries, and about its runtime, in place of Go's.

import { everySecond } from "../second.ts";
import { Counter, Gauge, Histogram, type Registry } from "./prometheus.ts";

/** What the metrics of a process show, in the units of Prometheus' process metrics. */
export interface ProcessFacts {
  /** User and system time in seconds. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly virtualBytes: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly descriptors: number;
  /** The soft limit; Infinity where there is none. */
  readonly descriptorsMax: number;
}

const LATENESS_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Adds the metrics to `registry`. `facts` returns undefined where the kernel does not let them be read. */
export function addProcessMetrics(
  registry: Registry,
  facts: () => ProcessFacts | undefined,
  build: Readonly<Record<string, string>>,
): void {
  const registers = [registry];
  // One scrape reads the facts once: the first of these metrics reads them for all.
  let read: ProcessFacts | undefined;
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time",
    registers,
    collect() {
      read = facts();
      this.reset();
      this.inc(read?.cpuSeconds ?? 0);
    },
  });
  const gauge = (name: string, help: string, value: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value() ?? NaN);
      },
    });
  gauge("process_resident_memory_bytes", "Resident memory", () => read?.residentBytes);
  gauge("process_virtual_memory_bytes", "Virtual memory", () => read?.virtualBytes);
  gauge("process_start_time_seconds", "Start of the process, in seconds since 1970", () => read?.startedAt);
  gauge("process_open_fds", "Open file descriptors", () => read?.descriptors);
  gauge("process_max_fds", "Most file descriptors that may be open", () => read?.descriptorsMax);
  const heap = (name: "heapUsed" | "heapTotal" | "external") => () => Deno.memoryUsage()[name];
  gauge("deno_heap_used_bytes", "JavaScript heap in use", heap("heapUsed"));
  gauge("deno_heap_total_bytes", "JavaScript heap, free parts included", heap("heapTotal"));
  gauge("deno_external_bytes", "Memory of buffers outside the heap", heap("external"));
  new Gauge({
    name: "ledgerproxy_build_info",
    help: "1, with the versions as labels",
    labelNames: Object.keys(build),
    registers,
  }).set(build, 1);
}

/** Measures once a second how late a timer runs: then something blocked the event loop. Dispose of it to stop. */
export function measureLoopDelay(registry: Registry): Disposable {
  const delay = new Histogram({
    name: "deno_event_loop_delay_seconds",
    help: "How much later than due a timer ran",
    buckets: LATENESS_BUCKETS,
    registers: [registry],
  });
  return everySecond((lateness) => delay.observe(lateness / 1000));
}
