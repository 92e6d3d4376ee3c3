// The text of an HTTP answer, bounded while it arrives.

import { firstCharacters } from "./printable.ts";

/** The first `limit` characters of the body, and whether they are all of it. The rest is not read. */
export async function textUpTo(
  { body }: Response,
  limit: number,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > limit) return { text: firstCharacters(text, limit), isWhole: false };
  }
  return { text, isWhole: true };
}
