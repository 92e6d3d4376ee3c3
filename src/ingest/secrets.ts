// Removes our own credentials from texts that a server, or a proxy on the way, may have quoted. A message quotes only the beginning
// of a text, so a credential may be cut: what is left of it before a mark of a cut is removed as well.

import { printable } from "../printable.ts";
import { basicAuthorization, fromBase64 } from "./credential_files.ts";
import type { Login } from "./server_url.ts";

/** What stands in place of a credential. */
const HIDDEN = "(our credential)";
/** A shorter text is part of many other words, and would not be a secret. */
const SECRET_LENGTH = 4;
/** So many characters of the beginning of a credential are removed wherever they are: a server may cut what it quotes. */
const BEGINNING_LENGTH = 12;
/** Where a message was cut (printable.ts, kube/quoted.ts). */
const CUT = /\.\.\.|" and \d+ characters more/g;

/** The secrets in an Authorization header: what follows its scheme, and the password and its name in that. */
export function secretsOfHeader(authorization: string): string[] {
  const [, scheme = "", value = ""] = /^(\S+) +(.*)$/s.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== "basic") return [value];
  const login = fromBase64(value) ?? "";
  return [value, value.replace(/=+$/, ""), login, login.slice(login.indexOf(":") + 1)];
}

/** The secrets of a login. */
export function secretsOfLogin({ username, password }: Login): string[] {
  return secretsOfHeader(basicAuthorization(username, password));
}

/** Each form in which texts may contain one of `secrets`: as it is, escaped as JSON and HTML do, or as a part of a URL. Long ones come first. */
export function formsOf(secrets: readonly string[]): string[] {
  const forms = new Set(secrets.filter(({ length }) => length >= SECRET_LENGTH).flatMap(formsOfOne));
  return [...forms].sort((a, b) => b.length - a.length);
}

function formsOfOne(secret: string): string[] {
  const percent = encodeURIComponent(secret.toWellFormed());
  const lower = percent.replace(/%../g, (code) => code.toLowerCase());
  const plain = [
    secret,
    secret.replace(/[<>&'"]/g, (sign) => HTML[sign]!),
    ...[percent, lower].flatMap((text) => [text, text.replaceAll("%20", "+")]),
  ];
  // A server's answer may be JSON, and a message quotes it as JSON.
  const once = plain.flatMap(asJson);
  return [...plain, ...once, ...once.flatMap(asJson)].flatMap((text) => [text, onOneLine(text)]);
}

/** `text` as it is in a string of JSON; Go's encoding/json escapes three more signs. */
function asJson(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  return [json, json.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)];
}

/** `text` as a message has it that quotes it on one line (api_failure.ts). */
function onOneLine(text: string): string {
  return printable(text.replace(/\s+/g, " "));
}

const HTML: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&#39;",
  '"': "&#34;",
};

/** `text` without the `forms` of secrets, and without the beginnings of them that cuts have left. */
export function withoutSecrets(text: string, forms: readonly string[]): string {
  const whole = forms.reduce((plain, form) => plain.replaceAll(form, HIDDEN), text);
  return withoutCuts(withoutBeginnings(whole, forms), forms);
}

/** Removes the beginnings of `forms`, each as far as it goes, wherever they have {@link BEGINNING_LENGTH} characters. */
function withoutBeginnings(text: string, forms: readonly string[]): string {
  const long = forms.filter(({ length }) => length > BEGINNING_LENGTH);
  const firsts = [...new Set(long.map((form) => form.slice(0, BEGINNING_LENGTH)))];
  let plain = "";
  let from = 0;
  for (;;) {
    const places = firsts.map((first) => text.indexOf(first, from)).filter((at) => at >= 0);
    if (places.length === 0) return plain + text.slice(from);
    const at = Math.min(...places);
    plain += text.slice(from, at) + HIDDEN;
    from = at + Math.max(...long.map((form) => equalLength(text, at, form)));
  }
}

/** How many characters of `form` are in `text` at `at`. */
function equalLength(text: string, at: number, form: string): number {
  let length = 0;
  while (length < form.length && text[at + length] === form[length]) length++;
  return length;
}

/** Removes the beginnings of `forms`, however short, where the text was cut. */
function withoutCuts(text: string, forms: readonly string[]): string {
  let plain = "";
  let from = 0;
  for (const { 0: mark, index } of text.matchAll(CUT)) {
    const before = text.slice(from, index);
    const length = Math.max(0, ...forms.map((form) => begunLength(before, form)));
    // A few characters may be the credential's by chance: they are left out without a word.
    const instead = length < SECRET_LENGTH ? "" : HIDDEN;
    plain += before.slice(0, before.length - length) + instead + mark;
    from = index + mark.length;
  }
  return plain + text.slice(from);
}

/** With how many characters of the beginning of `form` the text `before` ends. */
function begunLength(before: string, form: string): number {
  let length = Math.min(form.length - 1, before.length);
  while (!before.endsWith(form.slice(0, length))) length--;
  return length;
}
