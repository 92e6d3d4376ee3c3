// A client that only reads its watch of EndpointSlices, and prints the time of each event: `deno run watch_times.ts KUBECONFIG`. No proxy
// can be faster.

import { ApiClient } from "../../../src/ingest/api_client.ts";
import { printTime } from "./observer.ts";

const SLICES = "/apis/discovery.k8s.io/v1/endpointslices";

using client = new ApiClient(Deno.args[0]!);
const { signal } = new AbortController();
const listed = await client.get(SLICES, { limit: "1" }, signal);
const { metadata: { resourceVersion } } = await listed.json();
const { body } = await client.get(SLICES, { watch: "1", resourceVersion }, signal, { encoding: "protobuf" });
printTime();
for await (const _ of body!) printTime();
