// The only file that imports prom-client.

import {
  Histogram as CountedHistogram,
  type HistogramConfiguration,
  type LabelValues,
  type Registry,
} from "prom-client";
import { HISTOGRAM_VALUES_MAX } from "../limits/serving.ts";

export { Counter, Gauge, Registry } from "prom-client";

/** How to make a histogram. */
interface HistogramOptions<Label extends string> extends HistogramConfiguration<Label> {
  readonly registers: Registry[];
}

/**
 * A histogram that counts its values when it is read, or when many wait. Why not at once? The package makes a text of the
 * labels for each value, and every commit has ten values.
 */
export class Histogram<Label extends string = string> {
  readonly #counted: CountedHistogram<Label>;
  #waiting: (readonly [LabelValues<Label>, number])[] = [];

  constructor(options: HistogramOptions<Label>) {
    this.#counted = new CountedHistogram({ ...options, collect: () => this.#count() });
  }

  /** Counts `value`; `labels` must not change later. */
  observe(value: number, labels: LabelValues<Label> = {}): void {
    this.#waiting.push([labels, value]);
    if (this.#waiting.length >= HISTOGRAM_VALUES_MAX) this.#count();
  }

  /** Makes the series of `labels`, so that it is there before its first value. */
  zero(labels: LabelValues<Label>): void {
    this.#counted.zero(labels);
  }

  #count(): void {
    for (const [labels, value] of this.#waiting) this.#counted.observe(labels, value);
    this.#waiting = [];
  }
}
