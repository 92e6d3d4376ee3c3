/// <reference lib="dom" />
// The colours of page.css in the present theme, for charts: CSS does not apply to what is drawn on a canvas.

/** Names of colours in page.css. */
export type Colour = "text" | "quiet" | "line" | "accent" | "bad" | "warn";

let probe: HTMLElement | undefined;

/** The colour `name` in the present theme, as the browser computes it. */
export function colour(name: Colour): string {
  probe ??= document.body.appendChild(document.createElement("span"));
  probe.className = `probe ${name}`;
  return getComputedStyle(probe).color;
}
