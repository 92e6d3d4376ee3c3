// Reads a recording of KWOK (kwokctl snapshot export --record, 0.8): YAML documents, first the objects as they were, then a ResourcePatch
// for each change, with the nanoseconds since the beginning. All times in it count from there, so it must be said when that was.

import { fieldsOf, isJsonObject } from "../kube/json_value.ts";
import { describeKey, type ObjectKey, objectKey, type ObjectKind } from "../kube/objects.ts";
import { quoted } from "../kube/quoted.ts";
import { readOneDocument } from "./yaml_documents.ts";
import { Recorder, type RecordingContent } from "./recorded_events.ts";
import { AmbiguousPatch, strategicMerge } from "./strategic_merge.ts";
import { secondsText } from "./unix_time.ts";

const API = "action.kwok.x-k8s.io/";
/** Resources of the kinds that are watched, as patches name them. */
const KINDS: Readonly<Record<string, ObjectKind>> = {
  services: "Service",
  nodes: "Node",
  endpointslices: "EndpointSlice",
  servicecidrs: "ServiceCIDR",
};

type Fields = Readonly<Record<string, unknown>>;

/** The events in `text`, a recording that began at `began` in milliseconds. */
export function readKwokRecording(text: string, began: number): RecordingContent {
  const recorder = new Recorder();
  const objects = new Map<string, Fields>();
  for (const { line, value } of documents(text, began, recorder)) {
    if (!isJsonObject(value)) continue;
    if (value["kind"] !== "ResourcePatch") {
      take(recorder, objects, line, value, began);
      continue;
    }
    const patched = patchOf(value, objects, began);
    if (typeof patched === "string") recorder.report(line, patched);
    else if (patched !== undefined) {
      take(recorder, objects, line, patched.object, began + patched.after, patched.isDeletion);
    }
  }
  return recorder.recorded("KWOK records no versions of objects, and times since it began");
}

/** Adds the object, and keeps it for the patches that follow. */
function take(
  recorder: Recorder,
  objects: Map<string, Fields>,
  line: number,
  value: Fields,
  time: number,
  isDeletion = false,
): void {
  const object = recorder.decoded(line, value);
  if (object === undefined) return;
  const name = describeKey(objectKey(object));
  if (isDeletion) objects.delete(name);
  else objects.set(name, value);
  recorder.add(object, isDeletion, time);
}

interface Patched {
  readonly object: Fields;
  readonly isDeletion: boolean;
  /** Milliseconds since the recording began. */
  readonly after: number;
}

/** What `patch` makes of its object; undefined for kinds that are not watched. A text: why that is not known. */
function patchOf(
  patch: Fields,
  objects: ReadonlyMap<string, Fields>,
  began: number,
): Patched | undefined | string {
  const { apiVersion, resource, target, durationNanosecond, method, template } = patch;
  if (typeof apiVersion !== "string" || !apiVersion.startsWith(API)) {
    return `ResourcePatch of ${quoted(apiVersion, "no apiVersion")}: ${API}v1alpha1 is expected; ` +
      "record again with kwokctl 0.6 or later";
  }
  const { group = "", resource: name } = fieldsOf(resource);
  const kind = Object.hasOwn(KINDS, textOf(name)) ? KINDS[textOf(name)] : undefined;
  const isOwn = group === "" || group === "discovery.k8s.io" || group === "networking.k8s.io";
  if (kind === undefined || !isOwn) return undefined;
  const key: ObjectKey = {
    kind,
    namespace: textOf(fieldsOf(target)["namespace"]),
    name: textOf(fieldsOf(target)["name"]),
  };
  const described = describeKey(key);
  if (typeof durationNanosecond !== "number") {
    return `${described}: durationNanosecond ${quoted(durationNanosecond, "missing")}: a number is expected`;
  }
  const after = durationNanosecond / 1e6;
  if (secondsText((began + after) / 1000) === undefined) {
    return `${described}: durationNanosecond ${durationNanosecond}: that is no time of the years 0 to 9999`;
  }
  const before = objects.get(described);
  if (method === "create" && isJsonObject(template)) return { object: template, isDeletion: false, after };
  if (method !== "patch" && method !== "delete") {
    return `${described}: method ${quoted(method, "missing")}: create, patch or delete is expected`;
  }
  if (before === undefined) return `${described}: ${method} of an object that the recording does not have`;
  if (method === "delete") return { object: before, isDeletion: true, after };
  try {
    return { object: strategicMerge(kind, before, fieldsOf(template)), isDeletion: false, after };
  } catch (error) {
    if (error instanceof AmbiguousPatch) return `${described}: ${error.message}; the patch is left out`;
    throw error;
  }
}

/**
 * The documents of `text`, each with its first line, and with its times in place of the distances from the beginning. What stands
 * behind a `---` belongs to the document, also the end of a line that is not \n.
 */
function* documents(
  text: string,
  began: number,
  recorder: Recorder,
): Generator<{ readonly line: number; readonly value: unknown }> {
  let line = 1;
  for (const document of text.split(/^---(?=\s|$)/m)) {
    const timed = document.replaceAll(
      /\$\(time-offset-nanosecond (-?\d{1,18})\)/g,
      (_, offset) => new Date(began + Number(offset) / 1e6).toISOString(),
    );
    const read = readOneDocument(timed);
    if ("problem" in read) recorder.report(line + read.line - 1, read.problem);
    else yield { line: line + linesIn(/^\s*/.exec(document)![0]), value: read.value };
    line += linesIn(document);
  }
}

function linesIn(text: string): number {
  return text.split("\n").length - 1;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
