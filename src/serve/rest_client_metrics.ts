// Metrics about the requests to the API server, under the names and with the buckets of client-go
// (k8s.io/component-base/metrics/prometheus/restclient, 0.37).

import { Counter, Histogram, type Registry } from "./prometheus.ts";

/** An answer of the API server, or the lack of one. */
export interface RestAnswer {
  /** GET or POST. */
  readonly method: string;
  /** Host and port of the server, as client-go has it. */
  readonly host: string;
  /** The HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** Until the head of the answer was received. */
  readonly seconds: number;
}

/** Counts answers. */
export interface RestClientMetrics {
  answered(answer: RestAnswer): void;
}

const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
/** client-go's code for a request without an answer. */
const NO_ANSWER = "<error>";

/** Adds the metrics to `registry`. */
export function restClientMetrics(registry: Registry): RestClientMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: "rest_client_requests_total",
    help: "Requests to the API server by status code, method and host",
    labelNames: ["code", "method", "host"] as const,
    registers,
  });
  const duration = new Histogram({
    name: "rest_client_request_duration_seconds",
    help: "Time until the API server begins to answer, by verb and host",
    buckets: BUCKETS,
    labelNames: ["verb", "host"] as const,
    registers,
  });
  return {
    answered({ method, host, status, seconds }) {
      requests.inc({ code: status === undefined ? NO_ANSWER : String(status), method, host });
      duration.observe(seconds, { verb: method, host });
    },
  };
}
