// Bounds of what is read: objects, files of YAML and JSON, credentials, and the answers of an API server.

import { assert } from "../invariant.ts";

/** Most bytes that one code unit of a string takes in UTF-8. */
export const UTF8_BYTES_MAX = 3;

/** Longest name of a namespace, a Service or a port in bytes: an RFC 1123 label. */
export const LABEL_BYTES_MAX = 63;

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

/** Most parts of objects that are kept so that equal ones can be shared. */
export const SHARED_PARTS_MAX = 4096;

/** Longest file of manifests in bytes: 30,000 Services with their slices take about 150 MiB of JSON. */
export const MANIFEST_BYTES_MAX = 256 * 1024 * 1024;

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
 * Most lists and maps in each other in YAML, as far as brackets and marks of one line show it. A text may hold brackets that do
 * not end, so the bound is beyond what a parser's stack can hold.
 */
export const YAML_DEPTH_MAX = 10_000;

/**
 * Most brackets and commas of one object, or one line, of JSON. The API takes 3 MiB a request, in which managedFields have one
 * for about five bytes; what the ledger keeps of an object has one for at least five ("::", in a list of addresses).
 */
export const JSON_PARTS_MAX = 2_000_000;

/** Longest configuration or kubeconfig in bytes: certificates of hundreds of clusters fit. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;

/** Longest file of a token, certificate or key in bytes. */
export const CREDENTIAL_BYTES_MAX = 1024 * 1024;

/** Longest run of a program that makes credentials, in milliseconds: a kubelet gives its programs for images as long. */
export const PLUGIN_MILLISECONDS_MAX = 60_000;

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

/**
 * Longest resourceVersion or continue token in characters. Servers make numbers, and tokens that have the name of an object. Each
 * character can take nine bytes of a URL, which may have 65,534 (hyper 1.x).
 */
export const VERSION_CHARACTERS_MAX = 4096;

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

/** Most events, and most endpoints in their slices, that are planned and committed together: about ten milliseconds. */
export const PORTION = { events: 128, endpoints: 4096 } as const;

/** Most batches from an API server that wait for the loop; beyond that its watches are not read until one is taken. */
export const INBOX_BATCHES_MAX = 1000;

/** Longest time that an event of a running program waits there, while earlier batches are committed, before its record is appended. */
export const INBOX_MILLISECONDS_MAX = 60_000;

/** How long a running program waits for the files of its credentials before it goes on with those that it read before. */
export const CREDENTIAL_MILLISECONDS_MAX = 1000;

assert(CONFIG_BYTES_MAX <= YAML_CHARACTERS_MAX, "configurations are YAML");
assert(OBJECT_BYTES_MAX / 5 < JSON_PARTS_MAX, "what the ledger keeps of an object must be read");

/** Most characters of the files of a source that are kept, so that only files that changed are read as YAML again. */
export const KNOWN_CHARACTERS_MAX = 16 * 1024 * 1024;
