// The state of the page: the data, the moment that is shown, what was chosen, and the listeners that are called when
// any of that changes.

import type { Outage } from "../../history/outages.ts";
import { REPORT_RECORDS } from "../../limits/questions.ts";
import type { Figures } from "../figures.ts";
import { figuresOf } from "../figures.ts";
import type { EarlierCause, ReportData, ReportGrowth } from "../report_data.ts";
import { ShownServices } from "../shown_services.ts";
import { type Stop, stopAtTime, stopOfOffset, stopsOf } from "../stops.ts";
import { type Range, wholeRange, withinRange } from "../time_range.ts";
import { type GrowingTimeline, measuredRecords } from "../timeline.ts";
import type { Zone } from "./words.ts";

/** What of a page changes. */
type Aspect = "moment" | "clock" | "range" | "service" | "packet" | "records";

type Listener = () => void;

/** Where a packet comes from and goes to, as the reader wrote it. */
interface AskedPacket {
  readonly source: string;
  readonly target: string;
}

/** How many times as many records as its window may have a page takes before it forgets the oldest: to forget takes a while. */
const SLACK = 1.25;

/** One open report. */
export class Report {
  /** The ServicePorts at the moment that is shown. */
  readonly services: ShownServices;
  #data: ReportData;
  readonly #most: number;
  readonly #earlier: ReadonlyMap<number, EarlierCause>;
  #stops: readonly Stop[];
  #figures: Figures;
  #whole: Range;
  #zone: Zone = "local";
  #at: number;
  #range: Range;
  #service = "";
  #packet: AskedPacket | undefined;
  readonly #listeners: { readonly aspects: readonly Aspect[]; readonly listener: Listener }[] = [];

  /** `timeline` has the records of `data`; from now on the window has at most so many records as then, or as `most`. */
  constructor(data: ReportData, readonly timeline: GrowingTimeline, most = REPORT_RECORDS) {
    this.#most = Math.max(most, data.records.length);
    this.#data = { ...data, records: this.timeline.records };
    this.#earlier = new Map(data.causes.map((cause) => [cause.offset, cause]));
    this.services = new ShownServices(this.timeline);
    this.#stops = stopsOf(data.records, data.first);
    this.#figures = figuresOf(measuredRecords(this.timeline));
    this.#whole = wholeRange(this.stops[0]!.time, this.stops.at(-1)!.time);
    this.#range = this.whole;
    this.#at = this.stops.length - 1;
    this.timeline.moveTo(this.stop.through);
  }

  /** The data, with the records that were added since. */
  get data(): ReportData {
    return this.#data;
  }

  get stops(): readonly Stop[] {
    return this.#stops;
  }

  get figures(): Figures {
    return this.#figures;
  }

  /** The time of the window, with a margin. */
  get whole(): Range {
    return this.#whole;
  }

  /** Index of the stop that is shown. */
  get at(): number {
    return this.#at;
  }

  get stop(): Stop {
    return this.stops[this.#at]!;
  }

  /** The clock in which times are written. */
  get zone(): Zone {
    return this.#zone;
  }

  /** The part of the window that charts, lanes and slider show. */
  get range(): Range {
    return this.#range;
  }

  /** The name of the Service that the reader looks at, or any other text that finds Services; "" for none. */
  get service(): string {
    return this.#service;
  }

  /** The packet whose path is shown. */
  get packet(): AskedPacket | undefined {
    return this.#packet;
  }

  /** The record at `offset` before the window, where it is a cause. */
  earlierCause(offset: number): EarlierCause | undefined {
    return this.#earlier.get(offset);
  }

  /** Shows stop `index`; the first or the last one where it is out of range. */
  goTo(index: number): void {
    const at = Math.min(Math.max(0, index), this.stops.length - 1);
    if (at === this.#at) return;
    this.#at = at;
    this.timeline.moveTo(this.stop.through);
    const { stop: { time }, range: { begin, end } } = this;
    const half = (end - begin) / 2;
    if (time < begin || time > end) this.setRange({ begin: time - half, end: time + half });
    this.#notify("moment");
  }

  goToTime(milliseconds: number): void {
    this.goTo(stopAtTime(this.stops, milliseconds));
  }

  goToOffset(offset: number): void {
    this.goTo(stopOfOffset(this.stops, offset));
  }

  /**
   * Adds records. A reader who looks at the end goes on to the new end; others stay where they are. What is older than the window may
   * be is forgotten: a page that is open for weeks does not grow.
   */
  append({ records, outages }: ReportGrowth): void {
    const { stop: { offset }, whole, range } = this;
    const atEnd = this.at === this.stops.length - 1;
    for (const record of records) this.timeline.append(record);
    this.#forgetOld();
    const { records: all, first } = this.timeline;
    const isInWindow = ({ to }: Outage) => to === null || to.offset >= first;
    this.#data = { ...this.#data, first, records: all, outages: outages.filter(isInWindow) };
    this.#stops = stopsOf(all, first);
    this.#figures = figuresOf(measuredRecords(this.timeline));
    this.#whole = wholeRange(this.stops[0]!.time, this.stops.at(-1)!.time);
    const later = this.whole.end - whole.end;
    if (range === whole) this.#range = this.whole;
    else if (atEnd) {
      this.#range = withinRange({ begin: range.begin + later, end: range.end + later }, this.whole);
    }
    this.#at = atEnd ? this.stops.length - 1 : stopOfOffset(this.stops, offset);
    this.timeline.moveTo(this.stop.through);
    for (const { listener } of this.#listeners) listener();
  }

  /** Forgets the oldest records, where a quarter more are there than the window may have. */
  #forgetOld(): void {
    const { length } = this.timeline.records;
    if (length <= this.#most * SLACK) return;
    const gone = length - this.#most;
    this.timeline.forgetBefore(this.timeline.first + gone);
    this.services.forget();
    const { leftOut } = this.#data;
    this.#data = { ...this.#data, leftOut: { ...leftOut, before: leftOut.before + gone } };
  }

  setZone(zone: Zone): void {
    this.#zone = zone;
    this.#notify("clock");
  }

  /** Shows this part of the window, as far as the window goes. */
  setRange(range: Range): void {
    const within = withinRange(range, this.whole);
    if (within.begin === this.#range.begin && within.end === this.#range.end) return;
    this.#range = within;
    this.#notify("range");
  }

  setService(service: string): void {
    if (service === this.#service) return;
    this.#service = service;
    this.#notify("service");
  }

  setPacket(packet: AskedPacket | undefined): void {
    this.#packet = packet;
    this.#notify("packet");
  }

  /** Calls `listener` now, when any of `aspects` changes, and when records are added. */
  follow(aspects: readonly Aspect[], listener: Listener): void {
    this.#listeners.push({ aspects, listener });
    listener();
  }

  #notify(aspect: Aspect): void {
    for (const { aspects, listener } of this.#listeners) if (aspects.includes(aspect)) listener();
  }
}
