// Asks /livez of a program again and again, as a worker: so a test that is busy itself does not take its own pauses for the program's.
// The time for which the thread of the program's loop waited for a CPU is not its own either.

/** Where to ask, and of which process. */
export interface Asked {
  readonly url: string;
  readonly pid: number;
}

/** What is posted for each request, once one was answered. */
export interface Answered {
  /** `200` and the body, or why there was no answer. */
  readonly answer: string;
  /** How long it took, in milliseconds, without what the loop's thread waited for a CPU. */
  readonly milliseconds: number;
}

const PAUSE_MILLISECONDS = 50;
/** A request ends after that in any case. */
const PATIENCE_MILLISECONDS = 60_000;

/** Milliseconds for which the first thread of a process has waited for a CPU (proc_pid_schedstat(5)); 0 once it has ended. */
function waited(pid: number): number {
  try {
    const [, nanoseconds] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
    return Number(nanoseconds) / 1e6;
  } catch {
    return 0;
  }
}

async function ask({ url, pid }: Asked): Promise<Answered> {
  const [began, before] = [performance.now(), waited(pid)];
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) })
    .then(async (response) => `${response.status} ${await response.text()}`).catch((error) =>
      `${error} ${error.cause}`
    );
  return { answer, milliseconds: performance.now() - began - (waited(pid) - before) };
}

const worker = self as unknown as Pick<Worker, "onmessage" | "postMessage">;
worker.onmessage = async ({ data }) => {
  for (let answered = false;;) {
    const one = await ask(data as Asked);
    answered ||= one.answer.startsWith("200 ");
    if (answered) worker.postMessage(one);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
};
