// How long files and functions are, and how much of a file is comment.

import ts from "typescript";
import { type Finding, lineOf, nodes, parsed, type Sources } from "./sources.ts";

const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;

/** A function that has a body, with its lines from the first of its signature to the closing brace. */
export interface Measured {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly lines: number;
}

export function longFiles(sources: Sources): Finding[] {
  return [...sources].flatMap(([path, text]) => {
    if (!path.endsWith(".ts")) return [];
    const lines = text.split("\n").length - 1;
    return lines > FILE_LINES_MAX ? [`${path}: ${lines} lines`] : [];
  });
}

export function longFunctions(sources: Sources): Finding[] {
  return functions(sources, "src/", "tests/", "mod.ts").filter(({ lines }) => lines > FUNCTION_LINES_MAX)
    .map(({ path, line, name, lines }) => `${path}:${line}: ${name} has ${lines} lines`);
}

/** Every function, method, accessor, constructor and arrow function of the files in `folders`. */
export function functions(sources: Sources, ...folders: readonly string[]): Measured[] {
  return [...parsed(sources, ...folders)].flatMap(([path, file]) =>
    [...nodes(file)].filter(hasBody).map((node) => {
      const start = namedBy(node).getStart(file);
      const line = lineOf(file, start);
      return { path, line, name: nameOf(node), lines: lineOf(file, node.end) - line + 1 };
    })
  );
}

function hasBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

/** The declaration that gives an arrow function its name, or the function itself. */
function namedBy(node: ts.FunctionLikeDeclaration): ts.Node {
  const { parent } = node;
  const names = ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent) ||
    ts.isPropertyAssignment(parent);
  return names ? parent : node;
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  const named = namedBy(node);
  return (named as ts.NamedDeclaration).name?.getText() ?? "a function without a name";
}

export function opensWithComment(sources: Sources): Finding[] {
  return [...sources].flatMap(([path, text]) =>
    !path.endsWith(".ts") || /^(\/\/|\/\*\*)/.test(text) ? [] : [`${path}: no comment`]
  );
}

/** Lines of src that hold a comment and lines that hold anything: 15 to 25 in a hundred read well. */
export function commentShare(sources: Sources): { readonly comments: number; readonly lines: number } {
  let [comments, lines] = [0, 0];
  for (const [, file] of parsed(sources, "src/")) {
    lines += file.text.split("\n").filter((line) => line.trim() !== "").length;
    for (const [start, end] of commentRanges(file)) {
      comments += lineOf(file, end) - lineOf(file, start) + 1;
    }
  }
  return { comments, lines };
}

/** Where the comments of a file are: what lies between tokens and is not blank. */
function commentRanges(file: ts.SourceFile): (readonly [start: number, end: number])[] {
  const starts = new Map<number, number>();
  for (const node of nodes(file)) {
    const before = ts.getLeadingCommentRanges(file.text, node.getFullStart()) ?? [];
    const behind = ts.getTrailingCommentRanges(file.text, node.end) ?? [];
    for (const { pos, end } of [...before, ...behind]) starts.set(pos, end);
  }
  return [...starts];
}
