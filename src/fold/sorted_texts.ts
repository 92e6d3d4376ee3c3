// Texts in order, each once, which change a few at a time: a change is a copy with some texts inserted and removed.

/** Where more texts change than this, sorting all of them is cheaper. */
const SORT_AT = 32;

/** The texts. They never change. */
export class SortedTexts {
  /** `texts` are in order. */
  constructor(readonly texts: readonly string[]) {}

  /** These texts without `gone`, which are among them, and with `come`, which are not. */
  with(gone: readonly string[], come: readonly string[]): SortedTexts {
    if (gone.length + come.length === 0) return this;
    if (gone.length + come.length > SORT_AT) {
      const without = new Set(gone);
      return new SortedTexts([...this.texts.filter((text) => !without.has(text)), ...come].sort());
    }
    const texts = [...this.texts];
    for (const text of gone) texts.splice(placeOf(texts, text), 1);
    for (const text of come) texts.splice(placeOf(texts, text), 0, text);
    return new SortedTexts(texts);
  }
}

/** Whether all of `some` are among `texts`. Both are in order. */
export function areAmong(some: readonly string[], texts: readonly string[]): boolean {
  let at = 0;
  for (const text of some) {
    while (at < texts.length && texts[at] !== text && texts[at]! < text) at++;
    if (texts[at] !== text) return false;
  }
  return true;
}

/** The first place whose text is not before `text`. */
function placeOf(texts: readonly string[], text: string): number {
  let [from, to] = [0, texts.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (texts[middle]! < text) from = middle + 1;
    else to = middle;
  }
  return from;
}
