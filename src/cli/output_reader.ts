// Whether any program still reads what a command prints. Most commands notice that at their next write, but one that follows a ledger may
// have nothing to write for days: `log -f | head -1` would end only then.

import { openLibc } from "../kernel/libc.ts";
import { everySecond } from "../second.ts";
import { OutputClosed } from "./terminal.ts";

const SYMBOLS = { poll: { parameters: ["buffer", "usize", "i32"], result: "i32" } } as const;
const STANDARD_OUTPUT = 1;
/** struct pollfd: an int and two shorts. */
const POLLFD_BYTES = 8;
const REVENTS_AT = 6;
/** poll(2) reports them unasked: a pipe without a reader, and a terminal that is gone. */
const POLLERR_OR_POLLHUP = 8 | 16;

/** Aborts with {@link OutputClosed} once standard output has no reader; dispose of it to stop looking. */
export function watchReader(): { readonly signal: AbortSignal } & Disposable {
  const gone = new AbortController();
  const resources = new DisposableStack();
  const hasNoReader = openPoll(resources);
  if (hasNoReader !== undefined) {
    resources.use(everySecond(() => {
      if (hasNoReader(STANDARD_OUTPUT)) gone.abort(new OutputClosed());
    }));
  }
  return { signal: gone.signal, [Symbol.dispose]: () => resources.dispose() };
}

/** Asks whether a descriptor has no reader. Undefined where the runtime may not open the C library, or where there is none: then the next write notices it. */
function openPoll(resources: DisposableStack): ((descriptor: number) => boolean) | undefined {
  try {
    const libc = openLibc(SYMBOLS);
    resources.defer(() => libc.close());
    return (descriptor) => {
      const polled = new DataView(new ArrayBuffer(POLLFD_BYTES));
      polled.setInt32(0, descriptor, true);
      libc.symbols.poll(new Uint8Array(polled.buffer), 1n, 0);
      return (polled.getInt16(REVENTS_AT, true) & POLLERR_OR_POLLHUP) !== 0;
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
