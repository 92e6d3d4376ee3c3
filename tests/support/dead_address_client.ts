// A program that asks an API server until it answers over a connection that all requests share (HTTP/2), and prints a line for each
// answer: whether its connection is such a one. For a test in which one address of the server's name is dead.
//
//   dead_address_client.ts KUBECONFIG

import { ApiClient } from "../../src/ingest/api_client.ts";
import { ApiConnection } from "../../src/ingest/connection.ts";

const TIMES = { quietMilliseconds: 2000, unansweredMilliseconds: 300, probeMilliseconds: 500 };
const FETCH_AGAIN_MILLISECONDS = 200;

using connection = new ApiConnection(
  new ApiClient(Deno.args[0]!, undefined, FETCH_AGAIN_MILLISECONDS),
  TIMES,
);
let last: boolean | undefined;
while (last !== true) {
  const request = connection.open("/api/v1/nodes", {}, "json", {
    head: ({ shared }) => {
      if (shared !== last) console.log(`shared ${shared}`);
      last = shared;
      return undefined;
    },
    bytes: () => undefined,
    end: () => undefined,
    failed: ({ text }) => {
      console.log(text);
      return undefined;
    },
  });
  await request.closed;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
