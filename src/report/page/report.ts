// The state of the page: the data, the moment that is shown, and the listeners that are called when it changes.

import type { Figures } from "../figures.ts";
import { figuresOf } from "../figures.ts";
import type { ReportData } from "../report_data.ts";
import { type Stop, stopAtTime, stopOfOffset, stopsOf } from "../stops.ts";
import { ShownServices } from "../shown_services.ts";
import { type GrowingTimeline, timelineOf } from "../timeline.ts";
import type { Zone } from "./words.ts";

/** Called when another moment is shown, or when the clock for times changes. */
type Listener = () => void;

/** One open report. */
export class Report {
  readonly data: ReportData;
  readonly timeline: GrowingTimeline;
  /** The ServicePorts at the moment that is shown. */
  readonly services: ShownServices;
  readonly stops: readonly Stop[];
  readonly figures: Figures;
  zone: Zone = "local";
  #at: number;
  readonly #listeners: Listener[] = [];
  readonly #clockListeners: Listener[] = [];

  constructor(data: ReportData) {
    this.data = data;
    this.timeline = timelineOf(data);
    this.services = new ShownServices(this.timeline);
    this.stops = stopsOf(data.records, data.first);
    this.figures = figuresOf(data.records, data.first);
    this.#at = this.stops.length - 1;
    this.timeline.moveTo(this.stop.through);
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
    this.timeline.moveTo(this.stop.through);
    for (const listener of this.#listeners) listener();
  }

  goToTime(milliseconds: number): void {
    this.goTo(stopAtTime(this.stops, milliseconds));
  }

  goToOffset(offset: number): void {
    this.goTo(stopOfOffset(this.stops, offset));
  }

  /** Writes times in this zone from now on. */
  setZone(zone: Zone): void {
    this.zone = zone;
    for (const listener of [...this.#clockListeners, ...this.#listeners]) listener();
  }

  /** Calls `listener` now, and when another moment is shown or the clock for times changes. */
  follow(listener: Listener): void {
    this.#listeners.push(listener);
    listener();
  }

  /** Calls `listener` now, and when the clock for times changes. */
  followClock(listener: Listener): void {
    this.#clockListeners.push(listener);
    listener();
  }
}
