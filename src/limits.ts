// Bounds that protect the process or that several files rely on. The relations between them are asserted when the
// program starts. A bound of one file alone, such as how many rows a page shows, is in that file.

import { assert } from "./invariant.ts";

/** Longest name of a table, chain, set or map in bytes: NFT_NAME_MAXLEN 256 less the terminating NUL (nf_tables.h). */
export const NAME_BYTES_MAX = 255;

/** Longest comment in bytes: nft refuses to read longer ones (NFTNL_UDATA_COMMENT_MAXLEN 128, including the NUL). */
export const COMMENT_BYTES_MAX = 127;

/** Most bytes that one code unit of a string takes in UTF-8. */
export const UTF8_BYTES_MAX = 3;

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

/** Most attribute bytes of elements put into one netlink message; an nlattr length is 16 bits wide. */
export const ELEMENT_MESSAGE_BYTES_MAX = 16 * 1024;

/** Longest line of a ledger in bytes: an EndpointSlice of 1,000 endpoints takes about 200 KiB. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Largest object in bytes of the JSON that the ledger keeps of it: an API server takes 3 MiB a request, etcd 1.5 MiB.
 */
export const OBJECT_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Most elements of one list in an object: the API's own largest, ports of an EndpointSlice (discovery/v1 validation).
 */
export const OBJECT_LIST_MAX = 20_000;

/** Most warnings about one object; a last line counts the others. */
export const OBJECT_WARNINGS_MAX = 20;

/** Longest text of an object that a message quotes. */
export const QUOTED_CHARACTERS_MAX = 120;

/** Longest file of manifests in bytes: 30,000 Services with their slices take about 150 MiB of JSON. */
export const MANIFEST_BYTES_MAX = 256 * 1024 * 1024;

/** How far the clocks of a node and of the API server may be apart where an audit log is joined to a ledger. */
export const CLOCKS_APART_MILLISECONDS_MAX = 5000;

/** How often reading goes back behind an object of a recording that has no end: each time what follows is read again. */
export const TORN_OBJECTS_MAX = 100;

/** How many lines of a recording that could not be read are reported one by one. */
export const IMPORT_PROBLEMS_MAX = 20;

/** Longest text of YAML in characters: its parser takes 70 bytes of memory for each (yaml 2.9), JSON's a few. */
export const YAML_CHARACTERS_MAX = 32 * 1024 * 1024;

/**
 * Most documents in a file of YAML: each costs ten microseconds even where it is empty. 30,000 Services with their slices, each
 * a document of its own, have 60,000.
 */
export const YAML_DOCUMENTS_MAX = 100_000;

/**
 * Most parts of a text of YAML: lines, and items in brackets and braces. Each is a value with its position, whatever its
 * length. kubectl's YAML has a part for 25 characters and compact JSON one for 12, so a text of {@link YAML_CHARACTERS_MAX}
 * that describes objects is within it.
 */
export const YAML_PARTS_MAX = 3_000_000;

/**
 * Most brackets and commas of one object, or one line, of JSON. The API takes 3 MiB a request, in which managedFields have one
 * for about five bytes; what the ledger keeps of an object has one for at least five ("::", in a list of addresses).
 */
export const JSON_PARTS_MAX = 2_000_000;

/** The same of a file of a ledger, or of heads of ledgers, which this program or an audit wrote. */
export const JSON_LIST_PARTS_MAX = 16_000_000;

/**
 * Most lists and maps in each other in YAML, as far as brackets and marks of one line show it. A text may hold brackets that do
 * not end, so the bound is beyond what a parser's stack can hold.
 */
export const YAML_DEPTH_MAX = 10_000;

/** Longest configuration or kubeconfig in bytes: certificates of hundreds of clusters fit. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;

/** Longest file of a token, certificate or key in bytes. */
export const CREDENTIAL_BYTES_MAX = 1024 * 1024;

/** Longest run of a program that makes credentials, in milliseconds: a kubelet gives its programs for images as long. */
export const PLUGIN_MILLISECONDS_MAX = 60_000;

/** A segment that has reached this size in bytes is closed and the next one begun. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;

/** Longest line of a ledger in bytes of UTF-8; {@link RECORD_BYTES_MAX} counts code units of the text. */
export const LINE_BYTES_MAX = RECORD_BYTES_MAX * UTF8_BYTES_MAX;

/** Largest compressed file of a ledger in bytes: what this program compresses becomes a tenth of its size. */
export const COMPRESSED_BYTES_MAX = 128 * 1024 * 1024;

/**
 * Most bytes of a decompressed segment. One append may exceed {@link SEGMENT_BYTES}, by at most one V8 string (2^29 - 24
 * code units). A larger file is not a segment; reading stops there.
 */
export const SEGMENT_BYTES_MAX = 640 * 1024 * 1024;

