// The report that is open: what it knows, which moment it shows, and who wants to be told when that changes.

import type { Figures } from "../figures.ts";
import { figuresOf } from "../figures.ts";
import type { ReportData } from "../report_data.ts";
import { type Stop, stopAtTime, stopOfOffset, stopsOf } from "../stops.ts";
import { moveTo, type Timeline, timelineOf } from "../timeline.ts";
import type { Zone } from "./words.ts";

/** Told that another moment is shown, or that it is written otherwise. */
type Listener = () => void;

/** See the head of this file. */
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

  /** Shows stop `index`, or the nearest there is. */
  goTo(index: number): void {
    const at = Math.min(Math.max(0, index), this.stops.length - 1);
    if (at === this.#at) return;
    this.#at = at;
    moveTo(this.timeline, this.stop.through);
    this.tell();
  }

  goToTime(milliseconds: number): void {
    this.goTo(stopAtTime(this.stops, milliseconds));
  }

  goToOffset(offset: number): void {
    this.goTo(stopOfOffset(this.stops, offset));
  }

  /** Calls `listener` now and whenever another moment is shown. */
  follow(listener: Listener): void {
    this.#listeners.push(listener);
    listener();
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
