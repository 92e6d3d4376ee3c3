// The other side of a LineRing in a thread of its own: it takes lines and counts messages, as the ledger's worker does, and sleeps
// between them. It ends with the first message.

import { LineRing } from "../../src/ledger/line_ring.ts";

const thread: object = globalThis;
if ("postMessage" in thread && "onmessage" in thread) {
  const { postMessage } = thread as Pick<Worker, "postMessage">;
  thread.onmessage = ({ data }: MessageEvent<SharedArrayBuffer>) => {
    const ring = new LineRing(undefined, data);
    while (ring.messages === 0) {
      for (const { first } of ring.take(ring.end)) postMessage(first);
      if (ring.doze(0)) ring.sleep(0);
    }
    assertNothingLeft(ring);
    postMessage("ended");
  };
}

function assertNothingLeft(ring: LineRing): void {
  if (!ring.awaitMessages()) throw new Error("lines are left");
}
