/** A planted fault: a record that may say that it is no bytes long. */
export function records(input: Uint8Array): number {
  let count = 0;
  for (let at = 4; input[0] === 0x7e && at < input.length; count++) at += input[at] ?? 1;
  return count;
}

/** Another: a regular expression that backtracks, where no counter of ours can look. */
export function backtracks(input: Uint8Array): boolean {
  return /^(([a-c])+.)+[A-Z]$/.test(String.fromCharCode(...input));
}
