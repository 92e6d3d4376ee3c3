/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Elements of the page. Text goes in as text and never as markup, with characters that could mislead a reader escaped.

import { printable } from "../../printable.ts";

/** What can be in an element; nothing stands for what is left out. */
export type Child = Node | string | number | undefined | false;

/** Attributes by name; `true` for those without a value. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with `children`. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : printable(String(value)));
  }
  fill(made, children);
  return made;
}

/** Replaces what is in `parent`. */
export function fill(parent: Element, children: readonly Child[]): void {
  parent.replaceChildren(...children.flatMap((child) => {
    if (child === undefined || child === false) return [];
    return [typeof child === "object" ? child : printable(String(child))];
  }));
}

/** A table with a caption for those who do not see it, and a row for each of `rows`. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  numeric: readonly number[] = [],
): HTMLTableElement {
  const align = (i: number) => numeric.includes(i) ? "number" : undefined;
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, caption),
    element(
      "thead",
      {},
      element("tr", {}, ...heads.map((head, i) => element("th", { scope: "col", class: align(i) }, head))),
    ),
    element(
      "tbody",
      {},
      ...rows.map((row) =>
        element("tr", {}, ...row.map((cell, i) => element("td", { class: align(i) }, cell)))
      ),
    ),
  );
}

/** A section with a heading. */
export function section(id: string, title: string, ...children: readonly Child[]): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    ...children,
  );
}
