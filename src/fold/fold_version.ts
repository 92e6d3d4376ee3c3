// The version of the fold: a number that grows when the same records lead to other elements. A digest or snapshot that differs
// then has an explanation: another version wrote it, and it was not changed by hand. A test compares it with digests.

/** The present version. Commits and snapshots contain it; those up to 0.6.0 do not. */
export const FOLD_VERSION = 2;
