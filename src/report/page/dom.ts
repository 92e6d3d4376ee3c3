/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Makes elements of the page. Text is inserted as text, never as markup, with control and format characters escaped.

import { printable } from "../../printable.ts";

/** Content of an element. `undefined` and `false` are left out, so that a condition can be written in place. */
export type Child = Node | string | number | undefined | false;

/** Attributes by name. `true` is an attribute without a value; `undefined` and `false` leave it out. */
type ElementAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with `children`. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: ElementAttributes = {},
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

/** Replaces the content of `parent`. */
export function fill(parent: Element, children: readonly Child[]): void {
  parent.replaceChildren(...children.flatMap((child) => {
    if (child === undefined || child === false) return [];
    return [typeof child === "object" ? child : printable(String(child))];
  }));
}

/** A table. The caption is for screen readers; `numeric` are the indices of columns with numbers. */
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
