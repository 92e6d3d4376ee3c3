// The process with the clients of a fleet: it prints how far they are.

import { end } from "../../support/cluster/control_plane.ts";
import type { Lab } from "../../support/lab/lab.ts";
import { until } from "../../support/until.ts";

const PATIENCE_MILLISECONDS = 600_000;
const ROOT = new URL("../../../", import.meta.url);

/** What the clients print. */
interface Status {
  /** Nodes that have all their lists. */
  readonly listed: number;
  /** Changes received, over all nodes. */
  readonly events: number;
}

/** The process with all clients, in the node's namespace of a lab. */
export class Clients {
  readonly #process: Deno.ChildProcess;
  status: Status = { listed: 0, events: 0 };

  constructor(lab: Lab, command: readonly string[]) {
    const [program, ...args] = command;
    this.#process = lab.inside(
      "node",
      () =>
        new Deno.Command(program!, { args, cwd: ROOT, stdin: "null", stdout: "piped", stderr: "inherit" })
          .spawn(),
    );
    void this.#read();
  }

  async until(holds: (status: Status) => boolean, what: string): Promise<void> {
    await until(what, () => holds(this.status), PATIENCE_MILLISECONDS);
  }

  async end(): Promise<void> {
    await end(this.#process);
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const part of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + part).split("\n");
      text = lines.pop()!;
      const last = lines.at(-1);
      if (last !== undefined) this.status = JSON.parse(last);
    }
  }
}
