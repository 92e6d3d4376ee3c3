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

/** What credentials look like, with what stays of each. All are linear in the length of a text. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // user:password@ of a URL.
  [/\b(\w{1,20}:\/\/)[^\s/@]+@/g, "$1...@"],
  // PEM (RFC 7468).
  [/-----BEGIN [^-]*-----[\s\S]*?(-----END [^-]*-----|$)/g, "..."],
  [/\b(bearer|authorization:)\s+[^\s"',;]+/gi, "$1 ..."],
  [/\b(token|password|passwd|secret|key)("\s*:\s*"?|\s*=\s*"?)[^\s"',;&]+/gi, "$1$2..."],
];
/** Long words: base64url and what is like it. */
const LONG_WORD = /[A-Za-z0-9_-]{40,}={0,2}(\.[\w-]+)*/g;

/** `text` without what looks like a credential. The texts of errors that touched one must not be shown at all. */
export function redacted(text: string): string {
  const plain = SECRETS.reduce((result, [pattern, rest]) => result.replace(pattern, rest), text);
  // Names in Kubernetes have no capitals, and digests no letters behind f.
  return plain.replace(
    LONG_WORD,
    (word) => [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(word)) ? "..." : word,
  );
}
