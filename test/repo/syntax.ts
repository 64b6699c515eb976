/** What the repository tests ask of a TypeScript source, answered from its syntax tree. */
import ts from 'typescript';
import { text } from './tree.ts';

export interface Import {
  readonly specifier: string;
  /** Whether nothing but types comes over it. */
  readonly typeOnly: boolean;
}

const parsed = new Map<string, ts.SourceFile>();

function parse(path: string): ts.SourceFile {
  const known = parsed.get(path);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(path, text(path), ts.ScriptTarget.Latest, true);
  parsed.set(path, source);
  return source;
}

/** Imports and re-exports of a source, dynamic ones included. */
export function importsOf(path: string): Import[] {
  const found: Import[] = [];
  visit(parse(path), (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node.importClause) });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push({ specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly });
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      found.push({ specifier: node.argument.literal.text, typeOnly: true });
    } else if (
      ts.isCallExpression(node) &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword || isName(node.expression, 'require'))
    ) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument))
        found.push({ specifier: argument.text, typeOnly: false });
    }
  });
  return found;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.every((name) => name.isTypeOnly)
  );
}

/** Names a source uses but does not declare in reach, with their line: globals, then, for a module binds all else. */
export function globalsOf(path: string): { readonly name: string; readonly line: number }[] {
  const source = parse(path);
  const found: { name: string; line: number }[] = [];
  visit(source, (node) => {
    if (!ts.isIdentifier(node) || namesProperty(node) || isDeclaredInReach(node)) return;
    found.push({
      name: node.text,
      line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
    });
  });
  return found;
}

function namesProperty(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent) && parent.propertyName === node) return true;
  return 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent);
}

/** Whether an enclosing scope of this file binds the name: a parameter, a variable, a function, a class or an import. */
function isDeclaredInReach(node: ts.Identifier): boolean {
  for (let scope: ts.Node = node.parent; scope !== undefined; scope = scope.parent) {
    if (namesBoundBy(scope).has(node.text)) return true;
  }
  return false;
}

const bound = new WeakMap<ts.Node, ReadonlySet<string>>();

/** Names a node binds for what stands inside it; blocks within it bind their own. */
function namesBoundBy(scope: ts.Node): ReadonlySet<string> {
  const known = bound.get(scope);
  if (known !== undefined) return known;
  const names = new Set<string>();
  const collect = (node: ts.Node): void => {
    if ((ts.isVariableDeclaration(node) || ts.isParameter(node)) && !ts.isIdentifier(node.name))
      collect(node.name);
    if (isBinding(node) && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
    if (ts.isBlock(node) || ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    ts.forEachChild(node, collect);
  };
  if (isScope(scope)) ts.forEachChild(scope, collect);
  bound.set(scope, names);
  return names;
}

function isScope(node: ts.Node): boolean {
  return (
    ts.isSourceFile(node) ||
    ts.isBlock(node) ||
    ts.isFunctionLike(node) ||
    ts.isForStatement(node) ||
    ts.isForInStatement(node) ||
    ts.isForOfStatement(node) ||
    ts.isCaseBlock(node) ||
    ts.isCatchClause(node)
  );
}

function isBinding(node: ts.Node): node is ts.Node & { readonly name?: ts.Node } {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isImportSpecifier(node) ||
    ts.isNamespaceImport(node) ||
    ts.isImportClause(node)
  );
}

/** `object.property` expressions written out in a source. */
export function propertyAccessesOf(path: string): string[] {
  const found: string[] = [];
  visit(parse(path), (node) => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression))
      found.push(`${node.expression.text}.${node.name.text}`);
  });
  return found;
}

/** The source text of every call of one of these functions, as `name(arguments)` on one line. */
export function callsOf(path: string, names: ReadonlySet<string>): string[] {
  const source = parse(path);
  const found: string[] = [];
  visit(source, (node) => {
    if (ts.isCallExpression(node) && names.has(node.expression.getText(source)))
      found.push(node.getText(source).replace(/\s+/g, ' '));
  });
  return found;
}

/** All comments of a source, joined. */
export function commentsOf(path: string): string {
  const source = parse(path);
  const found: string[] = [];
  const collect = (node: ts.Node): void => {
    const children = node.getChildren(source).filter((child) => child.kind !== ts.SyntaxKind.JSDoc);
    // What stands between the end of one token and the start of the next is white space and comments.
    if (children.length === 0) found.push(source.text.slice(node.pos, node.getStart(source)));
    children.forEach(collect);
  };
  collect(source);
  return found.filter((piece) => piece.trim() !== '').join('\n');
}

/** Titles of the tests in a file; `${…}`, `%s` and `$name` in a title become `*`. */
export function testTitlesOf(path: string): string[] {
  const source = parse(path);
  const found: string[] = [];
  visit(source, (node) => {
    if (!ts.isCallExpression(node) || !/^(it|test)\b/.test(node.expression.getText(source))) return;
    const [title] = node.arguments;
    if (title === undefined) return;
    if (ts.isStringLiteralLike(title)) found.push(title.text.replace(/%[sdifjop#]|\$[a-zA-Z.]+/g, '*'));
    else if (ts.isTemplateExpression(title))
      found.push(
        title
          .getText(source)
          .slice(1, -1)
          .replace(/\$\{[^}]*\}/g, '*'),
      );
  });
  return found;
}

/** String literals that `property` is given in a source, as a value or as a type: `{ id: 'x' }`, `{ readonly id: 'x' }`. */
export function literalsOf(path: string, property: string): string[] {
  const found = new Set<string>();
  visit(parse(path), (node) => {
    if (
      ts.isPropertySignature(node) &&
      isName(node.name, property) &&
      node.type !== undefined &&
      ts.isLiteralTypeNode(node.type)
    ) {
      if (ts.isStringLiteral(node.type.literal)) found.add(node.type.literal.text);
    } else if (
      ts.isPropertyAssignment(node) &&
      isName(node.name, property) &&
      ts.isStringLiteral(node.initializer)
    ) {
      found.add(node.initializer.text);
    }
  });
  return [...found];
}

function isName(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

export interface Member {
  readonly name: string;
  /** Source text of the value. */
  readonly value: string;
  /** String literals in the value. */
  readonly strings: readonly string[];
}

/** Members of the object literal a source gives to the constant `name`, in order. */
export function membersOf(path: string, name: string): Member[] {
  const source = parse(path);
  const found: Member[] = [];
  visit(source, (node) => {
    if (!ts.isVariableDeclaration(node) || !isName(node.name, name) || node.initializer === undefined) return;
    let value: ts.Expression = node.initializer;
    while (ts.isAsExpression(value) || ts.isSatisfiesExpression(value)) value = value.expression;
    if (!ts.isObjectLiteralExpression(value)) return;
    for (const member of value.properties) {
      if (!ts.isPropertyAssignment(member)) continue;
      const key = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText(source);
      const strings: string[] = [];
      visit(member.initializer, (inner) => {
        if (ts.isStringLiteral(inner)) strings.push(inner.text);
      });
      found.push({ name: key, value: member.initializer.getText(source), strings });
    }
  });
  return found;
}

/** Every string literal of a source. */
export function stringsOf(path: string): string[] {
  const found: string[] = [];
  visit(parse(path), (node) => {
    if (ts.isStringLiteral(node)) found.push(node.text);
  });
  return found;
}
