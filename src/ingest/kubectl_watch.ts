// Reads what `kubectl get --watch -o json` printed, with or without --output-watch-events, and the lines of a raw watch: objects, Lists
// of them, or {type, object}. kubectl prints no times. An event that was given a field `time` has that time; for all others the times
// in the object's metadata must do, which have whole seconds.

import { fieldsOf } from "../kube/json_value.ts";
import { describeKey, objectKey, TRIGGER } from "../kube/objects.ts";
import { quoted } from "../kube/quoted.ts";
import { jsonValues } from "./json_values.ts";
import { Recorder, type RecordingContent } from "./recorded_events.ts";

/** Something that was printed. Without a type, kubectl printed the object alone. */
interface Printed {
  readonly line: number;
  readonly type: string;
  readonly object: unknown;
  readonly time: unknown;
}

const UNTYPED = "";

/** The events in `text`. */
export function readKubectlWatch(text: string): RecordingContent {
  const recorder = new Recorder();
  const clock = new ObjectClock();
  let untyped = false;
  for (const printed of printedValues(text, recorder)) {
    const { line, type, object: value, time } = printed;
    if (type === "BOOKMARK") continue;
    if (type === "ERROR") {
      recorder.report(line, `the watch ended: ${quoted(fieldsOf(value)["message"])}`);
      continue;
    }
    if (![UNTYPED, "ADDED", "MODIFIED", "DELETED"].includes(type)) {
      recorder.report(line, `type ${quoted(type)} is not one of ADDED, MODIFIED, DELETED, BOOKMARK, ERROR`);
      continue;
    }
    const object = recorder.decoded(line, value);
    if (object === undefined) continue;
    untyped ||= type === UNTYPED;
    const name = describeKey(objectKey(object));
    const at = clock.at(name, value, type, time);
    if (typeof at === "string") recorder.report(line, `${name}: ${at}`);
    else recorder.add(object, type === "DELETED", at);
  }
  return recorder.recorded(
    ...(untyped
      ? ["kubectl printed no deletions: objects that were deleted stay (record with --output-watch-events)"]
      : []),
    ...(clock.borrowed > 0
      ? [
        `events with the time of the one before, because they have none of their own: ${clock.borrowed} ` +
        "(add a field time; --show-managed-fields is enough for changes)",
      ]
      : []),
  );
}

function* printedValues(text: string, recorder: Recorder): Generator<Printed> {
  for (const found of jsonValues(text)) {
    const { line } = found;
    if ("problem" in found) {
      recorder.report(line, found.problem);
      continue;
    }
    const { type, object, time, kind, items } = fieldsOf(found.value);
    if (typeof type === "string" && object !== undefined) yield { line, type, object, time };
    else if (kind === "List" && Array.isArray(items)) {
      for (const item of items) yield { line, type: "ADDED", object: item, time };
    } else if (typeof kind === "string") yield { line, type: UNTYPED, object: found.value, time: undefined };
    else recorder.report(line, "neither an object with kind, nor an event with type and object");
  }
}

/** Works out the times of events from the objects. */
class ObjectClock {
  /** The newest time of all events, and that of each object. */
  #latest = -Infinity;
  readonly #ofObject = new Map<string, number>();
  /** How many events have the time of another one. */
  borrowed = 0;

  /** The time of an event in milliseconds, or the reason why there is none. `given`: its field `time`. */
  at(name: string, object: unknown, type: string, given: unknown): number | string {
    const before = this.#ofObject.get(name);
    const stated = typeof given === "string" ? Date.parse(given) : NaN;
    const at = given === undefined ? this.#guessed(object, type, before) : stated;
    if (Number.isNaN(at)) return `time ${quoted(given)}: RFC 3339 is expected, such as 2026-11-23T09:30:00Z`;
    if (at === -Infinity) {
      return "it has no time: give the event one, as with `jq -c '{time: (now | todate)} + .'`";
    }
    this.#latest = Math.max(this.#latest, at);
    this.#ofObject.set(name, at);
    return at;
  }

  /**
   * An object that appears has the newest time in its metadata, which may be long ago. A change or deletion came after everything
   * before it, because a watch is in order.
   */
  #guessed(object: unknown, type: string, before: number | undefined): number {
    const own = newestTime(object);
    if (before === undefined && type !== "DELETED") return own;
    if (type === "ADDED") return Math.max(own, before ?? own);
    if (type === "DELETED" || own <= before!) this.borrowed++;
    return Math.max(own, this.#latest);
  }
}

/** The newest time in an object's metadata in milliseconds; -Infinity where it has none. */
function newestTime(object: unknown): number {
  const { creationTimestamp, deletionTimestamp, managedFields, annotations } = fieldsOf(
    fieldsOf(object)["metadata"],
  );
  const managed = Array.isArray(managedFields) ? managedFields.map((entry) => fieldsOf(entry)["time"]) : [];
  const times = [creationTimestamp, deletionTimestamp, fieldsOf(annotations)[TRIGGER], ...managed]
    .map((time) => typeof time === "string" ? Date.parse(time) : NaN)
    .filter((time) => !Number.isNaN(time));
  return Math.max(-Infinity, ...times);
}
