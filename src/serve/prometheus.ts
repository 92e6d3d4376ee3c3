// The one door through which prom-client comes in.

export { Counter, Gauge, Histogram, Registry } from "prom-client";
