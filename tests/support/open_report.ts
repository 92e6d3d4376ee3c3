/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Opens the report of a ledger in a real browser, for tests of its page.

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { missingBrowser, type OpenPage, withPage } from "./browser.ts";
import { reportSkip } from "./skipped.ts";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const READY = "#notes";

const missing = missingBrowser();
if (missing !== undefined) reportSkip(`tests of a report's page: ${missing}`);

/** A test that is ignored where there is no browser. */
export function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: missing !== undefined });
}

/** What a command prints to standard output. */
export async function ledgerproxy(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", MAIN, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Writes a ledger with `write` and its report, and opens the report. */
export async function withReport(
  write: (folder: string) => void,
  how: { readonly hash?: string; readonly dark?: boolean; readonly flags?: readonly string[] },
  look: (open: OpenPage, ledger: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    write(`${folder}/ledger`);
    await ledgerproxy("report", `${folder}/ledger`, "-o", `${folder}/report.html`, ...how.flags ?? []);
    await withPage(
      `${folder}/report.html`,
      { ready: READY, ...how },
      (open) => look(open, `${folder}/ledger`),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The texts of the elements that `selector` finds. */
export function texts(page: Page, selector: string): Promise<string[]> {
  return page.$$eval(selector, (found) => found.map((one) => one.textContent ?? ""));
}

/** Those texts as one. */
export async function text(page: Page, selector: string): Promise<string> {
  return (await texts(page, selector)).join("\n");
}

/** Offset of the moment that the page shows. */
export async function shownAt(page: Page): Promise<number> {
  return Number((await text(page, "#moment .offset")).slice(1));
}
