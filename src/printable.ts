// Text that other programs chose (names of processes, objects and files), made safe to print: control and format
// characters are escaped, and what looks like a credential is removed.

const HARMFUL = /[^\P{C}\n\t]|[\u2028\u2029]/gu;

/** `json` with harmful characters as \u escapes, which JSON allows in strings only. A parser reads the same value. */
export function printableJson(json: string): string {
  return json.replace(
    HARMFUL,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/**
 * `text` with control and format characters as \u{...}. They could move the cursor of a terminal, or change the
 * direction in which text is shown. Newlines and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(
    HARMFUL,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** The first `most` code units of `text`, or one less where a character would be divided. */
export function firstCharacters(text: string, most: number): string {
  const first = text.slice(0, most);
  return text.length > most && /[\ud800-\udbff]$/.test(first) ? first.slice(0, -1) : first;
}

/** `text`, or its first `most` characters and a mark that says that there are more. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : `${firstCharacters(text, most)}...`;
}

/**
 * Patterns of credentials, each with its replacement. Each takes time linear in the length of the text: no input can
 * make the program hang.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // user:password@ of a URL.
  [/\b(\w{1,20}:\/\/)[^\s/@]+@/g, "$1...@"],
  // PEM (RFC 7468).
  [/-----BEGIN [^-]*-----[\s\S]*?(-----END [^-]*-----|$)/g, "..."],
  [/\b(bearer|authorization:)\s+[^\s"',;]+/gi, "$1 ..."],
  [/\b(token|password|passwd|secret|key)("\s*:\s*"?|\s*=\s*"?)[^\s"',;&]+/gi, "$1$2..."],
];
/** Long runs of base64url characters, as tokens and keys are. */
const LONG_RUN = /[A-Za-z0-9_-]{40,}={0,2}(\.[\w-]+)*/g;

/**
 * `text` with "..." in place of what looks like a credential. This is a second line of defence: where an error is known
 * to quote a credential, its text is not printed at all.
 */
export function redacted(text: string): string {
  const plain = SECRETS.reduce((result, [pattern, rest]) => result.replace(pattern, rest), text);
  // Names of Kubernetes objects have no capitals, and digests in hexadecimal have neither capitals nor letters after f.
  return plain.replace(
    LONG_RUN,
    (run) => [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(run)) ? "..." : run,
  );
}
