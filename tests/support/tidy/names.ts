// Names of files and of what they export.

import ts from "typescript";
import { type Finding, nodes, parsed, type Sources } from "./sources.ts";

const NAMELESS = /\/(utils?|helpers?|common|misc|types|index)\.ts$/;
const VAGUE = /(Manager|Handler|Processor|Helper|Util|Impl|Base|Info)$/;

export function fileNames(sources: Sources): Finding[] {
  return [...sources.keys()].filter((path) => NAMELESS.test(path));
}

export function vagueExports(sources: Sources): Finding[] {
  return [...exportedNames(sources)].flatMap(([name, paths]) =>
    VAGUE.test(name) ? paths.map((path) => `${path}: ${name}`) : []
  );
}

/** Names that more than one file of src declares and exports. A reader could not know which one is meant. */
export function alikeExports(sources: Sources): Finding[] {
  return [...exportedNames(sources)].filter(([, paths]) => paths.length > 1).map(([name, paths]) =>
    `${name}: ${paths.join(", ")}`
  );
}

/**
 * Values that a file of src exports and no other file names: a reader would look for their users. Types are left out, as the
 * documentation of an exported function needs those of its parameters and results.
 */
export function unusedExports(sources: Sources): Finding[] {
  const naming = new Map<string, Set<string>>();
  for (const [path, file] of parsed(sources, "src/", "tests/", "examples/", "mod.ts")) {
    for (const node of nodes(file)) {
      if (ts.isIdentifier(node)) naming.set(node.text, (naming.get(node.text) ?? new Set()).add(path));
    }
  }
  return [...parsed(sources, "src/")].flatMap(([path, file]) =>
    file.statements.filter((one) => !ts.isInterfaceDeclaration(one) && !ts.isTypeAliasDeclaration(one))
      .flatMap(declaredExports)
      .filter((name) => [...naming.get(name)!].every((other) => other === path))
      .map((name) => `${path}: ${name} is exported, and only this file uses it`)
  );
}

export function exportStyle(sources: Sources): Finding[] {
  return [...parsed(sources, "src/", "tests/", "mod.ts")].flatMap(([path, file]) =>
    file.statements.flatMap((statement) => {
      const everything = ts.isExportDeclaration(statement) &&
        (statement.exportClause === undefined || ts.isNamespaceExport(statement.exportClause));
      const byDefault = ts.isExportAssignment(statement) ||
        modifiers(statement).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
      return everything || byDefault ? [`${path}: ${statement.getText().split("\n")[0]}`] : [];
    })
  );
}

/** The files that declare each exported name. Re-exports do not count. */
export function exportedNames(sources: Sources): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [path, file] of parsed(sources, "src/", "mod.ts")) {
    // A type and a value may share a name on purpose: a brand and its constructor.
    for (const name of new Set(file.statements.flatMap(declaredExports))) {
      names.set(name, [...names.get(name) ?? [], path]);
    }
  }
  return names;
}

function declaredExports(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement)) {
    const { moduleSpecifier, exportClause } = statement;
    if (moduleSpecifier !== undefined || exportClause === undefined || !ts.isNamedExports(exportClause)) {
      return [];
    }
    return exportClause.elements.map(({ name }) => name.text);
  }
  if (!modifiers(statement).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => bound(name));
  }
  const { name } = statement as ts.Statement & { readonly name?: ts.Node };
  return name !== undefined && ts.isIdentifier(name) ? [name.text] : [];
}

/** The names that a declaration binds, also by destructuring. */
function bound(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => ts.isBindingElement(element) ? bound(element.name) : []);
}

function modifiers(statement: ts.Statement): readonly ts.ModifierLike[] {
  return ts.canHaveModifiers(statement) ? ts.getModifiers(statement) ?? [] : [];
}