/** Most bytes of a decompressed snapshot: about the longest string of V8. */
export const SNAPSHOT_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Most bytes of the decompressed terms of a segment; where there are more, none are used and a search reads the
 * segment.
 */
export const TERMS_BYTES_MAX = 64 * 1024 * 1024;

/** How often a question is asked again when retention removes what it reads. It removes a few segments a day. */
export const READ_AGAIN_MAX = 5;
/** Most bytes of the decompressed journal of a segment; a larger one is not used. */
export const JOURNAL_BYTES_MAX = 128 * 1024 * 1024;

/** Bytes of a segment that one read(2) requests. */
export const SEGMENT_PIECE_BYTES = 1024 * 1024;

/** Most snapshots that one checkpoint signs: between two checkpoints there is one, or a few in a burst. */
export const SIGNED_SNAPSHOTS_MAX = 8;

/** Records after which a running node signs its ledger again: at most so many follow the last checkpoint. */
export const CHECKPOINT_RECORDS = 1000;

/** Milliseconds after which it signs records that are not signed yet. A key costs three syncs of the disk. */
export const CHECKPOINT_MILLISECONDS = 60_000;

/** Milliseconds that the end of the program waits for its last checkpoint. The disk may hang. */
export const CHECKPOINT_END_MILLISECONDS_MAX = 3000;

/** How often a node publishes another head in its metrics, in milliseconds: each makes a series in every Prometheus. */
export const HEAD_MILLISECONDS = 15 * 60_000;

/**
 * Least time between heads in a Lease. An object has at most 256 KiB of annotations, which are 2,400 heads of this length: enough for
 * 19 months. Then the API server refuses more, until an administrator has archived and deleted the Lease.
 */
export const LEASE_MILLISECONDS = 6 * 3600_000;

/** Most Leases with heads that an audit reads. */
export const LEASES_MAX = 5000;

/** Most bytes of what a witness saw: heads of thousands of nodes for months. */
export const WITNESS_BYTES_MAX = 256 * 1024 * 1024;

/** Longest wait for a witness, in milliseconds. */
export const WITNESS_MILLISECONDS_MAX = 60_000;

/** Most milliseconds that one record adds to the age of a ledger, so that a step of the clock does not age it. */
export const AGE_STEP_MILLISECONDS = 24 * 3600 * 1000;

/** A longer step between two records may be a step of the clock: what it added is not added again after a step back. */
export const AGE_PAUSE_MILLISECONDS = 3600 * 1000;

/** Share of a ledger's age that steps of more than a day can make up, beside the first day. */
export const AGE_LEAPT_SHARE = 0.1;

/** Largest share of a ledger's bytes that retention removes at once; one segment, where that is more. */
export const RETENTION_SHARE_MAX = 0.25;

/** Most bytes of records that wait in memory while the disk fails: hours of a busy cluster. */
export const UNWRITTEN_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Longest wait of a commit until the records that it follows are written, in milliseconds. It is for the end of the process
 * alone: rules then follow no record that is lost. Once the disk was late, commits do not wait until it has caught up.
 */
export const WRITTEN_WAIT_MILLISECONDS = 10;

/** As {@link WRITTEN_WAIT_MILLISECONDS}, with `--fsync always`, until the records are durable. */
export const DURABLE_WAIT_MILLISECONDS = 40;

/** After so many milliseconds without an answer of the disk, it counts as failing: fsync(2) may take a second or two. */
export const HANDOFF_LATE_MILLISECONDS = 3000;

/** Longest wait of a start for its ledger, in milliseconds; after it rules are made without a ledger. */
export const LEDGER_OPEN_MILLISECONDS_MAX = 5000;

/** Pause before the next attempt to open a ledger that was refused, in milliseconds. */
export const LEDGER_RETRY_MILLISECONDS = 5000;

/** Longest wait for the ledger at the end of the program, in milliseconds. */
export const LEDGER_CLOSE_MILLISECONDS_MAX = 5000;

/** A new snapshot is made once this many bytes follow the newest one: a start reads about as much. */
export const SNAPSHOT_TAIL_BYTES = 4 * 1024 * 1024;

/** How many texts are sorted, or elements are looked up, between two pauses of a snapshot: a few milliseconds. */
export const SORTED_AT_ONCE = 4096;

/** As {@link SNAPSHOT_TAIL_BYTES}, when the program is asked to stop. */
export const SNAPSHOT_STOP_BYTES = 256 * 1024;

/** A new snapshot is made once the newest is this old, in milliseconds: retention by age ends at snapshots. */
export const SNAPSHOT_MILLISECONDS = 24 * 3600 * 1000;

/**
 * Most element changes written into one commit record. A first load has more; a reader derives them from its events.
 */
export const COMMIT_CHANGES_MAX = 1024;

