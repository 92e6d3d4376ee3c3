/// <reference lib="dom" />
// The changes at the moment that is shown: the events, the difference that each made to its object, and the elements.

import { objectChanges } from "../../history/object_diff.ts";
import type { CommitRecord, CommittedChange, LedgerRecord } from "../../ledger/record.ts";
import { splitSetPath } from "../../nft/ruleset.ts";
import { describe, position, provenance } from "./causes.ts";
import { type Child, element, fill, section } from "./dom.ts";
import type { Report } from "./report.ts";
import { counted } from "./words.ts";

/** Most events, and most elements, shown for one moment. */
const SHOWN_MAX = 200;

/** What the reader opened. */
interface Opened {
  elements: boolean;
}

/** The section. */
export function changesSection(report: Report): HTMLElement {
  const body = element("div");
  // Whether the reader opened the elements: it stays so at other moments.
  const opened: Opened = { elements: false };
  report.follow(["moment", "clock"], () => fill(body, changes(report, opened)));
  return section("changes", "What changed", body);
}

/** The content of the section at the stop that is shown. */
function changes(report: Report, opened: Opened): Child[] {
  const { stop, data } = report;
  if (stop.kind === "beginning") {
    return [element("p", { class: "quiet" }, "The state that the window begins with.")];
  }
  const record = data.records[stop.offset - data.first]!;
  switch (record.kind) {
    case "commit":
      return [
        ...outcome(record),
        events(report),
        elements(report, record.changes, record.changesOmitted, opened),
      ];
    case "drift":
      return [
        paragraph(`${record.process || "Another program"}, process ${record.pid}:`, "bad"),
        element("ul", { class: "plain" }, ...record.changes.map((change) => element("li", {}, change))),
        paragraph(record.response),
      ];
    case "gap":
      return [
        paragraph(`${counted(record.records, "record")} could not be written: ${record.reason}`, "bad"),
      ];
    default:
      return [events(report), elements(report, uncommitted(report), 0, opened)];
  }
}

function paragraph(text: string, kind?: string): HTMLElement {
  return element("p", { class: kind }, text);
}

/** Why a commit was rejected; nothing for one that was committed. */
function outcome({ outcome, error, setAside }: CommitRecord): HTMLElement[] {
  if (outcome === "committed") return [];
  return [
    paragraph(`The kernel rejected it: ${error ?? "the record has no reason"}`, "bad"),
    paragraph("The kernel kept the rules of the previous commit. This page shows the desired rules."),
    ...(setAside === undefined ? [] : [paragraph(`${setAside} is set aside from now on.`)]),
  ];
}

/** Element changes of a record that no commit folded, from the timeline. */
function uncommitted({ timeline, stop }: Report): CommittedChange[] {
  const { elements } = timeline.moments[stop.through - timeline.first]!;
  return elements.flatMap(({ path, key, before, after }): CommittedChange[] => {
    const side = (verb: "add" | "delete", one: typeof before): CommittedChange[] =>
      one === undefined ? [] : [{
        verb,
        set: path,
        key,
        cause: stop.through,
        ...(one.value === undefined ? {} : { value: one.value }),
        ...(one.comment === undefined ? {} : { comment: one.comment }),
      }];
    return [...side("delete", before), ...side("add", after)];
  });
}

/** The events that were folded since the previous stop. */
function events(report: Report): HTMLElement {
  const { data: { records, first }, stop: { from, through } } = report;
  const begin = Math.max(0, from - first);
  const folded = records.slice(begin, through - first + 1).map((record, i) => ({ record, at: begin + i }))
    .filter(({ record }) => record.kind === "event" || record.kind === "config");
  const rows = folded.slice(0, SHOWN_MAX).map(({ record, at }) => event(report, record, at));
  const more = folded.length - rows.length;
  return element(
    "ol",
    { class: "events" },
    ...rows,
    more > 0 && element("li", { class: "quiet" }, `and ${counted(more, "record")} more`),
    from < first &&
      element("li", { class: "quiet" }, `and ${counted(first - from, "record")} before this window`),
  );
}

/** One event: object, provenance, and the difference that it makes. */
function event(report: Report, record: LedgerRecord, at: number): HTMLElement {
  const { timeline } = report;
  const { object } = timeline.moments[at]!;
  const differences = object === undefined ? [] : objectChanges(object.before?.object, object.after?.object);
  const shown = differences.slice(0, SHOWN_MAX);
  return element(
    "li",
    {},
    position(report, timeline.first + at),
    ` ${describe(record)}${object !== undefined && object.before === undefined ? " (new)" : ""}`,
    element("div", { class: "quiet" }, ...provenance(report, record, object?.before?.object)),
    shown.length > 0 &&
      element("ul", { class: "plain said" }, ...shown.map((line) => element("li", {}, line))),
  );
}

/** Element changes by ServicePort, the comment of the element. They are made when they are opened. */
function elements(
  report: Report,
  all: readonly CommittedChange[],
  omitted: number,
  opened: Opened,
): HTMLElement {
  if (all.length + omitted === 0) return element("p", { class: "quiet" }, "No element changed.");
  const title = element("summary", {}, `${counted(all.length + omitted, "element")} changed`);
  const details = element("details", { class: "elements", open: opened.elements }, title);
  const show = () => {
    opened.elements = details.open;
    if (details.open && details.childElementCount === 1) details.append(diff(report, all, omitted));
  };
  show();
  details.addEventListener("toggle", show);
  return details;
}

/** The element changes as a diff. */
function diff(report: Report, all: readonly CommittedChange[], omitted: number): HTMLElement {
  const groups = new Map<string, CommittedChange[]>();
  for (const change of all.slice(0, SHOWN_MAX)) {
    const name = change.comment ?? "";
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [change]);
    else group.push(change);
  }
  const more = all.length - SHOWN_MAX + omitted;
  return element(
    "div",
    { class: "diff" },
    ...[...groups].flatMap(([name, changes]) => [
      element("h3", {}, name === "" ? "of no Service" : name),
      ...changes.map((change) => changeLine(report, change)),
    ]),
    more > 0 && all.length >= SHOWN_MAX &&
      element("p", { class: "quiet" }, `and ${counted(more, "change")} more`),
  );
}

/** One element change as a line of a diff, with a link to its cause. */
function changeLine(report: Report, { verb, set, key, value, cause }: CommittedChange): HTMLElement {
  const { family, name } = splitSetPath(set);
  return element(
    "div",
    { class: verb },
    element(
      "code",
      {},
      `${verb === "add" ? "+" : "−"} ${family === "ip6" ? "ip6 " : ""}${name} { ${key}${
        value ? ` : ${value}` : ""
      } }`,
    ),
    " ",
    position(report, cause),
  );
}
