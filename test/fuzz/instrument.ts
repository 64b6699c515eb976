/**
 * TypeScript in, JavaScript out, with a counter in every branch: function bodies, both arms of `if` and `?:`, what stands behind
 * `&&`, `||`, `??`, loop bodies, cases, `catch`. As arms that are empty get a counter too, a set of counters is a set of edges.
 * Loops and functions also spend a step, so that what would never end throws; comparisons are noted when asked (`coverage.ts`).
 */
import ts from 'typescript';

const { factory } = ts;
/** Names that no source of ours uses. */
const names = { map: '__map', steps: '__steps', runtime: '__fuzz' } as const;

/** Instruments one module. `fileName` is for stack traces, which an inline source map leads back to the source. */
export function instrument(source: string, fileName: string): string {
  let branches = 0;
  const branch = (): number => branches++;
  const transformer: ts.TransformerFactory<ts.SourceFile> = (context) => (file) =>
    ts.visitEachChild(file, visitor(context, branch), context);
  const { outputText } = ts.transpileModule(source, {
    fileName,
    transformers: { before: [transformer] },
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
      inlineSources: true,
    },
  });
  // On one line before the first, so that no line of the source map moves.
  return `${prologue(branches)}${outputText}`;
}

function prologue(branches: number): string {
  return (
    `const ${names.runtime} = globalThis[Symbol.for('pqtun.fuzz.coverage')]; ` +
    `const ${names.steps} = ${names.runtime}.steps; ` +
    `const __first = ${names.runtime}.claim(${branches}); ` +
    `const ${names.map} = ${names.runtime}.map.subarray(__first, __first + ${branches}); `
  );
}

const comparisons = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, 'eq'],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, 'ne'],
  [ts.SyntaxKind.LessThanToken, 'lt'],
  [ts.SyntaxKind.LessThanEqualsToken, 'le'],
  [ts.SyntaxKind.GreaterThanToken, 'gt'],
  [ts.SyntaxKind.GreaterThanEqualsToken, 'ge'],
]);

