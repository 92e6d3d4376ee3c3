// Rules about imports: direction between rooms, circles, packages, and files that no program reaches.

import ts from "typescript";
import { type Finding, nodes, parsed, roomOf, type Sources } from "./sources.ts";

interface Import {
  readonly specifier: string;
  /** Whether only types are imported, so that nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** Imports, exports from another file, and `import()`. */
function imports(file: ts.SourceFile): Import[] {
  return [...nodes(file)].flatMap((node): Import[] => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const specifier = node.moduleSpecifier;
      return specifier !== undefined && ts.isStringLiteral(specifier)
        ? [{ specifier: specifier.text, typeOnly: isTypeOnly(node) }]
        : [];
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      return specifier !== undefined && ts.isStringLiteralLike(specifier)
        ? [{ specifier: specifier.text, typeOnly: false }]
        : [];
    }
    return [];
  });
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    const { isTypeOnly, exportClause } = node;
    return isTypeOnly ||
      exportClause !== undefined && ts.isNamedExports(exportClause) &&
        exportClause.elements.every((element) => element.isTypeOnly);
  }
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  return clause.name === undefined && bindings !== undefined && ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

/** The path of a file that a relative import names. */
function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** The files that each file of src and mod.ts imports. */
function graph(sources: Sources): Map<string, { readonly path: string; readonly typeOnly: boolean }[]> {
  return new Map(
    [...parsed(sources, "src/", "mod.ts")].map(([path, file]) => [
      path,
      imports(file).filter(({ specifier }) => specifier.startsWith(".")).map(({ specifier, typeOnly }) => ({
        path: resolve(path, specifier),
        typeOnly,
      })),
    ]),
  );
}

/** Imports that neither `mayImport` allows for the room, nor `shared` for every room. */
export function importDirection(
  sources: Sources,
  mayImport: Readonly<Record<string, readonly string[]>>,
  shared: readonly string[],
): Finding[] {
  return [...graph(sources)].flatMap(([path, targets]) => {
    const room = roomOf(path);
    if (room === undefined) return [];
    return targets.flatMap(({ path: target, typeOnly }) => {
      const other = roomOf(target);
      const allowed = mayImport[room] ?? [];
      const listed = other !== undefined &&
        (other === room || allowed.includes(other) || (typeOnly && allowed.includes(`type:${other}`)));
      return listed || shared.includes(target)
        ? []
        : [`${path}: ${room} imports ${target}${typeOnly ? "" : ", and not only types"}`];
    });
  });
}

/** Sets of files that import each other, directly or through others; imports of types count too. */
export function circles(sources: Sources): Finding[] {
  const edges = graph(sources);
  const reach = (from: string): Set<string> => {
    const reached = new Set<string>();
    const open = [from];
    for (let path; (path = open.pop()) !== undefined;) {
      for (const { path: target } of edges.get(path) ?? []) {
        if (reached.has(target)) continue;
        reached.add(target);
        open.push(target);
      }
    }
    return reached;
  };
  const reached = new Map([...edges.keys()].map((path) => [path, reach(path)]));
  const found = [...edges.keys()].flatMap((path) => {
    const circle = [...reached.get(path)!].filter((other) => reached.get(other)?.has(path)).sort();
    return circle[0] === path ? [`${circle.join(" and ")}: import each other`] : [];
  });
  return found;
}

export function onePlaceImports(sources: Sources): Finding[] {
  const places = new Map<string, Set<string>>();
  for (const [path, file] of parsed(sources, "src/", "mod.ts")) {
    for (const { specifier } of imports(file)) {
      if (/^(\.|node:)/.test(specifier)) continue;
      places.set(specifier, (places.get(specifier) ?? new Set()).add(path));
    }
  }
  return [...places].filter(([, paths]) => paths.size > 1).map(([name, paths]) =>
    `${name}: ${[...paths].join(", ")}`
  );
}

/** Files of src that none of `entries` reaches. */
export function deadFiles(sources: Sources, entries: readonly string[]): Finding[] {
  const edges = graph(sources);
  const reached = new Set<string>();
  const open = entries.filter((path) => edges.has(path));
  for (let path; (path = open.pop()) !== undefined;) {
    if (reached.has(path)) continue;
    reached.add(path);
    open.push(...(edges.get(path) ?? []).map(({ path }) => path));
  }
  return [...edges.keys()].filter((path) => path.startsWith("src/") && !reached.has(path));
}
