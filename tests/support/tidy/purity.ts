// What the pure middle may not use: clocks, randomness, input and output, and anything that waits.

import ts from "typescript";
import { type Finding, lineOf, nodes, parsed, type Sources } from "./sources.ts";

/** Globals that read or change the world outside. */
const GLOBALS = new Set([
  ...["Deno", "console", "fetch", "performance", "Temporal", "crypto", "globalThis"],
  ...["setTimeout", "setInterval", "queueMicrotask", "WebSocket", "Worker", "Date"],
]);
/** Members of impure or mixed globals: of Date, what only parses is pure. */
const PURE_MEMBERS = new Set(["Date.parse", "Date.UTC"]);
const IMPURE_MEMBERS = new Set(["Math.random"]);
/** Packages that log or measure; of Node's, all but the ones that only compute. */
const IMPURE_PACKAGE = /^@logtape|^prom-client|^node:(?!crypto$|buffer$|util$)/;

export function impurities(sources: Sources, pure: RegExp): Finding[] {
  return [...parsed(sources, "src/")].filter(([path]) => pure.test(path)).flatMap(([path, file]) =>
    [...nodes(file)].flatMap((node) => {
      const found = impurity(node);
      return found === undefined ? [] : [`${path}:${lineOf(file, node.getStart(file))}: ${found}`];
    })
  );
}

function impurity(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
  if (ts.isAwaitExpression(node) || ts.isForOfStatement(node) && node.awaitModifier !== undefined) {
    return "await";
  }
  if (ts.isPropertyAccessExpression(node) && IMPURE_MEMBERS.has(node.getText())) return node.getText();
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return IMPURE_PACKAGE.test(node.moduleSpecifier.text) ? node.moduleSpecifier.text : undefined;
  }
  return ts.isIdentifier(node) && GLOBALS.has(node.text) && !isMember(node) ? node.text : undefined;
}

/** Whether an identifier is the name of a property rather than a global, or begins a member that is pure. */
function isMember(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.name === node || PURE_MEMBERS.has(parent.getText());
  }
  return (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent) || ts.isBindingElement(parent)) &&
    parent.name === node;
}
