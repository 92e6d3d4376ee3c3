// Text from strangers (names of processes, of objects, of files) made harmless for a terminal.

/** `text` with control and format characters, which can move the cursor or turn the direction of text, as \u{...}. */
export function printable(text: string): string {
  return text.replace(
    /[^\P{C}\n\t]|[\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