/**
 * Most changes that one commit record has of records before the last commit: the rules of a large Service come in many commits,
 * and must not fill the ledger.
 */
export const COMMIT_OLDER_CHANGES_MAX = 16;

/** Most events, and most endpoints in their slices, that are planned and committed together: about ten milliseconds. */
export const PORTION = { events: 128, endpoints: 4096 } as const;

/** Most changes by other programs that health and events name until they are repaired. */
export const DRIFT_CHANGES_MAX = 16;

/**
 * Most bytes of unread answers of an API server in memory, over all resources together. One answer may have half of what the
 * others leave: alone 160 MiB, and a page of 500 EndpointSlices of 1,000 endpoints takes about 100 MiB.
 */
export const ANSWERS_BYTES_MAX = 320 * 1024 * 1024;

/** Bytes of a watch's unread line that are too few to count among them. */
export const WATCH_BYTES_UNCOUNTED = 64 * 1024;

/** Most bytes of first and later lists under way, over all resources together: six times what the largest clusters need. */
export const LISTS_BYTES_MAX = 1024 * 1024 * 1024;

/** Most bytes that are kept of an answer that is an error. */
export const ERROR_BYTES_MAX = 64 * 1024;

/** Most objects of one kind that a list may have: twenty times what the largest clusters hold. */
export const LIST_OBJECTS_MAX = 1_000_000;

/** Most problems of one list that are reported one by one; a last line counts the others. */
export const LIST_PROBLEMS_MAX = 1000;

/** Pages in a row that bring nothing new before a list is given up: a server may send a few empty ones. */
export const LIST_IDLE_PAGES_MAX = 16;

/** Longest wait that a server can ask for with Retry-After, in milliseconds. */
export const RETRY_AFTER_MILLISECONDS_MAX = 120_000;

/** Most problems of one resource that are remembered, so that none is reported more than once a minute. */
export const REPORTED_PROBLEMS_MAX = 16;

/**
 * A list that removes fewer objects or endpoints than this is applied at once, whatever share of the known ones it is.
 */
export const LARGE_REMOVAL_MIN = 10;

/** Most names of deleted objects that a message shows. */
export const NAMES_SHOWN_MAX = 3;

/**
 * Most blocks of ServiceCIDRs that are looked at one by one where they change; where more do, all are looked at together. A
 * ServiceCIDR has at most two (networking/v1).
 */
export const BLOCKS_ONE_BY_ONE_MAX = 4;

/** An endpoint that comes back later than this did not flap: its pod was moved, or its address is used again. */
export const FLAP_MILLISECONDS_MAX = 3_600_000;

/** Endpoints that are away, of which no more are remembered before those that are away for too long are forgotten. */
export const ENDPOINTS_AWAY = 20_000;

/** Most workers that replay one ledger: each holds a state of the cluster. */
export const REPLAY_WORKERS_MAX = 8;

/** Records that a report shows by default: hours of a busy cluster, folded in a browser in a second. */
export const REPORT_RECORDS = 20_000;

/** Most JSON of records in one report: a tenth of it when compressed. */
export const REPORT_BYTES_MAX = 64 * 1024 * 1024;

/** Most batches from an API server that wait for the loop; beyond that its watches are not read until one is taken. */
export const INBOX_BATCHES_MAX = 1000;

/** Longest time that an event of a running program waits there, while earlier batches are committed, before its record is appended. */
export const INBOX_MILLISECONDS_MAX = 60_000;

/** Most parts of objects that are kept so that equal ones can be shared. */
export const SHARED_PARTS_MAX = 4096;

/** Most values of a histogram that wait until it is read. */
export const HISTOGRAM_VALUES_MAX = 1000;

/** Most trigger times kept between two commits; later ones are not measured. */
export const TRIGGERS_MAX = 10_000;

/** Most commits of one batch that the kernel rejects, beside one for each Service that is set aside. */
export const COMMIT_ATTEMPTS_MAX = 3;

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

/** Most Services set aside during one commit; what the kernel rejects beyond that is left to the next batch. */
export const SET_ASIDE_MAX = 64;

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

/** Most Services whose connections have metrics of their own; those of all others are one sum. */
export const COUNTED_SERVICES_MAX = 100;

/** Size of the buffer a netlink dump is received into, in bytes; the kernel fills at most 32 KiB a datagram. */
export const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** Most bytes that are read of one file of /proc or /sys: /proc/net/dev with 8,000 interfaces. */
export const SPECIAL_FILE_BYTES_MAX = 1024 * 1024;
/** Largest table of iptables-legacy that is searched for the chains of kube-proxy: 100,000 rules are about 30 MB. */
export const LEGACY_TABLE_BYTES_MAX = 64 * 1024 * 1024;

/** Most connections to /healthz and /livez at a time: a kubelet, a few load balancers, operators. */
export const HEALTH_CONNECTIONS_MAX = 32;

