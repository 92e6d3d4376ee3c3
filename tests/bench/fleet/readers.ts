// As many nodes of this program as asked for, as far as the API server sees them: each lists and watches with connections of its own,
// and decodes what it receives. It prints a line of JSON five times a second.
//
//   deno run -A tests/bench/fleet/readers.ts N KUBECONFIG

import { ApiClient } from "../../../src/ingest/api_client.ts";
import { apiSource } from "../../../src/ingest/api_source.ts";
import { isPart } from "../../../src/ingest/source.ts";

const STATUS_MILLISECONDS = 200;

const [clients = "", kubeconfig = ""] = Deno.args;
let [listed, events] = [0, 0];
for (let i = 0; i < Number(clients); i++) void follow(`node-${i}`);
setInterval(() => console.log(JSON.stringify({ listed, events })), STATUS_MILLISECONDS);

async function follow(node: string): Promise<void> {
  const source = apiSource(new ApiClient(kubeconfig), node, false);
  let whole = false;
  let newest = 0;
  for await (const batch of source.batches(new AbortController().signal)) {
    const versions = batch.kind === "events"
      ? batch.events.map(({ resourceVersion }) => Number(resourceVersion))
      : batch.objects.map(({ metadata }) => Number(metadata.resourceVersion));
    // After a restart of the server a change may come in a list.
    if (batch.kind === "events") events += versions.length;
    else if (whole && !isPart(batch)) events += versions.filter((version) => version > newest).length;
    else if (!isPart(batch)) {
      whole = true;
      listed++;
    }
    newest = versions.reduce((a, b) => Math.max(a, b), newest);
  }
}
