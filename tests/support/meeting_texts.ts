// Texts that meet in one chain of a hash table, as a user may choose them.

/** An odd number (Knuth), by which consecutive numbers become texts that differ everywhere: hashes of consecutive ones seldom meet. */
const SPREAD = 2654435761;

/** 2^blocks texts that have one hash: each block is one of two that lead to the same hash behind what comes before. */
export function meetingTexts(blocks: number, hashOf: (text: string) => number): string[] {
  let texts = [""];
  for (let block = 0; block < blocks; block++) {
    const known = new Map<number, string>();
    for (let i = 0;; i++) {
      const next = `${texts[0]}${Math.imul(i, SPREAD) >>> 0} . `;
      const other = known.get(hashOf(next));
      known.set(hashOf(next), next);
      if (other === undefined) continue;
      const behind = (text: string) => text.slice(texts[0]!.length);
      texts = texts.flatMap((text) => [text + behind(other), text + behind(next)]);
      break;
    }
  }
  return texts;
}
