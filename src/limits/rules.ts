// Bounds of what rules are made of: names, slots, and the elements of Services. Like all files of this folder, it has the bounds
// that protect the process or that several files rely on; a bound of one file alone, such as how many rows a page shows, is in that
// file. What must hold between bounds is asserted where they are.

import { assert } from "../invariant.ts";

/** Longest name of a table, chain, set or map in bytes: NFT_NAME_MAXLEN 256 less the terminating NUL (nf_tables.h). */
export const NAME_BYTES_MAX = 255;

/** Longest comment in bytes: nft refuses to read longer ones (NFTNL_UDATA_COMMENT_MAXLEN 128, including the NUL). */
export const COMMENT_BYTES_MAX = 127;

/** Longest name of a network interface in bytes: IFNAMSIZ 16 less the terminating NUL (linux/if.h). */
export const INTERFACE_BYTES_MAX = 15;

/** Longest timeout of ClientIP affinity in seconds: one day (core/v1 SessionAffinityConfig). */
export const AFFINITY_SECONDS_MAX = 86_400;

/** Largest slot class: one frontend picks among at most this many endpoints. */
export const SLOT_CLASS_MAX = 4096;

/** Fewest endpoints of a Service for which an index is kept: without one a change costs as much as about one of ten. */
export const INDEXED_ENDPOINTS_MIN = 128;

/** Most endpoints that all indexes together have, each counted for each port of its Service. One takes about 250 bytes. */
export const INDEXED_ENDPOINTS_MAX = 65_536;

/** Largest weight of an endpoint: it fills as many slots, each of which is an element. */
export const WEIGHT_MAX = 64;

/**
 * Draws over a whole slot class before a pick chain falls back to the part of it that is always filled. With N
 * endpoints in class S (S/4 < N <= S) the fallback is reached with probability (1 - N/S)^SLOT_DRAWS: below
 * 2^-SLOT_DRAWS where N > S/2, below 0.75^SLOT_DRAWS (0.1 %) always. Each draw is a rule the kernel validates for every
 * verdict element that leads to the chain, so there are no more than needed.
 */
export const SLOT_DRAWS = 24;

/**
 * Further draws for a client whose first draw found an empty slot. At most half of the clients need each draw, so fewer than
 * 2^-CLIENT_DRAWS (0.4 %) end in the lower half without a last chance at the upper one.
 */
export const CLIENT_DRAWS = 8;

/** Modulus in the `typeof` of slot maps: upper bound of every slot number a map can hold. */
export const SLOT_MODULUS_MAX = 65536;

/** Modulus of hashes in keys: nft requires one, and this is the largest. */
export const HASH_MODULUS = 0xffff_ffff;

/**
 * Most clients that are pinned at a time, per family, over all ServicePorts with affinity; further clients get an endpoint for
 * each connection. The kernel takes 16 bytes for each possible one, and about 100 for each there is. kube-proxy's bound is
 * 65,535 for each endpoint, and none for a node.
 */
export const PINS_MAX = 524_288;

/**
 * Most elements of one Service; one with more is set aside. An element is a frontend, or an endpoint behind one. The largest
 * Service that Kubernetes is tested with has 250 endpoints (SIG Scalability's thresholds); the largest that EndpointSlices
 * were made for has 5,000 (KEP-0752). Ten times the first with two ports, each in two families at a cluster IP, a balancer
 * and a NodePort, are 30,000 elements; ten times the second at one frontend are 50,000. kube-proxy has no bound.
 */
export const SERVICE_ELEMENTS_MAX = 65_536;

/**
 * As how many elements a source range counts, once for each port and each address of the load balancer. The ranges of a frontend are
 * changed at once, which takes 40 ms where 2,000 are replaced. So a Service has at most 2,048: ten times as many as 100 ranges at two
 * ports.
 */
export const RANGE_ELEMENTS = 32;

/**
 * Most lengths of prefixes in the name of a chain: with 60 of three digits it has 248 bytes, and the kernel takes 255
 * (NFT_CHAIN_MAXNAMELEN). Only IPv6 has more.
 */
export const GUARD_LENGTHS_MAX = 60;

/** The rules of a Service with more elements than this are made in steps, after those of all others. */
export const LARGE_SERVICE_ELEMENTS = 1024;

/** Most elements of all large Services of one namespace together; further ones are set aside. One tenant takes no more memory. */
export const NAMESPACE_ELEMENTS_MAX = 4 * SERVICE_ELEMENTS_MAX;

/**
 * The same of all namespaces: the program has 350 MB then, and the kernel 75 MB (sixteen Services of 64 ports and 1,000
 * endpoints). Small Services are not counted: an API server holds hundreds of thousands at most.
 */
export const NODE_ELEMENTS_MAX = 4 * NAMESPACE_ELEMENTS_MAX;

/** About how many elements one step changes: a few milliseconds of this program and of the kernel. */
export const STEP_ELEMENTS = 256;

/** A Service with at most so many elements is always served at once: those of nearly all Services have fewer. */
export const SMALL_SERVICE_ELEMENTS = 32;

/**
 * About how many elements events change between two commits. Once it is reached, Services that are not small wait for steps: a
 * tenant that changes twenty Services at once would hold up all changes behind them. 512 elements take about 7 ms.
 */
export const BURST_ELEMENTS = 512;

/**
 * As {@link BURST_ELEMENTS}, before the first commit: a first sync is one commit in nearly all clusters. 30,000 Services of two
 * endpoints count 150,000.
 */
export const FIRST_BURST_ELEMENTS = 200_000;

/** How many texts are sorted, or elements are looked up, between two pauses of a snapshot: a few milliseconds. */
export const SORTED_AT_ONCE = 4096;

/**
 * Most blocks of ServiceCIDRs that are looked at one by one where they change; where more do, all are looked at together. A
 * ServiceCIDR has at most two (networking/v1).
 */
export const BLOCKS_ONE_BY_ONE_MAX = 4;

/** Longest time that connections to an endpoint that is gone may go on before they are cut, in seconds: a day. */
export const CUT_SECONDS_MAX = 86_400;

assert(LARGE_SERVICE_ELEMENTS < SERVICE_ELEMENTS_MAX, "a large Service is served, if in steps");
assert(SMALL_SERVICE_ELEMENTS < LARGE_SERVICE_ELEMENTS, "a small Service is not large");
assert(SLOT_CLASS_MAX < SERVICE_ELEMENTS_MAX, "one frontend with every slot must fit a Service");
assert(SLOT_CLASS_MAX <= SLOT_MODULUS_MAX, "slots of the largest class must fit the slot maps");
assert(0.75 ** SLOT_DRAWS < 0.0011, "the fallback of a pick chain must stay rare");
assert((SLOT_CLASS_MAX & (SLOT_CLASS_MAX - 1)) === 0, "the largest slot class must be a power of two");
