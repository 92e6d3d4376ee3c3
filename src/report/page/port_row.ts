/// <reference lib="dom" />
// The row of one ServicePort: closed it has the numbers, open its frontends and endpoints.

import { endpointParts } from "../../nft/text.ts";
import { endpointCauses, type EndpointView, type PortView } from "../service_view.ts";
import { causeLine } from "./causes.ts";
import { type Child, element, table } from "./dom.ts";
import type { Report } from "./report.ts";
import { count, counted } from "./words.ts";

/** Most endpoints of one row; the filter finds the others. */
const ENDPOINTS_MAX = 100;

/** The name of a row, at all moments. */
export function rowName({ name, port }: PortView): string {
  return `${name} ${port.family} ${port.protocol}`;
}

/** A row for one ServicePort, open where `opened` has its name. Its tables are made when it is opened: closed rows stay fast. */
export function portRow(report: Report, opened: Set<string>, port: PortView): HTMLDetailsElement {
  const key = rowName(port);
  const details = element("details", { class: "port", open: opened.has(key) }, summary(port));
  const open = () => {
    if (details.childElementCount > 1) return;
    details.append(frontendTable(report, port), endpointTable(report, port));
  };
  if (details.open) open();
  details.addEventListener("toggle", () => {
    if (details.open) opened.add(key);
    else opened.delete(key);
    if (details.open) open();
  });
  return details;
}

/** The closed row: name, first frontend, endpoints with traffic, last change. */
function summary(port: PortView): HTMLElement {
  const { frontends: [first, ...others], endpoints, serving, aside } = port;
  const lacking = aside !== undefined || serving === 0;
  const more = others.length === 0 ? "" : ` +${others.length}`;
  return element(
    "summary",
    {},
    element("span", { class: "name" }, port.name),
    element("span", { class: "address" }, `${first?.text ?? ""}/${port.port.protocol}${more}`),
    element(
      "span",
      { class: lacking ? "served bad" : "served" },
      aside === undefined ? `${count(serving)}/${count(endpoints.length)}` : "set aside",
    ),
    element(
      "span",
      { class: "quiet last" },
      // No link: a control in a control cannot be reached by everyone. The open row has it.
      port.changed === undefined ? "before window" : `@${port.changed}`,
    ),
  );
}

/** The frontends, each with a button that traces a packet to it. */
function frontendTable(
  report: Report,
  port: PortView,
): HTMLElement {
  const sender = port.endpoints.find(({ traffic }) => traffic !== "none");
  const source = (sender && endpointParts(sender.text)?.address) ?? port.port.clusterIP;
  const rows = port.frontends.map((frontend): Child[] => {
    const { kind, text, leads, holder, cause } = frontend;
    const target = `${text.startsWith(":") ? `${port.port.clusterIP}${text}` : text}/${port.port.protocol}`;
    const why = element("button", {
      type: "button",
      class: "small",
      "aria-label": `why: trace a packet to ${target}`,
    }, "why");
    why.addEventListener("click", () => report.setPacket({ source, target }));
    const led = holder === undefined ? leads : `${leads}, held by ${holder}`;
    return [
      element("code", {}, text),
      `${kind}`,
      element("span", { class: leads === "endpoints" ? "" : "bad" }, breakable(led)),
      causeLine(report, cause),
      kind === "NodePort" ? undefined : why,
    ];
  });
  const notes = [
    port.type,
    ...port.policies,
    ...(port.aside === undefined ? [] : [`set aside: ${port.aside}`]),
  ];
  return element(
    "div",
    {},
    element("p", { class: "quiet notes" }, notes.join(" · ")),
    table(`Frontends of ${port.name}`, ["frontend", "kind", "leads to", "because of", ""], rows),
  );
}

/** The endpoints with condition, traffic and cause; of very many the first, those first that the filter names. */
function endpointTable(report: Report, port: PortView): HTMLElement {
  const { name, endpoints } = port;
  if (endpoints.length === 0) return element("p", { class: "quiet notes" }, "No endpoints.");
  const causes = endpointCauses(report.timeline.view, port);
  const all = endpoints.map((endpoint, i) => ({ endpoint, cause: causes[i] }));
  const shown = all.length <= ENDPOINTS_MAX ? all : [
    ...all.filter(({ endpoint }) => isNamed(report, endpoint)),
    ...all.filter(({ endpoint }) => !isNamed(report, endpoint)),
  ].slice(0, ENDPOINTS_MAX);
  const rows = shown.map(({ endpoint: { text, node, condition, traffic }, cause }): Child[] => [
    element("code", {}, text),
    breakable(node),
    element("span", { class: condition === "ready" ? "" : "warn" }, condition),
    traffic === "all" ? "traffic" : traffic === "local" ? "local traffic" : "none",
    causeLine(report, cause),
  ]);
  const made = table(`Endpoints of ${name}`, ["endpoint", "node", "condition", "gets", "because of"], rows);
  const more = all.length - shown.length;
  if (more === 0) return made;
  const rest = `and ${counted(more, "endpoint")} more. An address or a node in the filter shows those.`;
  return element("div", { class: "many" }, made, element("p", { class: "quiet notes" }, rest));
}

/** Longest name that keeps its row in the column: one of 253 characters is as wide as the page. */
const UNBROKEN_MAX = 40;

/** A text of names, which may break anywhere where it is long. */
function breakable(text: string): Child {
  return text.length <= UNBROKEN_MAX ? text : element("span", { class: "long" }, text);
}

/** Whether the filter names this endpoint. */
function isNamed({ service }: Report, { text, node }: EndpointView): boolean {
  const sought = service.toLowerCase();
  return sought !== "" && `${text} ${node}`.toLowerCase().includes(sought);
}
