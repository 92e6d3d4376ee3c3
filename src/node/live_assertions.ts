// `run --assert FILE`: checks assertions while the proxy runs. What breaks is in the log, an event on the Node, a metric, at /details
// of the metrics port, and so in `status`.

import type { EngineState } from "../engine/engine.ts";
import type { OpenDrift } from "../engine/healer.ts";
import type { SyncReport } from "../engine/sync_report.ts";
import { AssertionWatch, type LiveAssertion } from "../history/assertion_watch.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";
import { assertionsIn } from "./assertion_file.ts";
import { log } from "./log.ts";
import { UsageError } from "./usage_error.ts";

/** How often assertions are checked, in milliseconds: a state that is over sooner is found by `test --from --to`. */
const CHECK_MILLISECONDS = 1000;

/** The part of what is served that assertions are about. */
export interface Observed {
  readonly engine: EngineState;
  readonly drift: OpenDrift | undefined;
  sendEvent(event: ApiEvent): void;
  failed(error: unknown): void;
}

/** Checks a file of assertions once a second. Dispose of it to stop. */
export class LiveAssertions implements Disposable {
  readonly #watch: AssertionWatch;
  #slowest = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `node`: the name of the own Node, which events are about. Throws {@link UsageError}. */
  constructor(file: string, readonly node: string) {
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

  /** Takes the latencies of a sync, at `now` in milliseconds since 1970. */
  noteSync({ triggers }: SyncReport, now: number): void {
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
        regarding: { kind: "Node", namespace: "", name: this.node },
        type: holds ? "Normal" : "Warning",
        reason: holds ? "AssertionHolds" : "AssertionBroken",
        action: "CheckAssertions",
        note,
      });
    }
  }
}

function driftText(drift: OpenDrift | undefined): string {
  return drift === undefined ? "" : `${drift.process} (process ${drift.pid}): ${drift.changes.join("; ")}`;
}
