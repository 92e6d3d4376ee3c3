// The beginning of the worker that writes the ledger. The bundle has this module's text apart, for the worker. Without it the
// worker loads the program itself: this is the first module of it, and in the worker none of the others is evaluated.

import { FrameCompressor } from "../ledger/compression.ts";
import { LineRing } from "../ledger/line_ring.ts";
import { finishInSteps } from "../ledger/snapshot_writer.ts";
import { folderStorage } from "../ledger/storage.ts";
import type { LoadedFile, Posted } from "../ledger/worker_messages.ts";
import { WorkerSide } from "../ledger/worker_side.ts";
import { WorkerTurns } from "../ledger/worker_turns.ts";
import { freeMemory } from "./free_memory.ts";

/** The name of the worker. */
export const LEDGER_THREAD = "ledger";

if ("DedicatedWorkerGlobalScope" in globalThis && self.name === LEDGER_THREAD) {
  serve();
  // Never resolved, so that the module after this one is never evaluated. Messages are received all the same.
  await new Promise(() => {});
}

/** Executes what the program sends. An error that nothing catches ends the worker, and the program starts another one. */
function serve(): void {
  const thread: object = globalThis;
  if (!isThread(thread)) return;
  const side = new WorkerSide({
    storage: (path) => folderStorage(path, true),
    send: (message) =>
      thread.postMessage(message, { transfer: "files" in message ? buffers(message.files) : [] }),
    snapshot(place) {
      const compressor = new FrameCompressor();
      return {
        write: (text) => compressor.write(text),
        finish: async (disk, retention) =>
          await finishInSteps(disk, place, await compressor.finish(), retention),
      };
    },
  });
  // The first message is the memory of the ring.
  thread.onmessage = ({ data }: MessageEvent<SharedArrayBuffer>) => {
    const turns = new WorkerTurns(side, new LineRing(undefined, data), freeMemory);
    thread.onmessage = ({ data }: MessageEvent<Posted>) => turns.take(data);
  };
}

/** Whether `scope` is that of a worker, with the other end of what the program has. */
function isThread(scope: object): scope is Pick<Worker, "onmessage" | "postMessage"> {
  return "postMessage" in scope;
}

/** The memory that goes to the program without a copy. */
function buffers(files: readonly LoadedFile[]): ArrayBuffer[] {
  return files.flatMap(({ bytes }) => bytes === undefined ? [] : [bytes.buffer]);
}