/** So many health check ports are opened before other work goes on. */
export const LISTENERS_AT_ONCE = 50;

/** Most connections to all health check ports of Services at a time. */
export const HEALTH_CHECK_CONNECTIONS_MAX = 32;

/** Longest time that connections to an endpoint that is gone may go on before they are cut, in seconds: a day. */
export const CUT_SECONDS_MAX = 86_400;

/** Most connections that NodePorts on loopback forward at a time; each takes two descriptors. */
export const FORWARDED_CONNECTIONS_MAX = 512;

/** How long an endpoint may take to accept a forwarded connection, in milliseconds: kube-proxy's value. */
export const FORWARD_CONNECT_MILLISECONDS_MAX = 5000;

/** Bytes that are read at a time from one side of a forwarded connection. */
export const FORWARD_BUFFER_BYTES = 32 * 1024;

/** Descriptors that health check ports leave to the rest of the program: all connections take 72, everything else about 40. */
export const DESCRIPTORS_RESERVED = 256;

/** Descriptors that connections leave to the rest of the program: where a process may have few, it holds fewer connections. */
export const DESCRIPTORS_OWN = 56;

/** Most connections to the metrics port at a time. */
export const METRICS_CONNECTIONS_MAX = 8;

/** Largest head of a request in bytes; Prometheus and kubelets send a few hundred. */
export const HEADER_BYTES_MAX = 8 * 1024;

/** Longest time from a connection to the last byte of its request's head, in milliseconds. */
export const REQUEST_MILLISECONDS_MAX = 5000;

/** Longest time from that byte to the last byte of the answer, in milliseconds: as long as Prometheus waits. */
export const CONNECTION_MILLISECONDS_MAX = 10_000;

/** Most connections that one server accepts in a second: each costs a fifth of a millisecond of the loop's time. */
export const ACCEPTS_PER_SECOND_MAX = 2000;

/** Pause after an accept that failed for want of descriptors or memory, in milliseconds. */
export const ACCEPT_RETRY_MILLISECONDS = 200;

/** Most bytes of log lines that wait while standard error accepts none; further lines are dropped. */
export const LOG_WAITING_BYTES_MAX = 256 * 1024;

/** Longest line of the log in characters; the rest is cut off. */
export const LOG_LINE_CHARACTERS_MAX = 16 * 1024;

/** How long no report about a traced packet must come before its path is complete, in milliseconds. */
export const TRACE_QUIET_MILLISECONDS = 100;

/** Most uncaught errors that are logged and recorded in a minute; all are counted. */
export const UNCAUGHT_PER_MINUTE_MAX = 10;

/** Most faults that wait in memory for the ledger of the next loop. */
export const FAULTS_WAITING_MAX = 100;

assert(LARGE_SERVICE_ELEMENTS < SERVICE_ELEMENTS_MAX, "a large Service is served, if in steps");
assert(SMALL_SERVICE_ELEMENTS < LARGE_SERVICE_ELEMENTS, "a small Service is not large");
assert(SLOT_CLASS_MAX < SERVICE_ELEMENTS_MAX, "one frontend with every slot must fit a Service");
assert(SLOT_CLASS_MAX <= SLOT_MODULUS_MAX, "slots of the largest class must fit the slot maps");
assert(0.75 ** SLOT_DRAWS < 0.0011, "the fallback of a pick chain must stay rare");
assert((SLOT_CLASS_MAX & (SLOT_CLASS_MAX - 1)) === 0, "the largest slot class must be a power of two");
assert(ELEMENT_MESSAGE_BYTES_MAX < 0xffff, "a list of elements must fit one netlink attribute");
assert(SNAPSHOT_TAIL_BYTES < SEGMENT_BYTES, "segments end at snapshots, so that they can be removed");
assert(CONFIG_BYTES_MAX <= YAML_CHARACTERS_MAX, "configurations are YAML");
assert(OBJECT_BYTES_MAX / 5 < JSON_PARTS_MAX, "what the ledger keeps of an object must be read");
assert(2 * OBJECT_BYTES_MAX <= RECORD_BYTES_MAX, "a record must hold the largest object");
assert(SEGMENT_BYTES < SEGMENT_BYTES_MAX, "what the writer makes must be read");
assert(RECORD_BYTES_MAX < SEGMENT_BYTES, "a segment must hold the longest record");
assert(SEGMENT_BYTES + LINE_BYTES_MAX <= COMPRESSED_BYTES_MAX, "a segment as long as its text must be read");
assert(2 * LINE_BYTES_MAX < ANSWERS_BYTES_MAX, "an answer must hold the longest line");
assert(
  LOG_LINE_CHARACTERS_MAX * UTF8_BYTES_MAX < LOG_WAITING_BYTES_MAX,
  "the longest line must fit what may wait",
);