const shortCircuits = new Set<ts.SyntaxKind>([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

function visitor(context: ts.TransformationContext, branch: () => number): ts.Visitor {
  const visit: ts.Visitor = (node) => {
    if (ts.isTypeNode(node)) return node;
    const inner = ts.visitEachChild(node, visit, context);
    if (ts.isFunctionLike(inner)) return withCountedBody(inner, branch);
    if (ts.isIfStatement(inner)) {
      const otherwise = inner.elseStatement ?? factory.createBlock([]);
      return factory.updateIfStatement(
        inner,
        inner.expression,
        counted(inner.thenStatement, branch()),
        ts.isIfStatement(otherwise) ? otherwise : counted(otherwise, branch()),
      );
    }
    if (ts.isConditionalExpression(inner)) {
      return factory.updateConditionalExpression(
        inner,
        inner.condition,
        inner.questionToken,
        countedExpression(inner.whenTrue, branch()),
        inner.colonToken,
        countedExpression(inner.whenFalse, branch()),
      );
    }
    if (ts.isBinaryExpression(inner)) return binary(inner, branch);
    if (ts.isForStatement(inner)) {
      const { initializer, condition, incrementor } = inner;
      return factory.updateForStatement(inner, initializer, condition, incrementor, loop(inner, branch));
    }
    if (ts.isForOfStatement(inner)) {
      const { awaitModifier, initializer, expression } = inner;
      return factory.updateForOfStatement(inner, awaitModifier, initializer, expression, loop(inner, branch));
    }
    if (ts.isForInStatement(inner))
      return factory.updateForInStatement(inner, inner.initializer, inner.expression, loop(inner, branch));
    if (ts.isWhileStatement(inner))
      return factory.updateWhileStatement(inner, inner.expression, loop(inner, branch));
    if (ts.isDoStatement(inner))
      return factory.updateDoStatement(inner, loop(inner, branch), inner.expression);
    if (ts.isSwitchStatement(inner))
      return factory.updateSwitchStatement(inner, noted('of', [inner.expression]), inner.caseBlock);
    if (ts.isCaseClause(inner)) {
      const statements = [count(branch()), ...inner.statements];
      return factory.updateCaseClause(inner, noted('is', [inner.expression]), statements);
    }
    if (ts.isDefaultClause(inner))
      return factory.updateDefaultClause(inner, [count(branch()), ...inner.statements]);
    if (ts.isCatchClause(inner))
      return factory.updateCatchClause(inner, inner.variableDeclaration, counted(inner.block, branch()));
    return inner;
  };
  return visit;
}

function binary(node: ts.BinaryExpression, branch: () => number): ts.Expression {
  const { left, operatorToken, right } = node;
  if (shortCircuits.has(operatorToken.kind))
    return factory.updateBinaryExpression(node, left, operatorToken, countedExpression(right, branch()));
  const name = comparisons.get(operatorToken.kind);
  return name === undefined || tellsNothing(left) || tellsNothing(right) ? node : noted(name, [left, right]);
}

/** Comparisons with these can never show what an input lacks. */
function tellsNothing(node: ts.Expression): boolean {
  return (
    ts.isTypeOfExpression(node) ||
    node.kind === ts.SyntaxKind.NullKeyword ||
    node.kind === ts.SyntaxKind.TrueKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword ||
    (ts.isIdentifier(node) && node.text === 'undefined')
  );
}

function withCountedBody(node: ts.SignatureDeclaration, branch: () => number): ts.Node {
  if (ts.isArrowFunction(node)) {
    const { body } = node;
    const counting = ts.isBlock(body) ? countedBody(body, branch()) : steppedExpression(body, branch());
    const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken } = node;
    return factory.updateArrowFunction(
      node,
      modifiers,
      typeParameters,
      parameters,
      type,
      equalsGreaterThanToken,
      counting,
    );
  }
  if (!('body' in node) || node.body === undefined || !ts.isBlock(node.body as ts.Node)) return node; // a signature alone
  const body = countedBody(node.body as ts.Block, branch()); // just checked
  if (ts.isFunctionDeclaration(node)) {
    const { modifiers, asteriskToken, name, typeParameters, parameters, type } = node;
    return factory.updateFunctionDeclaration(
      node,
      modifiers,
      asteriskToken,
      name,
      typeParameters,
      parameters,
      type,
      body,
    );
  }
  if (ts.isFunctionExpression(node)) {
    const { modifiers, asteriskToken, name, typeParameters, parameters, type } = node;
    return factory.updateFunctionExpression(
      node,
      modifiers,
      asteriskToken,
      name,
      typeParameters,
      parameters,
      type,
      body,
    );
  }
  if (ts.isMethodDeclaration(node)) {
    const { modifiers, asteriskToken, name, questionToken, typeParameters, parameters, type } = node;
    return factory.updateMethodDeclaration(
      node,
      modifiers,
      asteriskToken,
      name,
      questionToken,
      typeParameters,
      parameters,
      type,
      body,
    );
  }
  if (ts.isConstructorDeclaration(node))
    return factory.updateConstructorDeclaration(node, node.modifiers, node.parameters, body);
  if (ts.isGetAccessorDeclaration(node))
    return factory.updateGetAccessorDeclaration(
      node,
      node.modifiers,
      node.name,
      node.parameters,
      node.type,
      body,
    );
  if (ts.isSetAccessorDeclaration(node))
    return factory.updateSetAccessorDeclaration(node, node.modifiers, node.name, node.parameters, body);
  return node;
}

function loop(node: ts.IterationStatement, branch: () => number): ts.Block {
  return stepped(node.statement, branch());
}

function countedBody(body: ts.Block, id: number): ts.Block {
  return factory.updateBlock(body, [count(id), step(), ...body.statements]);
}

function stepped(statement: ts.Statement, id: number): ts.Block {
  return factory.createBlock([count(id), step(), ...statementsOf(statement)], true);
}

function counted(block: ts.Block, id: number): ts.Block;
function counted(statement: ts.Statement, id: number): ts.Statement;
function counted(statement: ts.Statement, id: number): ts.Block {
  return factory.createBlock([count(id), ...statementsOf(statement)], true);
}

function statementsOf(statement: ts.Statement): readonly ts.Statement[] {
  return ts.isBlock(statement) ? statement.statements : [statement];
}

/** `(__map[id]++, expression)` */
function countedExpression(expression: ts.Expression, id: number): ts.Expression {
  return factory.createParenthesizedExpression(factory.createComma(increment(id), expression));
}

/** `(__map[id]++, step, expression)` */
function steppedExpression(expression: ts.Expression, id: number): ts.Expression {
  const counting = factory.createComma(increment(id), spend());
  return factory.createParenthesizedExpression(factory.createComma(counting, expression));
}

function count(id: number): ts.Statement {
  return factory.createExpressionStatement(increment(id));
}

function increment(id: number): ts.Expression {
  return factory.createPostfixIncrement(
    factory.createElementAccessExpression(factory.createIdentifier(names.map), id),
  );
}

function step(): ts.Statement {
  return factory.createExpressionStatement(spend());
}

/** `--__steps[0] < 0 && __fuzz.hang()` */
function spend(): ts.Expression {
  const left = factory.createPrefixDecrement(
    factory.createElementAccessExpression(factory.createIdentifier(names.steps), 0),
  );
  return factory.createParenthesizedExpression(
    factory.createLogicalAnd(
      factory.createLessThan(left, factory.createNumericLiteral(0)),
      noted('hang', []),
    ),
  );
}

function noted(name: string, given: readonly ts.Expression[]): ts.Expression {
  return factory.createCallExpression(
    factory.createPropertyAccessExpression(factory.createIdentifier(names.runtime), name),
    undefined,
    given,
  );
}
