// `run --assert FILE`: checks assertions while the proxy runs. What breaks is in the log, an event on the Node, a metric, at /details
// of the metrics port, and so in `status`.

import { AssertionWatch, type LiveAssertion } from "../history/assertion_watch.ts";
import { log } from "../node/log.ts";
import type { AssertionChecks, Observed } from "../node/serving.ts";
import { UsageError } from "../node/usage_error.ts";
import { assertionsIn } from "./assertion_file.ts";

/** How often assertions are checked, in milliseconds: a state that is over sooner is found by `test --from --to`. */
const CHECK_MILLISECONDS = 1000;

/** Checks a file of assertions once a second. Dispose of it to stop. */
export class LiveAssertions implements AssertionChecks, Disposable {
  readonly #watch: AssertionWatch;
  #slowest = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Throws {@link UsageError}. */
  constructor(file: string) {
    const assertions = assertionsIn(file);
    const wrong = assertions.find((one) => one.kind === "latency" && one.service !== undefined);
    if (wrong !== undefined) {
      throw new UsageError(
        `--assert ${file}: ${wrong.name}: the latency of one Service is known to \`test\` alone`,
      );
    }
    this.#watch = new AssertionWatch(assertions);
  }

  /** Those that are broken, and how many there are. */
  state(): { readonly count: number; readonly broken: readonly LiveAssertion[] } {
    return { count: this.#watch.size, broken: this.#watch.broken() };
  }

  /** Takes when the changes of a sync began, which is over at `now` in milliseconds since 1970. */
  noteSync(triggers: readonly { readonly time: string }[], now: number): void {
    for (const { time } of triggers) this.#slowest = Math.max(this.#slowest, now - Date.parse(time));
  }

  /** Begins to check `observed`. */
  begin(observed: Observed): void {
    this.#timer ??= setInterval(() => {
      try {
        this.check(observed, Date.now());
      } catch (error) {
        observed.failed(error);
      }
    }, CHECK_MILLISECONDS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Checks all at `now`, and reports what has changed. Nothing is reported before the first rules are in place. */
  check({ engine, drift, sendEvent }: Observed, now: number): void {
    if (engine.committedOffset < 0) return;
    const facts = { now, drift: driftText(drift), slowest: this.#slowest };
    this.#slowest = 0;
    for (const { name, holds, text } of this.#watch.check(engine.cluster, facts)) {
      const note = holds ? `${name}: holds again` : `${name}: ${text}`;
      if (holds) log.info(`assertion ${note}`);
      else log.warn(`assertion broken: ${note}`);
      sendEvent({
        regarding: { kind: "Node", namespace: "", name: engine.cluster.node.name },
        type: holds ? "Normal" : "Warning",
        reason: holds ? "AssertionHolds" : "AssertionBroken",
        action: "CheckAssertions",
        note,
      });
    }
  }
}

function driftText(drift: Observed["drift"]): string {
  return drift === undefined ? "" : `${drift.process} (process ${drift.pid}): ${drift.changes.join("; ")}`;
}
