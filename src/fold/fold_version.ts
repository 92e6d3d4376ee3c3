// What this program makes of records, as a number: it grows whenever the same records lead to other elements, so that digests
// and snapshots of another program are known as such, and are not taken for falsified. A test holds it to a digest.

/** See the head of this file. Ledgers up to 0.6.0 have none. */
export const FOLD_VERSION = 1;
