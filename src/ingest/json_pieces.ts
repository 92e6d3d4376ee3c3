// JSON objects that are not one per line: several on a line, or one on many lines, as a proxy may write them. A decoder that
// reads value by value accepts both (client-go 0.37 reads watches so). Pure.

/** Finds where objects end in a text that arrives in pieces. It reads each character once, whatever the pieces are. */
export class JsonPieces {
  #text = "";
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Characters of an object that is not whole yet. */
  get held(): number {
    return this.#text.length;
  }

  /**
   * The texts of the objects that `piece` completes. Undefined where the text cannot be objects: something else is between
   * them, or `piece` ends inside a string, which no line of JSON does. Everything is forgotten then.
   */
  push(piece: string): string[] | undefined {
    const whole: string[] = [];
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const character = piece[i]!;
      if (this.#depth === 0 && character !== "{" && character.trim() !== "") return this.#lose();
      if (!this.#closes(character)) continue;
      whole.push(this.#text + piece.slice(start, i + 1));
      this.#text = "";
      start = i + 1;
    }
    if (this.#inString) return this.#lose();
    // White space between two objects belongs to neither.
    if (this.#depth > 0) this.#text += piece.slice(start);
    return whole;
  }

  /** Forgets an object that is not whole, and says whether there was one. */
  forget(): boolean {
    const wasHeld = this.#depth > 0;
    this.#text = "";
    this.#depth = 0;
    this.#inString = this.#escaped = false;
    return wasHeld;
  }

  /** Takes one character, and says whether it ends an object that is in no other one. */
  #closes(character: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === "\\") this.#escaped = true;
      else if (character === '"') this.#inString = false;
      return false;
    }
    if (character === '"') this.#inString = true;
    if (character === "{" || character === "[") this.#depth++;
    if (character !== "}" && character !== "]") return false;
    return --this.#depth === 0;
  }

  #lose(): undefined {
    this.forget();
    return undefined;
  }
}
