// What a recording gives, whatever its form: watch events, and what could not be read.

import { decodeObject } from "../kube/decode.ts";
import { describeKey, type KubeObject, objectKey, type WatchEvent } from "../kube/objects.ts";
import { knownObjects, news } from "./relist.ts";

/** The content of a recording. */
export interface RecordingContent {
  readonly events: readonly WatchEvent[];
  /** `line 12: ...`: what could not be read. */
  readonly problems: readonly string[];
  /** What recordings of this form, or this one, cannot show. */
  readonly notes: readonly string[];
}

/** Gathers the events of one recording. */
export class Recorder {
  readonly problems: string[] = [];
  readonly #events: WatchEvent[] = [];

  /** Notes that something at `line` could not be read. */
  report(line: number, problem: string): void {
    this.problems.push(`line ${line}: ${problem}`);
  }

  /** The object `value`, which was at `line`; undefined where it cannot be used. Other kinds decide no rules and are skipped. */
  decoded(line: number, value: unknown): KubeObject | undefined {
    const result = decodeObject(value);
    if (!result.ok) {
      if (!result.otherKind) this.report(line, result.problem);
      return undefined;
    }
    for (const warning of result.warnings) this.report(line, warning);
    return result.object;
  }

  /** Adds that `object` was there, or was gone, at `time` in milliseconds. */
  add(object: KubeObject, isGone: boolean, time: number): void {
    const { resourceVersion = "" } = object.metadata;
    const value = isGone ? null : object;
    this.#events.push({ key: objectKey(object), value, resourceVersion, time: new Date(time).toISOString() });
  }

  /** Adds an event as it is. */
  addEvent(event: WatchEvent): void {
    this.#events.push(event);
  }

  /** What was gathered. */
  recorded(...notes: readonly string[]): RecordingContent {
    return { events: this.#events, problems: this.problems, notes };
  }
}

/** The events of all `recordings` of one cluster, in order, without those that change nothing. */
export function mergedEvents(recordings: readonly RecordingContent[]): WatchEvent[] {
  return news(knownObjects([]), inOrder(recordings.flatMap(({ events }) => events)));
}

/** `events` in the order of their times. Events of one object are in the order of its versions: two may have come at once. */
function inOrder(events: readonly WatchEvent[]): WatchEvent[] {
  const ordered = events.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const places = new Map<string, number[]>();
  for (let i = 0; i < ordered.length; i++) {
    const name = describeKey(ordered[i]!.key);
    const mine = places.get(name) ?? [];
    places.set(name, mine);
    mine.push(i);
    for (let n = mine.length - 1; n > 0; n--) {
      const [at, before] = [mine[n]!, mine[n - 1]!];
      const [later, earlier] = [ordered[at]!, ordered[before]!];
      if (!isNewer(earlier.resourceVersion, later.resourceVersion)) break;
      ordered[before] = { ...later, time: earlier.time };
      ordered[at] = { ...earlier, time: later.time };
    }
  }
  return ordered;
}

/** Whether version `a` of an object is newer than `b`: both are numbers (Kubernetes 1.35, KEP-5504), and it is the larger one. */
function isNewer(a: string, b: string): boolean {
  return /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) > BigInt(b);
}
