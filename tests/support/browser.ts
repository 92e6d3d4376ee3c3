// A real browser for tests of pages: Debian's chromium, without a window. Everything it asks for, says or throws is
// kept, so that a test can insist that there was nothing.

import { type Browser, type HTTPRequest, launch, type Page } from "puppeteer-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** An open page, and what it did. */
export interface OpenPage {
  readonly page: Page;
  /** URLs it asked for, its own aside. */
  readonly requests: readonly string[];
  /** What it wrote to the console, what it threw, dialogs it opened. */
  readonly said: readonly string[];
}

/** Where the browser is; undefined where there is none. */
function browserPath(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const candidates = [
    Deno.env.get("CHROMIUM") ?? "",
    ...NAMES.flatMap((name) => folders.map((folder) => `${folder}/${name}`)),
  ];
  return candidates.find((path) => {
    try {
      return path !== "" && Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Why browser tests cannot run; undefined where they can. */
export function missingBrowser(): string | undefined {
  return browserPath() === undefined
    ? `no ${NAMES.join(", ")} in PATH and none named by CHROMIUM: apt-get install chromium`
    : undefined;
}

/** Opens `file` (and `hash`), waits until `ready` is there, and calls `look`; closes the browser whatever happens. */
export async function withPage(
  file: string,
  { hash = "", ready, dark = false }: { hash?: string; ready: string; dark?: boolean },
  look: (open: OpenPage) => Promise<void>,
): Promise<void> {
  // As root the browser's own sandbox does not start.
  const args = Deno.uid() === 0 ? ["--no-sandbox"] : [];
  const browser: Browser = await launch({ executablePath: browserPath()!, headless: true, args });
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    const requests: string[] = [];
    const said: string[] = [];
    const own = `file://${file}`;
    page.on("request", (request: HTTPRequest) => {
      if (request.url().split("#")[0] !== own) requests.push(request.url());
    });
    page.on("console", (message) => said.push(`console.${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("dialog", (dialog) => {
      said.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(`${own}${hash}`);
    await page.waitForSelector(ready, { timeout: 20_000 });
    await look({ page, requests, said });
  } finally {
    await browser.close();
  }
}
