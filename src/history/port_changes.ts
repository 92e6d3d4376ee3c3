// What of a change of a Service touches some of its ports: the fields of these ports and those of the whole Service, and the endpoints
// of slices that have such a port.

import type { LedgerRecord } from "../ledger/record.ts";
import type { EndpointSlice } from "../kube/objects.ts";
import type { JournalEntry } from "./journal.ts";
import { journalBackward } from "./journal_reading.ts";
import type { PortChoice } from "./names.ts";
import { type FieldChange, sliceOf } from "./object_diff.ts";
import type { Lookup, Past } from "./past.ts";

/** Returns what of a change of the Service touches the ports; undefined where nothing does. */
export type PortFilter = (entry: JournalEntry) => JournalEntry | undefined;

/** The filter for `ports`, which are of one Service of `past`. */
export function touchingPorts(past: Past, { ports }: PortChoice): PortFilter {
  const names = new Set(ports.map(({ portName }) => portName));
  const lookup = past.lookup();
  return (entry) => {
    if (entry.kind === "commit") return entry;
    const [came, left] = [entry.came, entry.left].map((all) =>
      all.filter((one) => names.has(portServed(one)))
    );
    const part = { ...entry, came: came!, left: left!, fields: fieldsOf(entry, names) };
    const traffic = part.came.length + part.left.length > 0;
    if (entry.object.startsWith("Service ")) {
      if (entry.verb !== "changed") {
        return portsIn(entry.text).some((name) => names.has(name)) ? part : undefined;
      }
      return part.fields.length > 0 || traffic ? part : undefined;
    }
    if (!entry.object.startsWith("EndpointSlice ")) return traffic ? part : undefined;
    const had = part.fields.some(({ path }) => portOfPath(path) !== undefined);
    if (!traffic && !had && !mayHave(names, entry, past, lookup)) return undefined;
    const isWhole = entry.verb !== "changed";
    return isWhole || traffic || part.endpoints.length + part.fields.length > 0 ? part : undefined;
  };
}

/** The changed fields of ports with these names, and those that are about no port. */
function fieldsOf({ fields }: JournalEntry, names: ReadonlySet<string>): readonly FieldChange[] {
  return fields.filter(({ path }) => {
    const port = portOfPath(path);
    return port === undefined || names.has(port);
  });
}

/** The name of the port that a field belongs to, `ports[http].nodePort`: "" for a port without one, which has its number or nothing here. */
function portOfPath(path: string): string | undefined {
  const [, name] = /^ports\[([^\]]*)\]/.exec(path) ?? [];
  // The name of a port has a letter (RFC 6335).
  return name === undefined ? undefined : /^\d*$/.test(name) ? "" : name;
}

/** The names of the ports in the text of a Service that appeared or went: `NodePort 10.96.0.1 http:80/TCP`. */
function portsIn(text: string): string[] {
  return text.split(" ").flatMap((word) => {
    const match = /^(?:(.+):)?\d+\/[A-Z]+$/.exec(word);
    return match === null ? [] : [match[1] ?? ""];
  });
}

/** The name of the port that an endpoint is for, `ip tcp http 10.244.0.1 . 8080`. */
function portServed(served: string): string {
  return served.split(" ")[2] ?? "";
}

/** Whether the slice of `entry` has a port with one of `names`. Where its records are not kept it may have. */
function mayHave(names: ReadonlySet<string>, entry: JournalEntry, past: Past, lookup: Lookup): boolean {
  const slice = sliceAt(past, lookup, entry) ??
    (entry.verb === "gone" ? sliceBefore(past, lookup, entry) : undefined);
  return slice === undefined
    ? entry.came.length + entry.left.length === 0
    : slice.ports.some(({ name }) => names.has(name ?? ""));
}

/** The slice after the change that `entry` is of. */
function sliceAt(past: Past, lookup: Lookup, { offset }: JournalEntry): EndpointSlice | undefined {
  let record: LedgerRecord | undefined;
  past.damageIn(() => record = lookup(offset)?.record);
  return record?.kind === "event" ? sliceOf(record.value) : undefined;
}

/** The slice of `entry`, which went, as it was. */
function sliceBefore(
  past: Past,
  lookup: Lookup,
  { offset, service, object }: JournalEntry,
): EndpointSlice | undefined {
  for (const entry of journalBackward(past, offset - 1, { service, details: false })) {
    if (entry.object === object && entry.kind === "event") return sliceAt(past, lookup, entry);
  }
  return undefined;
}
