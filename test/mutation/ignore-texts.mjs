/**
 * A Stryker plug-in that leaves out mutants which change only what a person, or the compiler, reads.
 *
 * The message of an error and the reason of an `invariant` are words for a person; callers match on the code beside them, and
 * a test of the wording would only say it twice. The code itself, and the condition, are mutated like all else. And
 * `default: x satisfies never` does nothing where it stands: it makes the compiler prove that it is never reached.
 */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Which argument of a call is such a text. */
const texts = { invariant: 1, PqtunError: 1, requireLength: 2, checkKeyLength: 1 };

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'texts', {
    shouldIgnore(path) {
      if (path.isSwitchCase() && isExhaustive(path.node)) return 'never reached, as the compiler has shown';
      if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined;
      const call = path.parent;
      if (call.type !== 'CallExpression' && call.type !== 'NewExpression') return undefined;
      const isText = path.listKey === 'arguments' && texts[call.callee.name] === path.key;
      return isText ? 'words for a person, matched on by nobody' : undefined;
    },
  }),
];

function isExhaustive({ test, consequent }) {
  const [only] = consequent;
  return (
    test === null && only?.type === 'ExpressionStatement' && only.expression.type === 'TSSatisfiesExpression'
  );
}
