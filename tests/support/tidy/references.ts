// What pages and comments name: files and, in the pages about the code, names of the code. A move or a new name leaves such a text
// behind, and no compiler reads it.

import type { Finding, Sources } from "./sources.ts";

/** The pages that explain the code: a name between backquotes there is one of the code. */
const ABOUT_CODE = ["src/README.md", "CONTRIBUTING.md"];
/** `text.ts`, `nft/text.ts`; not `NAME_test.ts`, which is a pattern, nor what is not among the sources. */
const FILE = /^(?!.*(?:NAME|\.generated\.|\.\.\.)|\.ci\/|examples\/)[\w./-]*\w\.(?:ts|md)$/;
/** `stepEngine`, `KEPT_LABELS`. */
const NAME = /^(?:[a-z]+[A-Z]\w*|[A-Z]{3,}(?:_[A-Z]+)*)$/;

/** Files that pages or comments name and that do not exist. */
export function missingFiles(sources: Sources): Finding[] {
  const ends = new Set([...sources.keys()].flatMap(endsOf));
  return [...sources].flatMap(([path, text]) => {
    // What was, and a test of rules, name files that are not there.
    if (
      path === "CHANGELOG.md" || path.startsWith("tests/tidy_test") || path.startsWith("tests/support/tidy")
    ) {
      return [];
    }
    const named = path.endsWith(".md") ? codeSpans(text) : commentWords(text);
    return [...new Set(named)].filter((word) => FILE.test(word) && !ends.has(word.replace(/^(\.\.?\/)+/, "")))
      .map((word) => `${path}: names ${word}, which does not exist`);
  });
}

/** Names that the pages about the code give it, and that no file of it has. */
export function missingNames(sources: Sources): Finding[] {
  const words = new Set<string>();
  for (const [path, text] of sources) {
    if (path.endsWith(".ts")) { for (const word of text.match(/\w+/g) ?? []) words.add(word); }
  }
  return ABOUT_CODE.flatMap((path) =>
    codeSpans(sources.get(path) ?? "").filter((word) => NAME.test(word) && !words.has(word))
      .map((word) => `${path}: names ${word}, which the code does not have`)
  );
}

/** `src/nft/text.ts`, `nft/text.ts` and `text.ts`. */
function endsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, i) => parts.slice(i).join("/"));
}

function codeSpans(page: string): string[] {
  return [...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
}

function commentWords(text: string): string[] {
  return text.split("\n").filter((line) => /^\s*(\/\/|\/?\*)/.test(line)).flatMap((line) =>
    line.match(/[\w./-]*\w\.(?:ts|md)\b/g) ?? []
  );
}
