/**
 * A Stryker plug-in that leaves out mutants which change only what a person reads.
 *
 * The message of an error and the reason of an `invariant` are words for a person; callers match on the code beside them, and
 * a test of the wording would only say it twice. The code itself, and the condition, are mutated like all else.
 */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Which argument of a call is such a text. */
const texts = { invariant: 1, PqtunError: 1, requireLength: 2 };

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'texts', {
    shouldIgnore(path) {
      if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined;
      const call = path.parent;
      if (call.type !== 'CallExpression' && call.type !== 'NewExpression') return undefined;
      const isText = path.listKey === 'arguments' && texts[call.callee.name] === path.key;
      return isText ? 'words for a person, matched on by nobody' : undefined;
    },
  }),
];
