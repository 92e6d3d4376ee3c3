// The state of the page: the data, the moment that is shown, and the listeners that are called when it changes.

import type { Figures } from "../figures.ts";
import { figuresOf } from "../figures.ts";
import type { ReportData } from "../report_data.ts";
import { type Stop, stopAtTime, stopOfOffset, stopsOf } from "../stops.ts";
import { moveTo, type Timeline, timelineOf } from "../timeline.ts";
import type { Zone } from "./words.ts";

/** Called when another moment is shown, or when the clock for times changes. */
type Listener = () => void;

/** One open report. */
export class Report {
  readonly data: ReportData;
  readonly timeline: Timeline;
  readonly stops: readonly Stop[];
  readonly figures: Figures;
  zone: Zone = "local";
  #at: number;
  readonly #listeners: Listener[] = [];

  constructor(data: ReportData) {
    this.data = data;
    this.timeline = timelineOf(data);
    this.stops = stopsOf(data.records, data.first);
    this.figures = figuresOf(data.records, data.first);
    this.#at = this.stops.length - 1;
    moveTo(this.timeline, this.stop.through);
  }

  /** Index of the stop that is shown. */
  get at(): number {
    return this.#at;
  }

  get stop(): Stop {
    return this.stops[this.#at]!;
  }

  /** Shows stop `index`; the first or the last one where it is out of range. */
  goTo(index: number): void {
    const at = Math.min(Math.max(0, index), this.stops.length - 1);
    if (at === this.#at) return;
    this.#at = at;
    moveTo(this.timeline, this.stop.through);
    this.notify();
  }

  goToTime(milliseconds: number): void {
    this.goTo(stopAtTime(this.stops, milliseconds));
  }

  goToOffset(offset: number): void {
    this.goTo(stopOfOffset(this.stops, offset));
  }

  /** Calls `listener` now and after every change. */
  follow(listener: Listener): void {
    this.#listeners.push(listener);
    listener();
  }

  /** Calls every listener. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
