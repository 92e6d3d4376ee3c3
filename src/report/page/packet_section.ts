/// <reference lib="dom" />
// The path of a packet at the moment that is shown, by the code of `ledgerproxy why`.

import { TABLE } from "../../fold/skeleton.ts";
import { isNameProblem, nameProblemLines } from "../../history/names.ts";
import { packetOfNames } from "../../history/packet_names.ts";
import { outcomeText, rivals } from "../../history/packet_words.ts";
import { shortened, shortenedOutcomes } from "../../history/shortened.ts";
import { type Outcome, type Packet, trace, type TraceStep } from "../../history/trace.ts";
import { familyOf } from "../../kube/address.ts";
import { setPath } from "../../nft/ruleset.ts";
import { elementText } from "../../nft/text.ts";
import { namesIn } from "../view_names.ts";
import { causeLine } from "./causes.ts";
import { type Child, element, fill, section } from "./dom.ts";
import type { Report } from "./report.ts";
import { count } from "./words.ts";

/** The section. */
export function packetSection(report: Report): HTMLElement {
  const source = field("source", "From", "10.244.1.5");
  const target = field("target", "To", "Service or 10.96.0.10:80/tcp");
  // A screen reader reads the outcome when it changes, but not the long path.
  const answer = { outcome: element("div", { "aria-live": "polite" }), path: element("div") };
  const show = () => {
    const { packet } = report;
    const { outcome, path } = packet === undefined ? hint() : answerTo(report, packet.source, packet.target);
    fill(answer.outcome, outcome);
    fill(answer.path, path);
  };
  const form = element(
    "form",
    { class: "packet" },
    element("label", { for: "source" }, "From"),
    source,
    element("label", { for: "target" }, "To"),
    target,
    element("button", { type: "submit" }, "Why"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, to] = [source.value.trim(), target.value.trim()];
    report.setPacket(from === "" && to === "" ? undefined : { source: from, target: to });
  });
  const root = section(
    "packet",
    "Where a packet went",
    form,
    element("div", { id: "answer" }, answer.outcome, answer.path),
  );
  report.follow(["packet"], () => {
    if (
      report.packet === undefined ||
      source.value.trim() === report.packet.source && target.value.trim() === report.packet.target
    ) return;
    source.value = report.packet.source;
    target.value = report.packet.target;
    root.scrollIntoView({ block: "nearest" });
    target.focus({ preventScroll: true });
  });
  report.follow(["moment", "clock", "packet"], show);
  return root;
}

function field(id: string, label: string, placeholder: string): HTMLInputElement {
  return element("input", { id, placeholder, title: label, spellcheck: "false", autocomplete: "off" });
}

/** The result of a trace: outcomes, and the rules on the path. */
interface Answer {
  readonly outcome: readonly Child[];
  readonly path: readonly Child[];
}

/** How to use the section, while its fields are empty. */
function hint(): Answer {
  const text =
    "Sender (an address, a pod, a node), and a Service or ADDRESS:PORT/PROTO: the path of the first packet of a connection through the rules at this moment.";
  return { outcome: [], path: [element("p", { class: "quiet" }, text)] };
}

/** Traces a packet through the rules of the moment; what is wrong where the fields name none. */
function answerTo(report: Report, source: string, target: string): Answer {
  const packet = packetOfNames(namesIn(report.timeline), source, target);
  if (typeof packet === "string") return wrong([packet]);
  if (isNameProblem(packet)) return wrong(nameProblemLines(packet));
  const { view } = report.timeline;
  const { surroundings } = view;
  const ruleset = { tables: surroundings.tables, elements: view.elements };
  const { steps, outcomes } = trace(ruleset, packet, surroundings.addresses);
  const item = (outcome: Outcome) =>
    element("li", { class: outcome.kind === "deliver" ? undefined : "bad" }, outcomeText(packet, outcome));
  const { shown, more } = shortenedOutcomes(outcomes);
  const rest = others(more, "outcomes", (all) => element("ul", { class: "plain" }, ...all.map(item)));
  const path = steps.flatMap((step, i) => stepLines(report, packet, step, steps[i - 1]));
  const command = `ledgerproxy why ${source} ${target} --at @${view.at} --ledger DIR`;
  return {
    outcome: [element("ul", { class: "plain outcomes" }, ...shown.map(item)), rest],
    path: [
      ...rivals(packet, steps, surroundings).map((text) => element("p", { class: "warn" }, text)),
      element("ol", { class: "path" }, ...path),
      element("p", { class: "quiet" }, "In a terminal: ", element("code", {}, command)),
    ],
  };
}

/** What is wrong with the fields. */
function wrong(lines: readonly string[]): Answer {
  return { outcome: lines.map((line) => element("p", { class: "bad" }, line)), path: [] };
}

/** The lines of one step: the hook where it changes, the rule, the elements that it found. */
function stepLines(
  report: Report,
  packet: Packet,
  step: TraceStep,
  before: TraceStep | undefined,
): HTMLElement[] {
  const { hook, priority, chain, rule, found } = step;
  const { elements } = report.timeline.view;
  const head = before?.hook === hook && before.priority === priority
    ? []
    : [element("li", { class: "hook" }, `${hook}, priority ${priority}`)];
  const line = (one: TraceStep["found"][number]) => {
    const path = setPath(familyOf(packet.destination), TABLE, one.set);
    return element(
      "div",
      { class: "found" },
      element("code", {}, `@${one.set} { ${elementText(one.element)} }`),
      " by ",
      causeLine(report, elements.get(path)?.get(one.element.key)?.cause),
    );
  };
  const { shown, more } = shortened(found);
  return [
    ...head,
    element(
      "li",
      {},
      element("span", { class: "quiet" }, `${chain}: `),
      element("code", {}, rule),
      ...shown.map(line),
      others(more, "elements", (all) => element("div", {}, ...all.map(line))),
    ),
  ];
}

/** What a list leaves out, behind its count: it is made once it is asked for. */
function others<T>(
  more: readonly T[],
  noun: string,
  made: (all: readonly T[]) => HTMLElement,
): HTMLElement | undefined {
  if (more.length === 0) return undefined;
  const summary = element("summary", {}, `and ${count(more.length)} more ${noun}`);
  const details = element("details", {}, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(made(more));
  });
  return details;
}
