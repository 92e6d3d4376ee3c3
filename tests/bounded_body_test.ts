// A body is read up to a bound, and cancelled there.

import assert from "node:assert/strict";
import { textUpTo } from "../src/bounded_body.ts";

Deno.test("a text is whole up to the bound, and the rest of a longer one is not read", async () => {
  const bytes = new TextEncoder().encode("añb");
  let [sent, cancelled] = [0, false];
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent++;
      controller.enqueue(bytes);
    },
    cancel: () => {
      cancelled = true;
    },
  });
  assert.deepEqual(await textUpTo(new Response(endless), 7), { text: "añbañba", isWhole: false });
  assert.ok(cancelled);
  assert.ok(sent < 10, `${sent} chunks`);
  const halves = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 2));
      controller.enqueue(bytes.subarray(2));
      controller.close();
    },
  });
  assert.deepEqual(await textUpTo(new Response(halves), 3), { text: "añb", isWhole: true });
  assert.deepEqual(await textUpTo(new Response(null), 3), { text: "", isWhole: true });
});
