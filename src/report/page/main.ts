/// <reference lib="dom" />
// The page of a report: the window of a ledger, at any of its moments.

import { keepAddress } from "./address_bar.ts";
import { changesSection } from "./changes_section.ts";
import { chartsSection } from "./charts_section.ts";
import { forgetColours } from "./colours.ts";
import { element, fill, section } from "./dom.ts";
import { embedded } from "./embedded.ts";
import { figuresSection } from "./figures_section.ts";
import { followClock, incidentsSections, outagesSections } from "./incidents_section.ts";
import { lanesSection } from "./lanes_section.ts";
import { endLoading, foldedInParts, paceOfPage, painted } from "./loading.ts";
import { masthead } from "./masthead.ts";
import { momentBar } from "./moment_bar.ts";
import { notesSection } from "./notes_section.ts";
import { packetSection } from "./packet_section.ts";
import "./page.css";
import { Report } from "./report.ts";
import { servicesSection } from "./services_section.ts";
import { listenForZoomKeys, timeControls } from "./time_gestures.ts";

/** Makes the page. */
function show(report: Report): void {
  const [charts, lanes] = [chartsSection(report), lanesSection(report)];
  const redraw = () => {
    forgetColours();
    charts.redraw();
    lanes.redraw();
  };
  document.title = `${document.title}: ${report.data.node || report.data.ledger}`.replace(/\p{C}/gu, "?");
  document.body.append(
    element("a", { class: "skip", href: "#services" }, "Skip to the Services"),
    masthead(report, redraw),
    element(
      "main",
      {},
      ...renewed(report, () => [...outagesSections(report), figuresSection(report)]),
      section("time", "Over time", lanes.root, charts.root, timeControls(report)),
      momentBar(report),
      element(
        "div",
        { class: "columns" },
        servicesSection(report),
        element("div", {}, changesSection(report), packetSection(report)),
      ),
      ...renewed(report, () => incidentsSections(report)),
      notesSection(),
    ),
  );
  report.follow(["clock"], redraw);
  followClock(report);
  keepAddress(report);
  listenForZoomKeys(report);
  listen(redraw);
}

/** Sections about the whole window: made again when records are added. */
function renewed(report: Report, make: () => readonly HTMLElement[]): readonly HTMLElement[] {
  if (!report.data.live) return make();
  const box = element("div");
  report.follow(["records"], () => fill(box, make()));
  return [box];
}

/** A section that is wider than a phone can be scrolled by keyboard. */
function reachSections(): void {
  for (const one of document.querySelectorAll("section")) {
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
}

/** Draws again what does not follow from styles. */
function listen(redraw: () => void): void {
  reachSections();
  addEventListener("resize", redraw);
  addEventListener("resize", reachSections);
  for (const query of ["print", "(prefers-color-scheme: dark)"]) {
    matchMedia(query).addEventListener("change", redraw);
  }
}

try {
  await painted();
  const data = await embedded();
  show(new Report(data, await foldedInParts(data, paceOfPage())));
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
  endLoading();
}
