// Chooses the reader of a recording by its content: the raw recording of a watch, what kubectl printed, an audit log, or KWOK's.

import { fieldsOf } from "../kube/json_value.ts";
import { isAuditEvent, readAuditLog } from "./audit_log.ts";
import { jsonValues } from "./json_values.ts";
import { readKubectlWatch } from "./kubectl_watch.ts";
import { readKwokRecording } from "./kwok_recording.ts";
import type { RecordingContent } from "./recorded_events.ts";
import { readWatchRecording } from "./watch_recording.ts";

/** A recording of no form that can be read, or one that needs to be explained. */
export class UnknownRecording extends Error {
  override readonly name = "UnknownRecording";
}

/** The forms, with the words for them. */
export const FORMS = {
  raw: "a recorded watch",
  kubectl: "what kubectl get --watch printed",
  audit: "an audit log",
  kwok: "a recording of KWOK",
} as const;

/** A recording, with its form in words. */
export interface FormedRecording extends RecordingContent {
  readonly form: string;
}

/** The content of `text`. `began`: when a recording of KWOK began, in milliseconds. Throws {@link UnknownRecording}. */
export function readRecording(text: string, began?: number): FormedRecording {
  const form = formOf(text);
  return { ...read(form, text, began), form: FORMS[form] };
}

function read(form: keyof typeof FORMS, text: string, began: number | undefined): RecordingContent {
  switch (form) {
    case "raw":
      return { ...readWatchRecording(text), notes: [] };
    case "kubectl":
      return readKubectlWatch(text);
    case "audit":
      return readAuditLog(text);
    case "kwok":
      if (began !== undefined) return readKwokRecording(text, began);
      throw new UnknownRecording(
        "a recording of KWOK has no time of day: say when it began, as with --began 2026-11-23T09:30:00Z",
      );
  }
}

/** The form, by the first value that can be read. */
function formOf(text: string): keyof typeof FORMS {
  if (/^(?:---|apiVersion:|kind:)/m.test(text) && !/^\s*\{/.test(text)) return "kwok";
  let problem = "it is empty";
  for (const found of jsonValues(text)) {
    if ("problem" in found) {
      problem = `line ${found.line}: ${found.problem}`;
      continue;
    }
    const { kind, type, time, object } = fieldsOf(found.value);
    if (isAuditEvent(found.value)) return "audit";
    if (typeof type === "string" && typeof kind === "string" && time !== undefined) return "raw";
    if (typeof type === "string" && object !== undefined) return "kubectl";
    if (typeof kind === "string") return "kubectl";
    const names = Object.keys(fieldsOf(found.value)).slice(0, 5).join(", ");
    problem = `line ${found.line}: an object with ${names === "" ? "no field" : names}`;
    break;
  }
  throw new UnknownRecording(
    `${problem}; ${Object.values(FORMS).join(", ")} is expected (ledgerproxy import --help)`,
  );
}
