// Random elements of two maps: verdicts, and the data that they lead to.

import fc from "fast-check";
import {
  canonicalKey,
  type Element,
  type ElementKey,
  type Elements,
  setPath,
} from "../../src/nft/ruleset.ts";

/** A map of verdicts. */
export const VERDICTS = setPath("ip", "ledgerproxy", "affinity-leads");
/** A map of endpoints. */
export const DATA = setPath("ip", "ledgerproxy", "endpoints");

/** Elements of both maps. */
export const arbitraryElements: fc.Arbitrary<Elements> = fc.dictionary(
  fc.constantFrom("1", "2", "3", "4"),
  fc.constantFrom("goto pick-1", "goto pick-2"),
).chain((verdicts) =>
  fc.dictionary(fc.constantFrom("1", "2", "3"), fc.constantFrom("10.0.0.1 . 80", "10.0.0.2 . 80")).map(
    (data) => {
      const keyed = (of: Record<string, string>, key: (n: string) => string) =>
        new Map(
          Object.entries(of).map((
            [n, value],
          ): [ElementKey, Element] => [canonicalKey(key(n)), { key: canonicalKey(key(n)), value }]),
        );
      return new Map([
        [VERDICTS, keyed(verdicts, (n) => `e400:${n}0`)],
        [DATA, keyed(data, (n) => `10.96.0.1 . tcp . 80 . ${n}`)],
      ]);
    },
  )
);
