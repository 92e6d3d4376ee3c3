// The only file that imports prom-client.

export { Counter, Gauge, Histogram, Registry } from "prom-client";
