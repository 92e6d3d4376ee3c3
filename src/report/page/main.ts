/// <reference lib="dom" />
// The page of a report: the window of a ledger, at any of its moments.

import { LOADING_ID } from "../html.ts";
import { changesSection } from "./changes_section.ts";
import { chartsSection } from "./charts_section.ts";
import { element, section } from "./dom.ts";
import { embedded } from "./embedded.ts";
import { figuresSection } from "./figures_section.ts";
import { incidentsSections, outagesSections } from "./incidents_section.ts";
import { masthead } from "./masthead.ts";
import { momentBar } from "./moment_bar.ts";
import { notesSection } from "./notes_section.ts";
import { packetSection } from "./packet_section.ts";
import "./page.css";
import { Report } from "./report.ts";
import { servicesSection } from "./services_section.ts";

/** Makes the page. */
function show(report: Report): void {
  const charts = chartsSection(report);
  const packet = packetSection(report);
  document.title = `${document.title}: ${report.data.node || report.data.ledger}`.replace(/\p{C}/gu, "?");
  document.body.append(
    element("a", { class: "skip", href: "#services" }, "Skip to the Services"),
    masthead(report, charts.redraw),
    element(
      "main",
      {},
      ...outagesSections(report),
      figuresSection(report),
      section("time", "Over time", charts.root),
      momentBar(report),
      element(
        "div",
        { class: "columns" },
        servicesSection(report, packet.ask),
        element("div", {}, changesSection(report), packet.root),
      ),
      ...incidentsSections(report),
      notesSection(),
    ),
  );
  report.followClock(charts.redraw);
  report.follow(charts.move);
  listen(report, charts.redraw);
}

/** A position in the fragment of the page's address, `#@313`, selects the moment: when it opens, and by links. */
function listen(report: Report, redraw: () => void): void {
  const goTo = (fragment: string | null) => {
    const offset = /^#@(\d+)$/.exec(fragment ?? "")?.[1];
    if (offset !== undefined) report.goToOffset(Number(offset));
  };
  goTo(location.hash);
  addEventListener("hashchange", () => goTo(location.hash));
  // Why not hashchange alone: it is not fired for a link to the fragment that the address has already.
  addEventListener("click", ({ target }) => {
    if (target instanceof Element) goTo(target.getAttribute("href"));
  });
  addEventListener("resize", redraw);
  for (const query of ["print", "(prefers-color-scheme: dark)"]) {
    matchMedia(query).addEventListener("change", redraw);
  }
}

/** Resolves once the browser has shown that the page is being made: to fold 100,000 records takes a second. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    // A page in the background is not painted.
    if (document.hidden) resolve();
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}

try {
  await painted();
  show(new Report(await embedded()));
} catch (error) {
  document.body.append(
    element(
      "p",
      { class: "bad", role: "alert" },
      `This report cannot be shown: ${error instanceof Error ? error.message : error}`,
    ),
  );
  throw error;
} finally {
  document.getElementById(LOADING_ID)?.remove();
}
