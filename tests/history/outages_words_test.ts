// The text about outages.

import assert from "node:assert/strict";
import { outagesIn } from "../../src/history/outages.ts";
import { outagesLines } from "../../src/history/outages_words.ts";
import { secondsOf } from "../support/past.ts";
import { ALL, webPast } from "../support/web_history.ts";

Deno.test("a line for each outage, with both ends and what made them", () => {
  assert.deepEqual(outagesLines(outagesIn(webPast(), ALL), secondsOf), [
    "SERVICE    PORT  FROM  TO     FOR  CAUSE",
    "shop/web   http  03    04     1 s  @5 EndpointSlice shop/web-a (changed); ended by @7 EndpointSlice shop/web-a (changed)",
    "shop/cart  http  06    lasts       @11 Service shop/cart (appeared); it never had an endpoint",
  ]);
  assert.match(
    outagesLines(outagesIn(webPast(), { from: 7, through: 13 }, "shop/web"), secondsOf)[1]!,
    /before the range/,
  );
  assert.deepEqual(outagesLines([], secondsOf), ["no Service lost its last endpoint"]);
});
