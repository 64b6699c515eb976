/**
 * Keys on the control socket without JavaScript strings.
 *
 * `JSON.parse` would make a string of every value. So, before it sees a line, the values of `presharedKey` and `deploymentKey`
 * are decoded straight from the bytes and overwritten in place by a number: `"AbC…="` becomes `"#0      "`. The schema accepts
 * only the number, so a key that evaded the scan (its name written with escapes) is refused. The sender does the reverse.
 */
import { Secret, wipe } from '@pqtun/core';
import { base64Length, decodeBase64, encodeBase64 } from '../secret-text.ts';

export const secretFieldNames = ['presharedKey', 'deploymentKey'] as const;
const secretSize = 32;
const valueLength = base64Length(secretSize);

/** What stands for secret `index` in a line: as long as its base64, so that either replaces the other in place. */
export function placeholder(index: number): string {
  return `#${index}`.padEnd(valueLength);
}

/** The number in a placeholder, or `undefined`. */
export function placeholderIndex(text: string): number | undefined {
  return /^#(0|[1-9][0-9]{0,4}) *$/.test(text) ? Number(text.slice(1)) : undefined;
}

/** Takes the secrets out of `line` (changed in place); placeholder n stands for element n. The caller destroys them. */
export function cutSecrets(line: Uint8Array): Secret[] {
  const secrets: Secret[] = [];
  for (const value of secretValues(line)) {
    const bytes = decodeBase64(value, secretSize);
    value.fill(0x20); // an ill-formed key is wiped as well; spaces are no placeholder
    if (bytes === undefined) continue;
    value.set(Buffer.from(placeholder(secrets.length), 'latin1'));
    secrets.push(new Secret(bytes));
  }
  return secrets;
}

/** Puts the base64 of `secrets` where their placeholders stand in `line` (changed in place; it is secret from then on). */
export function pasteSecrets(line: Uint8Array, secrets: readonly Secret[]): void {
  for (const value of secretValues(line)) {
    const index = placeholderIndex(Buffer.from(value).toString('latin1'));
    const secret = index === undefined ? undefined : secrets[index];
    if (secret === undefined || value.length !== valueLength) continue;
    const base64 = encodeBase64(secret.borrow());
    value.set(base64);
    wipe(base64);
  }
}

/** Views of the string values of secret fields, without their quotes. One pass; it does not care whether the JSON is whole. */
function* secretValues(line: Uint8Array): Generator<Uint8Array> {
  let name: Uint8Array | undefined; // the string just passed, if a colon followed it
  for (let at = 0; at < line.length; at++) {
    if (line[at] !== quote) {
      if (name !== undefined && !isJsonSpace(line[at])) name = undefined;
      continue;
    }
    const end = stringEnd(line, at + 1);
    const text = line.subarray(at + 1, end);
    if (name !== undefined && isSecretName(name)) yield text;
    const colonAt = afterSpace(line, end + 1);
    name = line[colonAt] === colon ? text : undefined;
    at = name === undefined ? end : colonAt;
  }
}

function stringEnd(line: Uint8Array, from: number): number {
  let at = from;
  while (at < line.length && line[at] !== quote) at += line[at] === backslash ? 2 : 1;
  return Math.min(at, line.length);
}

function afterSpace(line: Uint8Array, from: number): number {
  let at = from;
  while (isJsonSpace(line[at])) at++;
  return at;
}

function isSecretName(name: Uint8Array): boolean {
  return secretFieldNames.some(
    (field) => field.length === name.length && name.every((byte, at) => byte === field.charCodeAt(at)),
  );
}

function isJsonSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
