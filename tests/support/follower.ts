// Follows a source in the background and keeps what it delivers.

import type { ApiSource } from "../../src/ingest/api_source.ts";
import type { KnownVersions, SourceBatch } from "../../src/ingest/source.ts";

/** Follows a source in the background and keeps its events, lists and problems. */
export class Follower implements AsyncDisposable {
  readonly batches: SourceBatch[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(readonly source: ApiSource, known?: KnownVersions) {
    this.#done = this.#follow(known);
  }

  /** `+a`, `-a`, `list Service: ...`, and problems, in order. */
  said(): string[] {
    const whole = this.batches.filter((batch) => batch.kind === "events" || batch.complete);
    return whole.flatMap((batch) => [
      ...batch.problems.map((problem) => `! ${problem}`),
      ...batch.kind === "list"
        ? [`list ${batch.kinds!.join()}: ${batch.objects.map((object) => object.metadata.name).join()}`]
        : batch.events.map(({ key, value }) => `${value === null ? "-" : "+"}${key.name}`),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #follow(known?: KnownVersions): Promise<void> {
    for await (const batch of this.source.batches(this.#stop.signal, known && (() => known))) {
      this.batches.push(batch);
    }
  }
}
