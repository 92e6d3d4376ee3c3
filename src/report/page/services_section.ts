/// <reference lib="dom" />
// The ServicePorts at the moment that is shown, with a filter. A row opens to its frontends and endpoints.

import { serviceOfComment } from "../../kube/named_services.ts";
import { type FoundPorts, ServiceSearch } from "../service_search.ts";
import type { PortView } from "../service_view.ts";
import { arrange, element, section } from "./dom.ts";
import { portRow, rowName } from "./port_row.ts";
import type { Report } from "./report.ts";
import { count, counted } from "./words.ts";

/** Most rows of a page of the list. */
const ROWS_MAX = 100;

const CHOICES = ["all", "changed here", "not served"] as const;

/** State of the section that stays when the moment changes. */
interface Filter {
  choice: (typeof CHOICES)[number];
  /** How many ServicePorts are on pages before the one that is shown. */
  skip: number;
  /** Rows that are open, by {@link rowName}. */
  readonly open: Set<string>;
}

/** The row of a ServicePort, as long as the ServicePort looks the same. */
type Rows = WeakMap<PortView, HTMLDetailsElement>;

/** The section. */
export function servicesSection(report: Report): HTMLElement {
  const filter: Filter = { choice: "all", skip: 0, open: new Set() };
  const list = element("div", { class: "services" });
  const status = element("p", { class: "quiet", role: "status" });
  let rows: Rows = new WeakMap();
  const rowOf = (port: PortView) => {
    const known = rows.get(port);
    const row = known?.open === filter.open.has(rowName(port)) ? known : portRow(report, filter.open, port);
    rows.set(port, row);
    row.classList.toggle("changed", changedHere(report, port));
    return row;
  };
  const pages = pageButtons((by) => {
    filter.skip = Math.max(0, filter.skip + by * ROWS_MAX);
    show();
    list.scrollIntoView({ block: "nearest" });
  });
  const draw = (found: FoundPorts) => {
    // At this moment there are fewer pages.
    if (found.complete && found.ports.length === 0 && filter.skip > 0) return anew();
    status.textContent = statusText(found, filter.skip);
    list.ariaBusy = String(!found.complete);
    // Rows of the moment before stay, dimmed, until there is something to show.
    if (!found.complete && (report.service === "" || found.ports.length === 0)) return;
    arrange(list, found.ports.map(rowOf));
    pages.show(filter.skip > 0, found.count > filter.skip + found.ports.length);
  };
  const show = inParts(
    () => new ServiceSearch(report.services, report.timeline, soughtBy(report, filter)),
    draw,
  );
  const anew = () => {
    filter.skip = 0;
    show();
  };
  report.follow(["clock"], () => rows = new WeakMap());
  report.follow(["service"], () => {
    filter.skip = 0;
    // The endpoints of an open row are those that the filter names.
    rows = new WeakMap();
    const port = namedPort(report);
    if (port !== undefined) filter.open.add(rowName(port));
  });
  report.follow(["moment", "clock", "service"], show);
  return section(
    "services",
    "Services then",
    controls(report, filter, anew),
    status,
    heads(),
    list,
    pages.root,
  );
}

/** A function that begins a search and draws what it found, again after each further part: one a frame. */
function inParts(begin: () => ServiceSearch, draw: (found: FoundPorts) => void): () => void {
  let waiting = 0;
  return () => {
    cancelAnimationFrame(waiting);
    const search = begin();
    const go = () => {
      const found = search.part();
      draw(found);
      if (!found.complete) waiting = requestAnimationFrame(go);
    };
    go();
  };
}

/** What the filter selects. */
function soughtBy({ service, stop: { from, through } }: Report, { choice, skip }: Filter) {
  return {
    text: service,
    served: choice === "not served" ? "not" : "any",
    changed: choice === "changed here" ? { from, through } : undefined,
    skip,
    most: ROWS_MAX,
  } as const;
}

/** `12 ServicePorts`, `ServicePorts 101 to 200 of 10,000`; how far a search is. */
function statusText({ ports, count: all, looked, of, complete }: FoundPorts, skip: number): string {
  if (!complete) return `Looking: ${count(looked)} of ${counted(of, "Service")}`;
  if (all <= ROWS_MAX) return counted(all, "ServicePort");
  return `ServicePorts ${count(skip + 1)} to ${count(skip + ports.length)} of ${
    count(all)
  }; the filter finds one`;
}

/** Buttons for the page of the list before and after the one that is shown. */
function pageButtons(turn: (by: number) => void) {
  const button = (text: string, by: number) => {
    const made = element("button", { type: "button", class: "small" }, text);
    made.addEventListener("click", () => turn(by));
    return made;
  };
  const [before, after] = [button(`${ROWS_MAX} before`, -1), button(`next ${ROWS_MAX}`, 1)];
  return {
    root: element("p", { class: "pages" }, before, after),
    show: (isBefore: boolean, isAfter: boolean) => {
      before.hidden = !isBefore;
      after.hidden = !isAfter;
    },
  };
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
