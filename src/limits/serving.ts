// Bounds of what serves others: metrics, health checks, forwarded connections, the log.

import { assert } from "../invariant.ts";
import { UTF8_BYTES_MAX } from "./input.ts";

/** Most Services whose connections have metrics of their own; those of all others are one sum. */
export const COUNTED_SERVICES_MAX = 100;

/** Services without elements whose series are continued if they come back: most that are remembered. */
export const ENDED_SERIES_MAX = 10_000;

/** Services that are counted while no scraper asks: beyond it, those without elements are forgotten. */
export const COUNTED_SERVICES_WAITING = 10_000;

/** Scrapes for which a Service without elements keeps its series: each of several scrapers gets its last connections. */
export const GONE_SCRAPES = 20;

/**
 * Most readings after a start that may find elements of an earlier process for the first time. A part of an interrupted reading
 * may lack an element; so many readings in a row do not lack the same one.
 */
export const FIRST_READINGS_MAX = 3;

/** Most values of a histogram that wait until it is read. */
export const HISTOGRAM_VALUES_MAX = 1000;

/** Most connections to /healthz and /livez at a time: a kubelet, a few load balancers, operators. */
export const HEALTH_CONNECTIONS_MAX = 32;

/** So many health check ports are opened before other work goes on. */
export const LISTENERS_AT_ONCE = 50;

/** Most connections to all health check ports of Services at a time. */
export const HEALTH_CHECK_CONNECTIONS_MAX = 32;

/**
 * Most connections that NodePorts on loopback forward at a time; each takes two descriptors. Those of one namespace may have half of what
 * the others leave: alone 256.
 */
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

/** Lines of the log about the objects of one namespace, or of two together: so many at once, and then one each so many milliseconds. */
export const LINES_AT_ONCE = 100;
export const LINE_EVERY_MILLISECONDS = 30_000;

/** Longest line of the log in characters; the rest is cut off. */
export const LOG_LINE_CHARACTERS_MAX = 16 * 1024;

/** Most uncaught errors that are logged and recorded in a minute; all are counted. */
export const UNCAUGHT_PER_MINUTE_MAX = 10;

/** Most faults that wait in memory for the ledger of the next loop. */
export const FAULTS_WAITING_MAX = 100;

assert(
  LOG_LINE_CHARACTERS_MAX * UTF8_BYTES_MAX < LOG_WAITING_BYTES_MAX,
  "the longest line must fit what may wait",
);
