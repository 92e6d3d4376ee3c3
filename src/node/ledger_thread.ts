// The beginning of the worker that writes the ledger. The bundle has this module's text apart, for the worker. Without it the
// worker loads the program itself: this is the first module of it, and in the worker none of the others is evaluated.

import { FrameCompressor } from "../ledger/compression.ts";
import { finishInSteps } from "../ledger/snapshot_writer.ts";
import { folderStorage } from "../ledger/storage.ts";
import type { LoadedFile, ToWorker } from "../ledger/worker_messages.ts";
import { WorkerSide } from "../ledger/worker_side.ts";
import { freeMemory } from "./free_memory.ts";

/** After so many bytes of lines, and a second without more, memory is freed: that of a first list is most of the worker's. */
const FREED_BYTES = 1024 * 1024;
const QUIET_MILLISECONDS = 1000;

/** The name of the worker. */
export const LEDGER_THREAD = "ledger";

if ("DedicatedWorkerGlobalScope" in globalThis && self.name === LEDGER_THREAD) {
  serve();
  // Never resolved, so that the module after this one is never evaluated. Messages are received all the same.
  await new Promise(() => {});
}

/** Executes the messages of the program. An error that nothing catches ends the worker, and the program starts another one. */
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
  let written = 0;
  let timer: ReturnType<typeof setTimeout>;
  thread.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === "append") written += data.lines.length;
    void side.handle(data);
    if (written < FREED_BYTES) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      written = 0;
      freeMemory();
    }, QUIET_MILLISECONDS);
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
