// A cause as text: the record, and how late it arrived.

import type { Cause } from "./cause.ts";
import { type TimeText, writerText } from "./record_words.ts";

/** `by @12 EndpointSlice shop/web-a, resourceVersion 77, triggered 3 s before, arrived 2026-11-23 03:12:00.123 +01:00`. */
export function causeText(
  { offset, what, time, resourceVersion, triggered, writer }: Cause,
  timeText: TimeText,
): string {
  // The trigger time has whole seconds.
  const seconds = triggered === undefined ? NaN : (Date.parse(time) - Date.parse(triggered)) / 1000;
  return [
    `by @${offset} ${what}`,
    ...(resourceVersion === undefined ? [] : [`resourceVersion ${resourceVersion}`]),
    ...(writer === undefined ? [] : [`written by ${writerText(writer)}`]),
    ...(seconds >= 1 ? [`triggered ${seconds.toFixed(0)} s before`] : []),
    `arrived ${timeText(time)}`,
  ].join(", ");
}
