/** completion: a bash completion made from the command table. */
import type { CommandSpec } from './command.ts';

export function completionCommand(table: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: 'completion',
    args: '<shell>',
    summary: 'print completion for a shell (bash)',
    examples: ['pqtun completion bash > /etc/bash_completion.d/pqtun'],
    async run(io, [shell]) {
      if (shell !== 'bash') {
        io.error('pqtun completion: expected bash\n');
        return 2;
      }
      await io.out(bashCompletion(table()));
      return undefined;
    },
  };
}

/** Commands, their options, interfaces that run or have a configuration, and files elsewhere. */
export function bashCompletion(table: readonly CommandSpec[]): string {
  const cases = table.map((spec) => `    ${spec.name}) words="${wordsOf(spec).join(' ')}" ;;`);
  return `# bash completion for pqtun; made by: pqtun completion bash
_pqtun() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" names
  names="$(cd /etc/pqtun 2>/dev/null && printf '%s\\n' *.conf | sed -n 's/\\.conf$//p'; cd /run/pqtun 2>/dev/null && printf '%s\\n' *.sock | sed -n 's/\\.sock$//p')"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${table.map(({ name }) => name).join(' ')} help --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words $names" -- "$current"))
  [ "\${#COMPREPLY[@]}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _pqtun pqtun
`;
}

function wordsOf(spec: CommandSpec): string[] {
  const options = (spec.options ?? []).flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? []);
  const words =
    spec.name === 'set'
      ? [
          'peer',
          'remove',
          'update-only',
          'reset-timestamp',
          'kem-public-key',
          'mode',
          'preshared-key',
          'deployment-key',
          'endpoint',
          'persistent-keepalive',
          'allowed-ips',
          'rekey-profile',
        ]
      : [];
  const choices: Readonly<Record<string, string>> = { completion: 'bash', bench: 'compare' };
  const choice = choices[spec.name];
  return [...words, ...(choice === undefined ? [] : [choice]), ...options, '--help', '--version'];
}
