/// <reference lib="dom" />
// The colours of page.css in the present theme, for charts: CSS does not apply to what is drawn on a canvas.

/** Names of colours in page.css. */
export type Colour = "text" | "quiet" | "line" | "accent" | "bad" | "bad-ground" | "warn";

let probe: HTMLElement | undefined;
/** Colours of the present theme that were asked for: the browser computes each once. */
const known = new Map<Colour, string>();

/** Forgets the colours, as the theme changed. */
export function forgetColours(): void {
  known.clear();
}

/** The colour `name` in the present theme, as the browser computes it. */
export function colour(name: Colour): string {
  const before = known.get(name);
  if (before !== undefined) return before;
  probe ??= document.body.appendChild(document.createElement("span"));
  probe.className = `probe ${name}`;
  const { color } = getComputedStyle(probe);
  known.set(name, color);
  return color;
}
