// The only file that imports prom-client. Why not the package as a whole? It also loads what pushes metrics, and what gathers those
// of Node and of its worker processes.

import type * as prom from "prom-client";
import CounterClass from "prom-client/lib/counter.js";
import GaugeClass from "prom-client/lib/gauge.js";
import HistogramClass from "prom-client/lib/histogram.js";
import RegistryClass from "prom-client/lib/registry.js";
import { HISTOGRAM_VALUES_MAX } from "../limits/serving.ts";

/** A number that grows. */
export type Counter<Label extends string = string> = prom.Counter<Label>;
export const Counter: typeof prom.Counter = CounterClass;
/** A number that grows and shrinks. */
export type Gauge<Label extends string = string> = prom.Gauge<Label>;
export const Gauge: typeof prom.Gauge = GaugeClass;
/** Metrics that are read together. */
export type Registry = prom.Registry;
export const Registry: typeof prom.Registry = RegistryClass;

/** How to make a histogram. */
interface HistogramOptions<Label extends string> extends prom.HistogramConfiguration<Label> {
  readonly registers: Registry[];
}

/**
 * A histogram that counts its values when it is read, or when many wait. Why not at once? The package makes a text of the
 * labels for each value, and every commit has ten values.
 */
export class Histogram<Label extends string = string> {
  readonly #counted: prom.Histogram<Label>;
  #waiting: (readonly [prom.LabelValues<Label>, number])[] = [];

  constructor(options: HistogramOptions<Label>) {
    this.#counted = new HistogramClass({ ...options, collect: () => this.#count() });
  }

  /** Counts `value`; `labels` must not change later. */
  observe(value: number, labels: prom.LabelValues<Label> = {}): void {
    this.#waiting.push([labels, value]);
    if (this.#waiting.length >= HISTOGRAM_VALUES_MAX) this.#count();
  }

  /** Makes the series of `labels`, so that it is there before its first value. */
  zero(labels: prom.LabelValues<Label>): void {
    this.#counted.zero(labels);
  }

  #count(): void {
    for (const [labels, value] of this.#waiting) this.#counted.observe(labels, value);
    this.#waiting = [];
  }
}
