// A real browser for tests of pages: Debian's chromium, headless. It keeps all requests, console messages and errors, so that a
// test can assert that there were none.

import { type Browser, type HTTPRequest, launch, type Page } from "puppeteer-core";

/** A browser starts, and a page is ready, within that on a busy machine. */
const BROWSER_MILLISECONDS = 120_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** An open page, with its requests and messages. */
export interface OpenPage {
  readonly page: Page;
  /** URLs that it requested, without its own. */
  readonly requests: readonly string[];
  /** Its console messages, errors and dialogs. */
  readonly said: readonly string[];
}

/** The path of the browser; undefined where there is none. */
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

/** Opens `file`, or the page at that URL, with `hash`, waits for `ready`, and calls `look`. It closes the browser in any case. */
export async function withPage(
  file: string,
  { hash = "", ready, dark = false, timeout = BROWSER_MILLISECONDS }: {
    hash?: string;
    ready: string;
    dark?: boolean;
    timeout?: number;
  },
  look: (open: OpenPage) => Promise<void>,
): Promise<void> {
  // As root the browser's own sandbox does not start.
  const args = Deno.uid() === 0 ? ["--no-sandbox"] : [];
  const browser: Browser = await launch({
    ...{ executablePath: browserPath()!, headless: true, args },
    timeout: BROWSER_MILLISECONDS,
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(BROWSER_MILLISECONDS);
    await page.setViewport({ width: 1280, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    const requests: string[] = [];
    const said: string[] = [];
    const own = file.startsWith("http:") ? file : `file://${file}`;
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
    await page.waitForSelector(ready, { timeout });
    await look({ page, requests, said });
  } finally {
    await browser.close();
  }
}
