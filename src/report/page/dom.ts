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

/** Makes `wanted` the children of `parent`, and leaves those in place that are there already. */
export function arrange(parent: Element, wanted: readonly Element[]): void {
  const same = wanted.reduce((sum, child) => sum + Number(child.parentNode === parent), 0);
  if (2 * same < wanted.length) return parent.replaceChildren(...wanted);
  let there = parent.firstElementChild;
  for (const child of wanted) {
    if (there === null) parent.append(child);
    else if (there !== child) there.replaceWith(child);
    there = child.nextElementSibling;
  }
  while (parent.childElementCount > wanted.length) parent.lastElementChild!.remove();
}

/** The head of a column of text, or of numbers. */
export type ColumnHead = string | { readonly numbers: string };

/** A table. The caption is for screen readers. */
export function table(
  caption: string,
  heads: readonly ColumnHead[],
  rows: readonly (readonly Child[])[],
): HTMLTableElement {
  const align = (i: number) => typeof heads[i] === "object" ? "number" : undefined;
  const name = (head: ColumnHead) => typeof head === "object" ? head.numbers : head;
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, caption),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        // A head without text is no head: it names nothing.
        ...heads.map((head, i) =>
          name(head) === "" ? element("td") : element("th", { scope: "col", class: align(i) }, name(head))
        ),
      ),
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
