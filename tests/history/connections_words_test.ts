// Connections as text: a row for each endpoint, a row for each connection, and what a drain still waits for.

import assert from "node:assert/strict";
import type { EndpointConnections } from "../../src/history/connections.ts";
import { connectionsLines, drainLine, eachConnectionLines } from "../../src/history/connections_words.ts";

const AT = "2026-11-23T03:12:01.000Z";
const ROW: EndpointConnections = {
  ...{
    service: "shop/web",
    port: "http",
    protocol: "tcp",
    endpoint: "10.244.0.1:8080",
    node: "node-a",
    zone: "",
  },
  ...{ pod: "shop/web-1", condition: "ready", leaving: false, left: null, open: 2, over: 1, oldest: AT },
  connections: [
    { client: "10.244.1.9:1", target: "10.96.0.1:80", state: "ESTABLISHED", began: AT },
    { client: "10.244.1.9:2", target: "10.96.0.1:80", state: "TIME_WAIT", began: AT },
    { client: "10.244.1.9:3", target: "10.96.0.1:80", state: "SYN_SENT", began: null },
  ],
};
const GONE: EndpointConnections = {
  ...ROW,
  ...{
    endpoint: "10.244.0.2:8080",
    pod: "",
    condition: "gone",
    leaving: true,
    open: 3,
    over: 0,
    oldest: null,
  },
  left: { offset: 3, time: AT, what: "EndpointSlice shop/web-a (changed)" },
  connections: [],
};
const FOREIGN: EndpointConnections = {
  ...GONE,
  service: "",
  port: "192.0.2.1:22/tcp",
  leaving: false,
  left: null,
};

const timeText = (time: string) => time.slice(11, 19);

Deno.test("each endpoint has a row, and the last line sums up", () => {
  assert.deepEqual(connectionsLines([ROW, GONE, FOREIGN], timeText), [
    "SERVICE           ENDPOINT         OPEN  OVER  CONDITION   NODE    POD         OLDEST    NO NEW ONES SINCE",
    "shop/web:http     10.244.0.1:8080  2     1     ready       node-a  shop/web-1  03:12:01",
    "shop/web:http     10.244.0.2:8080  3     0     gone        node-a                        @3 03:12:01 EndpointSlice shop/web-a (changed)",
    "192.0.2.1:22/tcp  10.244.0.2:8080  3     0     no Service  node-a",
    "8 open, of 1 Service; 3 of them to endpoints that get no new ones",
  ]);
  assert.deepEqual(connectionsLines([], timeText), ["there are no connections"]);
  const kept = connectionsLines([{ ...GONE, left: null }], timeText);
  assert.match(kept[1]!, /gone +node-a +not kept$/);
});

Deno.test("each open connection has a row with the commit that placed it", () => {
  assert.deepEqual(eachConnectionLines([ROW], () => 7, timeText), [
    "CLIENT        FRONTEND          ENDPOINT         SERVICE        STATE        BEGAN     PLACED BY",
    "10.244.1.9:1  10.96.0.1:80/tcp  10.244.0.1:8080  shop/web:http  ESTABLISHED  03:12:01  @7",
    "10.244.1.9:3  10.96.0.1:80/tcp  10.244.0.1:8080  shop/web:http  SYN_SENT",
  ]);
  assert.match(eachConnectionLines([ROW], () => undefined, timeText)[1]!, /not kept$/);
  assert.deepEqual(eachConnectionLines([GONE], () => 7, timeText), ["there are no open connections"]);
});

Deno.test("a drain names the ports that still have connections, those with most first", () => {
  const other = { ...GONE, port: "admin", open: 9 };
  assert.equal(drainLine([ROW, GONE, other]), "14 open: shop/web:admin 9, shop/web:http 5");
  assert.equal(drainLine([{ ...ROW, open: 0 }]), "no open connection is left");
});
