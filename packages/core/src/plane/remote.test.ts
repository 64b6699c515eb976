import { expect, test } from 'vitest';
import { endpoint, peerId } from '../types.ts';
import { Remote } from './remote.ts';
import { stagingBudget } from './staging.ts';

const ip = (last: number) => Uint8Array.of(192, 0, 2, last);
const at = endpoint(ip(1), 1000);
const local = { ip: ip(9), interfaceIndex: 3 };

test('settings that are not given stay as they are', () => {
  const remote = new Remote(peerId(1), stagingBudget());
  const all = { endpoint: at, localAddress: local, pathMtu: 1300, kind: 'classical' } as const;
  remote.configure(all);
  remote.configure({});
  expect(remote).toMatchObject(all);
});

test('null takes back an endpoint or a local address, and nothing else', () => {
  const remote = new Remote(peerId(1), stagingBudget());
  remote.configure({ endpoint: at, localAddress: local, pathMtu: 1300 });
  remote.configure({ endpoint: null });
  expect([remote.endpoint, remote.localAddress, remote.pathMtu]).toEqual([undefined, local, 1300]);
  remote.configure({ endpoint: at, localAddress: null });
  expect([remote.endpoint, remote.localAddress, remote.pathMtu]).toEqual([at, undefined, 1300]);
});

test('a socket that cannot tell the local address moves nothing while the endpoint stays (§5.4)', () => {
  const remote = new Remote(peerId(1), stagingBudget());
  expect(remote.move(at, local)).toBe(true);
  expect(remote.move(endpoint(ip(1), 1000), undefined)).toBe(false);
  expect(remote.localAddress).toEqual(local);
  expect(remote.move(at, { ...local })).toBe(false);
  expect(remote.move(at, { ...local, interfaceIndex: 4 })).toBe(true);
  expect(remote.move(at, { ip: ip(8), interfaceIndex: 4 })).toBe(true);
  expect(remote.move(endpoint(ip(1), 1001), undefined)).toBe(true);
  expect(remote.localAddress).toBeUndefined();
});
