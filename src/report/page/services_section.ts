/// <reference lib="dom" />
// Every ServicePort at the moment that is shown, filtered, each to be opened.

import type { ServiceName } from "../../fold/cluster_state.ts";
import { serviceOfComment } from "../../kube/named_services.ts";
import { type PortView, portViews, serviceNames } from "../service_view.ts";
import type { Report } from "./report.ts";
import { type Child, element, fill, section, table } from "./dom.ts";
import { causeLine, position } from "./causes.ts";
import { count, counted } from "./words.ts";

/** Most rows shown: the filter finds the others. */
const ROWS_MAX = 100;

const CHOICES = ["all", "changed here", "not served"] as const;

/** What the section remembers while moments change. */
interface Filter {
  text: string;
  choice: (typeof CHOICES)[number];
  /** ServicePorts that are open, by name and family. */
  readonly open: Set<string>;
}

/** The section; `ask` is told the frontend that somebody wants to send a packet to, and whence. */
export function servicesSection(report: Report, ask: (source: string, target: string) => void): HTMLElement {
  const filter: Filter = { text: "", choice: "all", open: new Set() };
  const list = element("div", { class: "services" });
  const told = element("p", { class: "quiet", role: "status" });
  const show = () => {
    const found = matching(report, filter);
    told.textContent = found.length > ROWS_MAX
      ? `The first ${ROWS_MAX} of ${counted(found.length, "ServicePort")}; the filter finds the others.`
      : counted(found.length, "ServicePort");
    const rows = found.slice(0, ROWS_MAX).map((port) => portBox(report, filter, port, ask));
    fill(list, rows);
  };
  report.follow(show);
  return section("services", "Services then", controls(filter, show), told, heads(), list);
}

/** What the columns of a closed row are. */
function heads(): HTMLElement {
  const names = ["ServicePort", "frontends", "serving", "last change"];
  return element("div", { class: "heads quiet" }, ...names.map((name) => element("span", {}, name)));
}

function controls(filter: Filter, show: () => void): HTMLElement {
  const input = element("input", {
    type: "search",
    id: "filter",
    placeholder: "name, address, port, node",
    spellcheck: "false",
    autocomplete: "off",
  });
  input.addEventListener("input", () => {
    filter.text = input.value.trim().toLowerCase();
    show();
  });
  const select = element(
    "select",
    { "aria-label": "Which Services" },
    ...CHOICES.map((choice) => element("option", { value: choice }, choice)),
  );
  select.addEventListener("change", () => {
    filter.choice = select.value as Filter["choice"];
    show();
  });
  return element("div", { class: "controls" }, element("label", { for: "filter" }, "Filter"), input, select);
}

function matching(report: Report, { text, choice }: Filter): PortView[] {
  const { view } = report.timeline;
  const changed = choice === "changed here" ? changedServices(report) : undefined;
  return serviceNames(view).filter((name) => changed === undefined || changed.has(name))
    .flatMap((name) => portViews(view, name))
    .filter((port) => choice !== "not served" || port.serving === 0)
    .filter((port) => text === "" || described(port).includes(text));
}

/** All that the filter looks at. */
function described({ name, frontends, endpoints, port }: PortView): string {
  return [
    name,
    port.protocol,
    port.portName,
    ...frontends.map(({ text }) => text),
    ...endpoints.flatMap(({ text, node, slice }) => [text, node, slice]),
  ].join(" ").toLowerCase();
}

/** Services with elements that changed at this stop. */
export function changedServices({ timeline, stop }: Report): Set<ServiceName> {
  const found = new Set<string>();
  for (let offset = Math.max(stop.from, timeline.first); offset <= stop.through; offset++) {
    for (const { before, after } of timeline.moments[offset - timeline.first]?.elements ?? []) {
      const comment = after?.comment ?? before?.comment;
      if (comment !== undefined) found.add(serviceOfComment(comment));
    }
  }
  return found as Set<ServiceName>;
}

function portBox(
  report: Report,
  filter: Filter,
  port: PortView,
  ask: (source: string, target: string) => void,
): HTMLElement {
  const { stop } = report;
  const key = `${port.name} ${port.port.family} ${port.port.protocol}`;
  const here = port.changed !== undefined && stop.kind !== "beginning" && port.changed >= stop.from;
  const details = element(
    "details",
    { class: here ? "port changed" : "port", open: filter.open.has(key) },
    summary(report, port),
  );
  const open = () => {
    if (details.childElementCount > 1) return;
    details.append(frontendTable(report, port, ask), endpointTable(report, port));
  };
  if (details.open) open();
  details.addEventListener("toggle", () => {
    if (details.open) filter.open.add(key);
    else filter.open.delete(key);
    if (details.open) open();
  });
  return details;
}

function summary(report: Report, port: PortView): HTMLElement {
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
      port.changed === undefined ? "before window" : position(report, port.changed),
    ),
  );
}

function frontendTable(
  report: Report,
  port: PortView,
  ask: (source: string, target: string) => void,
): HTMLElement {
  const source =
    port.endpoints.find(({ traffic }) => traffic !== "none")?.text.replace(/^\[?(.*?)\]?:\d+$/, "$1") ??
      port.port.clusterIP;
  const rows = port.frontends.map((frontend): Child[] => {
    const { kind, text, leads, holder, cause } = frontend;
    const target = `${text.startsWith(":") ? `${port.port.clusterIP}${text}` : text}/${port.port.protocol}`;
    const why = element("button", {
      type: "button",
      class: "small",
      "aria-label": `Trace a packet to ${target}`,
    }, "why");
    why.addEventListener("click", () => ask(source, target));
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
