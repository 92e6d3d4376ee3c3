// What the proxy that runs on this node answers about itself: the problems that /healthz names, and their texts from /details.

import { textUpTo } from "../bounded_body.ts";
import { countText } from "../count_text.ts";
import type { Finding } from "../history/status.ts";
import { fieldsOf } from "../kube/json_value.ts";
import { printable } from "../printable.ts";
import type { HealthProblem } from "../serve/problems.ts";

/** The problem of a ledger, as /healthz names it. */
const UNWRITTEN: HealthProblem = "ledger cannot be written";
/** How long an answer is waited for. */
const WAIT_MILLISECONDS = 1000;
/** Most characters of an answer that are read. */
const ANSWER_CHARACTERS_MAX = 256 * 1024;

/** Findings about the proxy at the addresses of its health and metrics ports. A proxy that does not answer is a note. */
export async function proxyFindings(health: string, metrics: string): Promise<Finding[]> {
  const [healthz, details] = await Promise.all([
    answerOf(`http://${health}/healthz`),
    answerOf(`http://${metrics}/details`),
  ]);
  if (healthz === undefined) {
    return [{
      severity: "note",
      topic: "proxy",
      text: `no proxy answers on ${health}: this is what the ledger has`,
    }];
  }
  const { problems, sources } = fieldsOf(healthz);
  if (!Array.isArray(problems)) {
    return [{ severity: "note", topic: "proxy", text: `what answers on ${health} is not this program` }];
  }
  const broken = fieldsOf(details)["assertions"];
  const asserted = (Array.isArray(broken) ? broken : []).map((one): Finding => {
    const { name, text } = fieldsOf(one);
    return { severity: "failing", topic: "assertion", text: printable(`${name}: ${text}`) };
  });
  const texts = new Map(Object.entries(fieldsOf(fieldsOf(details)["sources"])));
  const sourced = Object.entries(fieldsOf(sources)).flatMap(([kind, source]): Finding[] => {
    const { problem } = fieldsOf(source);
    if (typeof problem !== "string" || problem === "") return [];
    const why = texts.get(kind);
    const text = `${kind}: ${problem}${typeof why === "string" && why !== "" ? `: ${why}` : ""}`;
    return [{ severity: "warning", topic: "API server", text: printable(text) }];
  });
  const named = problems.filter((problem) => typeof problem === "string" && !isOfSource(problem, sources))
    .map((problem): Finding => ({
      severity: problem === "rules rejected" ? "failing" : "warning",
      topic: "proxy",
      text: printable(
        `the running proxy says: ${problem}${problem === UNWRITTEN ? unwrittenText(healthz, details) : ""}`,
      ),
    }));
  return [...asserted, ...named, ...sourced];
}

/** Why the ledger cannot be written, and what that means for everything else that is read from it. */
function unwrittenText(healthz: unknown, details: unknown): string {
  const { unwrittenRecords: records } = fieldsOf(fieldsOf(healthz)["ledger"]);
  const why = fieldsOf(details)["ledger"];
  return [
    ...typeof why === "string" && why !== "" ? [`: ${why}`] : [],
    ...typeof records === "number" && records > 0
      ? [
        `; ${
          countText(records, "record is", "records are")
        } not in it, so what follows is of the time before`,
      ]
      : [],
  ].join("");
}

/** Whether a problem is one that the sources name themselves. */
function isOfSource(problem: string, sources: unknown): boolean {
  return Object.values(fieldsOf(sources)).some((source) => fieldsOf(source)["problem"] === problem);
}

/** The JSON at `url`, whatever the status of the answer; undefined where there is none. */
async function answerOf(url: string): Promise<unknown> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(WAIT_MILLISECONDS), redirect: "error" });
    const { text, isWhole } = await textUpTo(answer, ANSWER_CHARACTERS_MAX);
    return isWhole ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
