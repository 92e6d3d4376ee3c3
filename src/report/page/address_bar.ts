/// <reference lib="dom" />
// Keeps the page's address and its state equal: a link that is copied from the browser opens what is shown.

import { addressText, type PageAddress, readAddress } from "../address.ts";
import type { Report } from "./report.ts";

/** Milliseconds after a change until it is in the address: browsers bound how often a page may change it. */
const LATER = 300;

/** Shows what the address names, now and when it changes, and changes the address with what is shown. */
export function keepAddress(report: Report): void {
  show(report, readAddress(location.hash));
  addEventListener("hashchange", () => show(report, readAddress(location.hash)));
  // Why not hashchange alone: it is not fired for a link to the fragment that the address has already.
  addEventListener("click", ({ target }) => {
    if (target instanceof Element) show(report, readAddress(target.getAttribute("href") ?? ""));
  });
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let opened = false;
  report.follow(["moment", "range", "service", "packet"], () => {
    // A page that opens without an address keeps it so.
    if (!opened) return;
    clearTimeout(waiting);
    waiting = setTimeout(
      () => history.replaceState(null, "", addressText(shown(report)) || location.pathname),
      LATER,
    );
  });
  opened = true;
}

function show(report: Report, { offset, service, range, packet }: PageAddress): void {
  if (offset !== undefined) report.goToOffset(offset);
  if (service !== undefined) report.setService(service);
  if (range !== undefined) report.setRange({ begin: range[0], end: range[1] });
  if (packet !== undefined) report.setPacket(packet);
}

/** The address of what is shown. */
function shown({ data, stops, at, stop, range, whole, service, packet }: Report): PageAddress {
  const newest = data.live && at === stops.length - 1;
  return {
    ...(newest ? {} : { offset: Math.max(stop.offset, 0) }),
    ...(service === "" ? {} : { service }),
    ...(range === whole ? {} : { range: [range.begin, range.end] }),
    ...(packet === undefined ? {} : { packet }),
  };
}
