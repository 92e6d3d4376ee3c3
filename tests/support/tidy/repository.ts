// The files that the rules look at, and the lists beside this file that say what is allowed until it is mended.

import type { Counts, Sources } from "./sources.ts";

const ROOT = new URL("../../../", import.meta.url);
/** `src/report/page.generated.ts` is left out, because a bundler writes it. */
const LEFT_OUT = /\.generated\.ts$|^fixtures\//;

/** Code, pages and the lists of this folder. */
export function repositorySources(): Sources {
  const top = [...Deno.readDirSync(ROOT)].filter(({ name }) => /\.(ts|md)$/.test(name));
  const paths = [...top.map(({ name }) => name), ...below("src"), ...below("tests")];
  return new Map(paths.filter((path) => !LEFT_OUT.test(path)).sort().map((path) => [path, readText(path)]));
}

function below(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return below(path);
    return /\.(ts|md)$/.test(name) || path.startsWith("tests/support/tidy/") ? [path] : [];
  });
}

/** A file of the repository. */
export function readText(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** By rule: the exceptions that are left. */
export function readAllowances(): Readonly<Record<string, Counts>> {
  return JSON.parse(readText("tests/support/tidy/allowances.json"));
}

/** Writes a list of this folder, its keys in order. */
export function writeList(name: string, list: Readonly<Record<string, unknown>>): void {
  const sorted = Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
  const url = new URL(`tests/support/tidy/${name}`, ROOT);
  Deno.writeTextFileSync(url, `${JSON.stringify(sorted, null, 2)}\n`);
}
