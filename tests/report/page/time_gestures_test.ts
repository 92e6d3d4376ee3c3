/// <reference lib="dom" />
// Keys, wheel and pointer choose moments and the part of the window that charts, lanes and slider show.

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { browserTest, shownAt, text, withReport } from "../../support/open_report.ts";
import { writeEvening } from "../../support/report_ledger.ts";

/** Milliseconds of the window that the slider covers. */
async function shownLength(page: Page): Promise<number> {
  return Number(await page.$eval("#slider", (slider) => (slider as HTMLInputElement).max));
}

async function middleOf(page: Page, selector: string): Promise<{ x: number; y: number; width: number }> {
  await page.$eval(selector, (one) => one.scrollIntoView({ block: "center" }));
  const { x, y, width, height } = await page.$eval(selector, (one) => one.getBoundingClientRect().toJSON());
  return { x: x + width / 2, y: y + height / 2, width };
}

browserTest(
  "keys and wheel zoom and move; the wheel alone scrolls the page",
  () =>
    withReport(writeEvening, {}, async ({ page, said }) => {
      const whole = await shownLength(page);
      await page.keyboard.press("+");
      assert.ok(Math.abs(await shownLength(page) - whole / 1.5) < 2);
      await page.keyboard.press("0");
      assert.equal(await shownLength(page), whole);
      const { x, y } = await middleOf(page, "figure .over");
      await page.mouse.move(x, y);
      await page.keyboard.down("Control");
      await page.mouse.wheel({ deltaY: -200 });
      await page.waitForFunction(
        (whole) => Number(document.querySelector<HTMLInputElement>("#slider")!.max) < whole * 0.7,
        {},
        whole,
      );
      await page.keyboard.up("Control");
      const zoomed = await shownLength(page);
      const at = await page.evaluate(() => scrollY);
      await page.mouse.wheel({ deltaY: 100 });
      await page.waitForFunction((at) => scrollY > at, {}, at);
      assert.equal(await shownLength(page), zoomed);
      await page.focus("#slider");
      await page.keyboard.press("Home");
      assert.equal(await shownLength(page), zoomed, "a moment outside moves the range");
      assert.equal(await shownAt(page), -1);
      assert.deepEqual(said, []);
    }),
);

browserTest(
  "a drag with Shift selects a range, a click a moment, and the pointer shows the values there",
  () =>
    withReport(writeEvening, {}, async ({ page, said }) => {
      const whole = await shownLength(page);
      const { x, y, width } = await middleOf(page, ".lanes-over .over");
      await page.mouse.move(x, y);
      assert.match(
        await text(page, ".lanes .hovered"),
        /^.*\d\d:\d\d:\d\d\.\d{3}: (\d+ of \d+ endpoints serve|no such Service)$/m,
      );
      await page.mouse.click(x, y);
      const clicked = await shownAt(page);
      assert.ok(clicked > 50 && clicked < 320, `@${clicked}`);
      await page.keyboard.down("Shift");
      await page.mouse.down();
      await page.mouse.move(x + width / 4, y, { steps: 4 });
      await page.mouse.up();
      await page.keyboard.up("Shift");
      assert.ok(Math.abs(await shownLength(page) - whole / 4) < whole / 50);
      assert.equal((await page.$$(".brush")).length, 0);
      assert.equal(await shownAt(page), clicked, "the moment stays");
      assert.deepEqual(said, []);
    }),
);
