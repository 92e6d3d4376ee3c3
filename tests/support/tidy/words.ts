// Rules about words: vague ones are banned, and this program's own terms must be in the map's table.

import type { Counts, Finding, Sources } from "./sources.ts";

/** Words that this code base does not use, each with what to write instead. */
const BANNED: Readonly<Record<string, string>> = {
  told: "received, applied, acknowledged, reported: name the subject and the verb",
  tell: "apply, report, print",
  tells: "applies, reports, prints",
  telling: "applying, reporting",
  heard: "received, read, noticed",
  hear: "receive, read",
  hears: "receives, reads",
  unheard: "not noticed",
  somebody: "another program, a user: name it",
  someone: "another program, a user: name it",
  anybody: "any program, any user: name it",
  everybody: "every program, every room: name it",
  nobody: "no program, no user: name it",
  whom: "the program that",
  whoever: "any program, any user: name it",
  ceased: "stopped",
  ceases: "stops",
  belief: "what the ledger holds",
  believe: "assume, use",
  believed: "assumed, used",
  believes: "assumes, uses",
  strangers: "other programs",
  spoken: "sent its first list",
};

/** Files that people read. This list is left out, and so is what a bundler writes. */
const READ = /^(?!.*\.generated\.ts$|tests\/(tidy_test|support\/tidy\/words)\.ts$).*\.(ts|md)$/;

/** Terms that the map's table of words must explain once the code uses them. */
const TERMS = ["cause", "settle", "guard", "moment", "pin", "backing"];
const MAP = "src/README.md";

/** How many banned words each file has, in names, comments, strings and prose alike. */
export function bannedWords(sources: Sources): Counts {
  const counts: Record<string, number> = {};
  for (const [path, text] of sources) {
    if (!READ.test(path)) continue;
    for (const word of wordsOf(text)) {
      if (!Object.hasOwn(BANNED, word)) continue;
      counts[path] = (counts[path] ?? 0) + 1;
    }
  }
  return counts;
}

/** What to write instead of the banned words of `text`, for the message of a finding. */
export function insteadOf(text: string): string {
  const found = new Set(wordsOf(text).filter((word) => Object.hasOwn(BANNED, word)));
  return [...found].map((word) => `"${word}" (${BANNED[word]})`).join("; ");
}

/** Terms that a file of src uses and the map does not explain. */
export function undefinedTerms(sources: Sources): Finding[] {
  const table = wordsOf(
    (sources.get(MAP) ?? "").split("\n").flatMap((line) => {
      const cells = /^\|([^|]*)\|/.exec(line);
      return cells === null ? [] : [cells[1]!];
    }).join("\n"),
  );
  const used = new Set<string>();
  for (const [path, text] of sources) {
    if (path.startsWith("src/") && path.endsWith(".ts")) wordsOf(text).forEach((word) => used.add(word));
  }
  return TERMS.filter((term) => used.has(term) && !table.includes(term)).map((term) =>
    `${term}: is not in the table of words of ${MAP}`
  );
}

/** The words of a text, in lower case; `lastHeard` and `last_heard` are two words each. */
function wordsOf(text: string): string[] {
  return text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().match(/[a-z]+/g) ?? [];
}
