// Bounds of a commit, and of the kernel's answers and listings.

import { assert } from "../invariant.ts";

/** Most attribute bytes of elements put into one netlink message; an nlattr length is 16 bits wide. */
export const ELEMENT_MESSAGE_BYTES_MAX = 16 * 1024;

/** Most trigger times kept between two commits; later ones are not measured. */
export const TRIGGERS_MAX = 10_000;

/** Most commits of one batch that the kernel rejects, beside one for each Service that is set aside. */
export const COMMIT_ATTEMPTS_MAX = 3;

/**
 * How many rejections in a row name one Service before it is set aside although other programs change our tables meanwhile: two
 * rounds of attempts with a second between them. What they take between a listing and a commit is seldom the same so often.
 */
export const REJECTIONS_NAMED_MAX = 2 * COMMIT_ATTEMPTS_MAX;

/**
 * Most changes of one batch, unless it replaces tables of ours that packets use: 30,000 Services of two endpoints have fewer. A
 * batch of them takes about 10 MiB and half a second of the kernel.
 */
export const BATCH_CHANGES_MAX = 131_072;

/** Most times in a row that a batch is halved which the kernel refuses as a whole: a billion changes take 30. */
export const HALVINGS_MAX = 64;

/**
 * How many times a frontend is refused alone, while the kernel takes other batches, before its Service is set aside: a moment
 * without memory must not cost a Service its rules.
 */
export const REFUSALS_ALONE = 3;

/** Most events that a start commits together before it has made the whole state. */
export const EARLY_EVENTS_MAX = 128;

/** Most Services that it looks up for that, 0.6 ms each: those of the events, and those that changed since the snapshot. */
export const EARLY_SERVICES_MAX = 128;

/** Most Services set aside during one commit; what the kernel rejects beyond that is left to the next batch. */
export const SET_ASIDE_MAX = 64;

/**
 * So many elements that are in doubt are asked for, and put back, at a time: about 50 ms where all are missing. With a quarter, 60,000
 * took twice as long (7.6 s of CPU time), because each commit has costs of its own.
 */
export const ELEMENTS_ASKED_AT_ONCE = 1024;

/** Most changes by other programs that health and events name until they are repaired. */
export const DRIFT_CHANGES_MAX = 16;

/** Most listings of flows, each of which the kernel filters, before one is made that selects more. */
export const LISTINGS_OF_FLOWS_MAX = 8;

/** After so many flows that the kernel has listed, of which each may be deleted, other work goes on: about 10 ms. */
export const FLOWS_AT_ONCE = 512;

/** A filtered listing of more flows in the kernel's table is made beside the loop: the kernel walks over 120,000 in 30 to 110 ms. */
export const FLOWS_WALKED_AT_ONCE = 20_000;

/** A piece of such a listing that takes the kernel at most so many milliseconds is received by the loop itself. */
export const FLOWS_WALK_MILLISECONDS = 5;

/** So many milliseconds of forgetting flows are done at a time, and what is left of the piece that was begun. */
export const FORGETTING_MILLISECONDS = 10;

/** Size of the buffer a netlink dump is received into, in bytes; the kernel fills at most 32 KiB a datagram. */
export const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** Most bytes that are read of one file of /proc or /sys: /proc/net/dev with 8,000 interfaces. */
export const SPECIAL_FILE_BYTES_MAX = 1024 * 1024;

/** Largest table of iptables-legacy that is searched for the chains of kube-proxy: 100,000 rules are about 30 MB. */
export const LEGACY_TABLE_BYTES_MAX = 64 * 1024 * 1024;

/** How long no report about a traced packet must come before its path is complete, in milliseconds. */
export const TRACE_QUIET_MILLISECONDS = 100;

assert(ELEMENT_MESSAGE_BYTES_MAX < 0xffff, "a list of elements must fit one netlink attribute");
