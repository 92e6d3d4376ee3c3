// What an auditor brings to `verify`: a key, and the heads that a witness saw.

import { readTextUpTo } from "../ingest/bounded_file.ts";
import { type LedgerHead, readHeads } from "../ledger/head.ts";
import { isVerifier } from "../ledger/signed_note.ts";
import { CREDENTIAL_BYTES_MAX, WITNESS_BYTES_MAX, WITNESS_MILLISECONDS_MAX } from "../limits.ts";
import { UsageError } from "../node/usage_error.ts";

/** The key in `text`, or in the file that it names. Throws UsageError. */
export function keyArgument(text: string): string {
  if (isVerifier(text)) return text;
  const file = readTextUpTo(text, CREDENTIAL_BYTES_MAX).trim();
  if (isVerifier(file)) return file;
  throw new UsageError(
    `--key ${text}: neither a key, such as ledgerproxy/0123456789abcdef+01234567+AX3f..., nor a file with one`,
  );
}

/** The heads in the file or at the URL `where`. Throws UsageError. */
export async function headsAt(where: string): Promise<readonly LedgerHead[]> {
  const text = /^https?:\/\//.test(where) ? await fetched(where) : readTextUpTo(where, WITNESS_BYTES_MAX);
  const heads = readHeads(text);
  if (typeof heads === "string") throw new UsageError(`--witness ${where}: ${heads}`);
  return heads;
}

async function fetched(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(WITNESS_MILLISECONDS_MAX) });
  const text = await textUpTo(answer, WITNESS_BYTES_MAX);
  if (answer.ok && text !== undefined) return text;
  const why = answer.ok ? `more than ${WITNESS_BYTES_MAX} bytes` : `status ${answer.status}`;
  throw new UsageError(`--witness ${url}: ${why}`);
}

/** The text of `answer`; undefined beyond `limit` bytes. */
async function textUpTo({ body }: Response, limit: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}
