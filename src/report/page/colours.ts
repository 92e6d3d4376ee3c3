/// <reference lib="dom" />
// Colours of the page for what is painted rather than styled. They are those of page.css, in the theme that is on.

/** Names of colours in page.css. */
export type Colour = "text" | "quiet" | "line" | "accent" | "bad" | "warn";

let probe: HTMLElement | undefined;

/** The colour `name` as it is now. */
export function colour(name: Colour): string {
  probe ??= document.body.appendChild(document.createElement("span"));
  probe.className = `probe ${name}`;
  return getComputedStyle(probe).color;
}
