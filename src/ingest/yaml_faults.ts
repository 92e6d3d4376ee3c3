// Messages for wrong YAML. Why not simply use the parser's own? They quote the file, and that may contain a secret.

/** A message for each error code of the parser (yaml 2.9). */
const SENTENCES: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias has an anchor or a tag",
  BAD_ALIAS: "an alias names no anchor",
  BAD_COLLECTION_TYPE: "a list or map has the wrong tag",
  BAD_DIRECTIVE: "a directive is wrong",
  BAD_DQ_ESCAPE: "an escape in a quoted string is wrong",
  BAD_INDENT: "the indentation is wrong",
  BAD_PROP_ORDER: "anchor and tag are in the wrong place",
  BAD_SCALAR_START: "a string begins with a character that it must quote",
  BLOCK_AS_IMPLICIT_KEY: "a list or map stands where a key is expected",
  BLOCK_IN_FLOW: "an indented list or map is inside brackets",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a character is missing, perhaps a closing quote, bracket or space",
  MULTILINE_IMPLICIT_KEY: "a key goes over several lines, or a colon is missing",
  MULTIPLE_ANCHORS: "a value has two anchors",
  MULTIPLE_TAGS: "a value has two tags",
  RESOURCE_EXHAUSTION: "lists and maps are nested too deeply",
  TAB_AS_INDENT: "a tab is used as indentation",
  TAG_RESOLVE_FAILED: "a tag cannot be read",
  UNEXPECTED_TOKEN: "something is out of place",
};

/** The message for an error code. It contains nothing of the file. */
export function yamlFault(code: string): string {
  return SENTENCES[code] ?? "it is not YAML";
}

/** The message for what the parser threw. It throws where aliases or nesting would take all memory. */
export function yamlRefusal(error: unknown): string {
  if (error instanceof RangeError) return yamlFault("RESOURCE_EXHAUSTION");
  return error instanceof ReferenceError || error instanceof TypeError
    ? "its aliases name no anchor, hold themselves, or multiply what it holds"
    : yamlFault("");
}
