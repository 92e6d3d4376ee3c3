// What the table of protobuf fields keeps of an object in JSON.

import { type Field, OBJECTS, type WireMessage } from "../../src/ingest/protobuf_fields.ts";
import type { Json } from "../../src/ingest/protobuf_encoder.ts";

/** `object` with the fields of the table alone, which is what its protobuf is read into. */
export function projected(object: Json, kind = String(object["kind"])): Json {
  const known = OBJECTS.get(kind);
  const { apiVersion } = object;
  const named = object["kind"] === undefined ? {} : { kind, apiVersion };
  return { ...named, ...(known === undefined ? {} : fieldsOf(known.message, object)) };
}

function fieldsOf(message: WireMessage, value: Json): Json {
  const kept = message.flatMap((field): [string, unknown][] => {
    const of = field === undefined ? undefined : value[field.name];
    // Go's nil is null in JSON where a field has no `omitempty`, and nothing in protobuf.
    return field === undefined || of === undefined || of === null ? [] : [[field.name, valueOf(field, of)]];
  });
  return Object.fromEntries(kept);
}

function valueOf(field: Field, value: unknown): unknown {
  switch (field.kind) {
    case "message":
      return fieldsOf(field.message, value as Json);
    case "messages":
    case "items":
      return (value as Json[]).map((element) => fieldsOf(field.message, element));
    case "map": {
      const entries = Object.entries(value as Json);
      return Object.fromEntries(entries.filter(([key]) => field.keys?.has(key) ?? true));
    }
    default:
      return value;
  }
}

/** The events of a stream in an order of their own, without bookmarks: a server sends objects in any order. */
export function sortedEvents(events: readonly Json[]): string[] {
  const objects = events.filter(({ type }) => type !== "BOOKMARK");
  return objects.map((event) => JSON.stringify(ordered(event))).sort();
}

/** `value` with the fields of its objects by name. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(fields.map(([name, field]) => [name, ordered(field)]));
}
