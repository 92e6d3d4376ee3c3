/// <reference lib="dom" />
// The path of a packet at the moment that is shown, by the code of `ledgerproxy why`.

import { TABLE } from "../../fold/skeleton.ts";
import { outcomeText, readPacket, rivals } from "../../history/packet_words.ts";
import { type Packet, trace, type TraceStep } from "../../history/trace.ts";
import { familyOf } from "../../kube/address.ts";
import { setPath } from "../../nft/ruleset.ts";
import { elementText } from "../../nft/text.ts";
import { causeLine } from "./causes.ts";
import { type Child, element, fill, section } from "./dom.ts";
import type { Report } from "./report.ts";

/** The section, and a function that traces a packet there. */
export function packetSection(
  report: Report,
): { root: HTMLElement; ask: (source: string, target: string) => void } {
  const source = field("source", "From", "10.244.1.5");
  const target = field("target", "To", "10.96.0.10:80/tcp");
  // A screen reader reads the outcome when it changes, but not the long path.
  const answer = { outcome: element("div", { "aria-live": "polite" }), path: element("div") };
  const show = () => {
    const [from, to] = [source.value.trim(), target.value.trim()];
    const { outcome, path } = from === "" && to === "" ? hint() : answerTo(report, from, to);
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
    show();
  });
  report.follow(show);
  const root = section(
    "packet",
    "Where a packet went",
    form,
    element("div", { id: "answer" }, answer.outcome, answer.path),
  );
  const ask = (from: string, to: string) => {
    source.value = from;
    target.value = to;
    show();
    root.scrollIntoView({ block: "nearest" });
    target.focus({ preventScroll: true });
  };
  return { root, ask };
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
    "Sender, and ADDRESS:PORT/PROTO: the path of the first packet of a connection through the rules at this moment.";
  return { outcome: [], path: [element("p", { class: "quiet" }, text)] };
}

/** Traces a packet through the rules of the moment; an error where the fields are no packet. */
function answerTo(report: Report, source: string, target: string): Answer {
  const packet = readPacket(source, target);
  if (typeof packet === "string") return { outcome: [element("p", { class: "bad" }, packet)], path: [] };
  const { view } = report.timeline;
  const { surroundings } = view;
  const ruleset = { tables: surroundings.tables, elements: view.elements };
  const { steps, outcomes } = trace(ruleset, packet, surroundings.addresses);
  const items = outcomes.map((outcome) =>
    element("li", { class: outcome.kind === "deliver" ? undefined : "bad" }, outcomeText(packet, outcome))
  );
  const path = steps.flatMap((step, i) => stepLines(report, packet, step, steps[i - 1]));
  const command = `ledgerproxy why ${source} ${target} --at @${view.at} --ledger DIR`;
  return {
    outcome: [element("ul", { class: "plain outcomes" }, ...items)],
    path: [
      ...rivals(packet, steps, surroundings).map((text) => element("p", { class: "warn" }, text)),
      element("ol", { class: "path" }, ...path),
      element("p", { class: "quiet" }, "In a terminal: ", element("code", {}, command)),
    ],
  };
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
  const elementsFound = found.map((one) => {
    const path = setPath(familyOf(packet.destination), TABLE, one.set);
    return element(
      "div",
      { class: "found" },
      element("code", {}, `@${one.set} { ${elementText(one.element)} }`),
      " by ",
      causeLine(report, elements.get(path)?.get(one.element.key)?.cause),
    );
  });
  return [
    ...head,
    element(
      "li",
      {},
      element("span", { class: "quiet" }, `${chain}: `),
      element("code", {}, rule),
      ...elementsFound,
    ),
  ];
}
