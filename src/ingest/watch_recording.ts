// Reads a watch that was recorded as lines of JSON ({time, kind, type, object | items}) into watch events. The LIST with which
// each kind begins becomes upserts and deletions; bookmarks give no event.

import { messageOf } from "../thrown.ts";
import { partsExcess } from "../json_parts.ts";
import { RECORD_BYTES_MAX } from "../limits/ledger.ts";
import { decodeObject } from "../kube/decode.ts";
import {
  describeKey,
  type KubeObject,
  OBJECT_KINDS,
  objectKey,
  type ObjectKind,
  type WatchEvent,
} from "../kube/objects.ts";
import { quoted } from "../kube/quoted.ts";
import { knownObjects, relist } from "./relist.ts";

/** One line of a recording. */
interface Line {
  readonly time: string;
  readonly kind: ObjectKind;
  readonly type: string;
  readonly resourceVersion?: string;
  readonly object?: unknown;
  readonly items?: readonly unknown[];
}

/** The events in `text`, and a problem for each line that could not be read. */
export function readWatchRecording(text: string): { events: WatchEvent[]; problems: string[] } {
  const known = new Map<string, KubeObject>();
  const events: WatchEvent[] = [];
  const problems: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const report = (problem: string) => problems.push(`line ${i + 1}: ${problem}`);
    const parsed = parseLine(line);
    const found = typeof parsed === "string"
      ? parsed
      : lineEvents(parsed, known, (value) => decoded(value, report));
    if (typeof found === "string") {
      report(found);
      continue;
    }
    for (const event of found) {
      events.push(event);
      if (event.value === null) known.delete(describeKey(event.key));
      else known.set(describeKey(event.key), event.value);
    }
  }
  return { events, problems };
}

function parseLine(line: string): Line | string {
  if (line.length > RECORD_BYTES_MAX) return `more than ${RECORD_BYTES_MAX} bytes`;
  const excess = partsExcess(line);
  if (excess !== undefined) return excess;
  try {
    const parsed: Line | null = JSON.parse(line);
    if (typeof parsed !== "object" || parsed === null) return "not an object";
    if (!OBJECT_KINDS.includes(parsed.kind)) {
      return `kind ${quoted(parsed.kind)} is not one of ${OBJECT_KINDS.join(", ")}`;
    }
    return Number.isNaN(Date.parse(parsed.time)) ? `time ${quoted(parsed.time)} is not RFC 3339` : parsed;
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
}

type Decode = (value: unknown) => KubeObject | undefined;

function lineEvents(
  line: Line,
  known: ReadonlyMap<string, KubeObject>,
  decode: Decode,
): WatchEvent[] | string {
  const { kind, type } = line;
  const time = new Date(line.time).toISOString();
  if (type === "BOOKMARK") return [];
  if (type === "LIST") {
    const items = line.items ?? [];
    if (!Array.isArray(items)) return `items: ${quoted(items)}; a list is expected`;
    const objects = items.map(decode).filter((object) => object !== undefined);
    const ofKind = knownObjects([...known.values()].filter((object) => object.kind === kind));
    return relist(ofKind, { objects, complete: objects.length === items.length, time });
  }
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") {
    return `type ${quoted(type)} is unknown`;
  }
  const object = decode(line.object);
  if (object === undefined) return [];
  const value = type === "DELETED" ? null : object;
  return [{ key: objectKey(object), value, resourceVersion: object.metadata.resourceVersion ?? "", time }];
}

function decoded(value: unknown, report: (problem: string) => void): KubeObject | undefined {
  const result = decodeObject(value);
  if (!result.ok) {
    report(result.problem);
    return undefined;
  }
  result.warnings.forEach(report);
  return result.object;
}
