// Lines are written in order, never wait for their reader in the background, and are counted where they are dropped.

import assert from "node:assert/strict";
import { LOG_WAITING_BYTES_MAX } from "../../src/limits/serving.ts";
import { type LogSink, LogWriter } from "../../src/node/log_writer.ts";
import { until } from "../support/until.ts";

const decoder = new TextDecoder();

/** A standard error that accepts nothing until it is opened, then seven bytes at a time. */
class SlowSink implements LogSink {
  text = "";
  readonly #opened = Promise.withResolvers<void>();

  open(): void {
    this.#opened.resolve();
  }

  writeSync(bytes: Uint8Array): number {
    this.text += decoder.decode(bytes);
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#opened.promise;
    const count = Math.min(7, bytes.length);
    this.text += decoder.decode(bytes.subarray(0, count));
    return count;
  }
}

const newWriter = (sink: LogSink) => new LogWriter(sink, (count) => `${count} dropped\n`);

Deno.test("in the foreground a line is written before the call returns", () => {
  const sink = new SlowSink();
  newWriter(sink).write("one\n");
  assert.equal(sink.text, "one\n");
});

Deno.test("in the background lines wait while no program reads them, and are written in order", async () => {
  const sink = new SlowSink();
  const writer = newWriter(sink);
  writer.goBackground();
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`);
  for (const line of lines) writer.write(line);
  assert.equal(await writer.flush(1), false, "it does not wait for ever");
  sink.open();
  assert.equal(await writer.flush(10_000), true);
  writer.write("more\n");
  assert.equal(await writer.flush(10_000), true);
  assert.equal(sink.text, `${lines.join("")}more\n`);
});

Deno.test("lines beyond the bound of memory are dropped, counted, and reported when writing works again", async () => {
  const sink = new SlowSink();
  const writer = newWriter(sink);
  writer.goBackground();
  const line = `${"x".repeat(9999)}\n`;
  const kept = Math.floor(LOG_WAITING_BYTES_MAX / line.length);
  for (let i = 0; i < kept + 3; i++) writer.write(line);
  assert.equal(writer.dropped, 3);
  sink.open();
  assert.equal(await writer.flush(10_000), true);
  assert.equal(sink.text, `${line.repeat(kept)}3 dropped\n`);
});

Deno.test("a closed standard error loses lines, and nothing else", async () => {
  const closed: LogSink = {
    writeSync: () => {
      throw new Deno.errors.BrokenPipe("closed");
    },
    write: () => Promise.reject(new Deno.errors.BrokenPipe("closed")),
  };
  const writer = newWriter(closed);
  writer.write("one\n");
  writer.goBackground();
  writer.write("two\n");
  writer.write("three\n");
  await until("all are dropped", () => writer.dropped === 3);
  assert.equal(await writer.flush(1000), true);
});

Deno.test("a non-blocking standard error that is full is tried again", async () => {
  let refusals = 3;
  const sink = new SlowSink();
  sink.open();
  const full: LogSink = {
    writeSync: (bytes) => sink.writeSync(bytes),
    write: (bytes) => refusals-- > 0 ? Promise.reject(new Deno.errors.WouldBlock("full")) : sink.write(bytes),
  };
  const writer = newWriter(full);
  writer.goBackground();
  writer.write("one\n");
  assert.equal(await writer.flush(10_000), true);
  assert.equal(sink.text, "one\n");
  assert.equal(writer.dropped, 0);
});
