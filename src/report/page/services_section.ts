/// <reference lib="dom" />
// The ServicePorts at the moment that is shown, with a filter. A row opens to its frontends and endpoints.

import { serviceOfComment } from "../../kube/named_services.ts";
import { endpointParts } from "../../nft/text.ts";
import type { PortView } from "../service_view.ts";
import type { Report } from "./report.ts";
import { arrange, type Child, element, section, table } from "./dom.ts";
import { causeLine } from "./causes.ts";
import { count, counted } from "./words.ts";

/** Most rows shown; the filter finds the others. */
const ROWS_MAX = 100;

const CHOICES = ["all", "changed here", "not served"] as const;

/** State of the section that stays when the moment changes. */
interface Filter {
  choice: (typeof CHOICES)[number];
  /** Rows that are open, by name, family and protocol. */
  readonly open: Set<string>;
}

/** The row of a ServicePort, as long as the ServicePort looks the same. */
type Rows = WeakMap<PortView, HTMLDetailsElement>;

/** The section. */
export function servicesSection(report: Report): HTMLElement {
  const filter: Filter = { choice: "all", open: new Set() };
  const list = element("div", { class: "services" });
  const status = element("p", { class: "quiet", role: "status" });
  let rows: Rows = new WeakMap();
  const rowOf = (port: PortView) => {
    const known = rows.get(port);
    const row = known?.open === filter.open.has(keyOf(port)) ? known : portBox(report, filter, port);
    rows.set(port, row);
    row.classList.toggle("changed", changedHere(report, port));
    return row;
  };
  const show = () => {
    const { ports, count } = matching(report, filter);
    status.textContent = count > ROWS_MAX
      ? `The first ${ROWS_MAX} of ${counted(count, "ServicePort")}; the filter finds the others.`
      : counted(count, "ServicePort");
    arrange(list, ports.map(rowOf));
  };
  report.follow(["clock"], () => rows = new WeakMap());
  report.follow(["service"], () => {
    const port = namedPort(report);
    if (port !== undefined) filter.open.add(keyOf(port));
  });
  report.follow(["moment", "clock", "service"], show);
  return section("services", "Services then", controls(report, filter, show), status, heads(), list);
}

/** The heads of the columns of a closed row. */
function heads(): HTMLElement {
  const names = ["ServicePort", "frontends", "serving", "last change"];
  return element("div", { class: "heads quiet" }, ...names.map((name) => element("span", {}, name)));
}

/** The filter: text, and a choice of which ServicePorts. */
function controls(report: Report, filter: Filter, show: () => void): HTMLElement {
  const input = element("input", {
    type: "search",
    id: "filter",
    placeholder: "name, address, port, node",
    spellcheck: "false",
    autocomplete: "off",
  });
  input.addEventListener("input", () => report.setService(input.value.trim()));
  report.follow(["service"], () => {
    if (input.value.trim() !== report.service) input.value = report.service;
  });
  const select = element(
    "select",
    { "aria-label": "Which Services" },
    ...CHOICES.map((choice) => element("option", { value: choice }, choice)),
  );
  select.addEventListener("change", () => {
    filter.choice = CHOICES[select.selectedIndex] ?? "all";
    show();
  });
  return element("div", { class: "controls" }, element("label", { for: "filter" }, "Filter"), input, select);
}

/** The first ServicePorts that the filter selects, and how many there are. */
function matching(report: Report, { choice }: Filter): { ports: PortView[]; count: number } {
  const text = report.service.toLowerCase();
  const { services, timeline: { view, services: { names } } } = report;
  const all = choice === "all" && text === "";
  const changed = choice === "changed here" ? changedServices(report) : undefined;
  const ports: PortView[] = [];
  let count = 0;
  for (const name of names) {
    if (all && ports.length >= ROWS_MAX) break;
    if (changed !== undefined && !changed.has(name)) continue;
    for (const port of services.of(name)) {
      if (choice === "not served" && port.serving > 0) continue;
      if (text !== "" && !described(port).includes(text)) continue;
      if (count++ < ROWS_MAX) ports.push(port);
    }
  }
  return { ports, count: all ? view.portCount : count };
}

/** Whether a record of the moment that is shown changed `port`. */
function changedHere({ stop }: Report, { changed }: PortView): boolean {
  return changed !== undefined && stop.kind !== "beginning" && changed >= stop.from;
}

/** The first ServicePort of the Service that is named in full; undefined where there is none. */
function namedPort({ services, service, timeline }: Report): PortView | undefined {
  const name = timeline.services.names.find((name) => name === serviceOfComment(service));
  const ports = name === undefined ? [] : services.of(name);
  return ports.find((port) => port.name === service) ?? ports[0];
}

/** The text that the filter searches. */
function described({ name, frontends, endpoints, port }: PortView): string {
  return [
    name,
    port.protocol,
    port.portName,
    ...frontends.map(({ text }) => text),
    ...endpoints.flatMap(({ text, node, slice }) => [text, node, slice]),
  ].join(" ").toLowerCase();
}

/** Services whose elements changed at the stop that is shown. */
export function changedServices({ timeline, stop }: Report): Set<string> {
  const found = new Set<string>();
  for (let offset = Math.max(stop.from, timeline.first); offset <= stop.through; offset++) {
    for (const { before, after } of timeline.moments[offset - timeline.first]?.elements ?? []) {
      const comment = after?.comment ?? before?.comment;
      if (comment !== undefined) found.add(serviceOfComment(comment));
    }
  }
  return found;
}

/** The name of a row, at all moments. */
function keyOf({ name, port }: PortView): string {
  return `${name} ${port.family} ${port.protocol}`;
}

/** A row for one ServicePort. Its tables are made when it is opened: thousands of closed rows stay fast. */
function portBox(
  report: Report,
  filter: Filter,
  port: PortView,
): HTMLDetailsElement {
  const key = keyOf(port);
  const details = element("details", { class: "port", open: filter.open.has(key) }, summary(port));
  const open = () => {
    if (details.childElementCount > 1) return;
    details.append(frontendTable(report, port), endpointTable(report, port));
  };
  if (details.open) open();
  details.addEventListener("toggle", () => {
    if (details.open) filter.open.add(key);
    else filter.open.delete(key);
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
      element("span", { class: leads === "endpoints" ? "" : "bad" }, led),
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

/** The endpoints with condition, traffic and cause. */
function endpointTable(report: Report, { name, endpoints }: PortView): HTMLElement {
  const rows = endpoints.map(({ text, node, condition, traffic, cause }): Child[] => [
    element("code", {}, text),
    node,
    element("span", { class: condition === "ready" ? "" : "warn" }, condition),
    traffic === "all" ? "traffic" : traffic === "local" ? "local traffic" : "none",
    causeLine(report, cause),
  ]);
  if (rows.length === 0) return element("p", { class: "quiet notes" }, "No endpoints.");
  return table(`Endpoints of ${name}`, ["endpoint", "node", "condition", "gets", "because of"], rows);
}
