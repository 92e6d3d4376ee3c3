// Text from strangers (names of processes, of objects, of files) made harmless where people read it.

const HARMFUL = /[^\P{C}\n\t]|[\u2028\u2029]/gu;

/** JSON in which strings have the same characters as \u escapes: the same value for programs. */
export function printableJson(json: string): string {
  return json.replace(
    HARMFUL,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** `text` with control and format characters, which can move the cursor or turn the direction of text, as \u{...}. */
export function printable(text: string): string {
  return text.replace(
    HARMFUL,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
