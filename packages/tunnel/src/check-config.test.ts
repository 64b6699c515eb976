import { describe, expect, test } from 'vitest';
import { checkEndpoint } from './check-config.ts';

describe('the host of an endpoint', () => {
  test.each([
    '192.0.2.1',
    'hub.example',
    '2001:db8::1',
    'fe80::1%2',
    'fe80::1%eth0',
    'fe80::1%br_lan-1.5',
    'fe80::1%eth0@if5', // Linux lets a name have anything but a slash and spaces; the daemon's file takes this one
  ])('may be %s', (host) => {
    expect(checkEndpoint('endpoint', { host, port: 1 })).toEqual({ host, port: 1 });
  });

  test.each(['', 'a b', 'a\nb', 'a\u001b', 'a/b', `${'a'.repeat(254)}`])('may not be %j', (host) => {
    expect(() => checkEndpoint('endpoint', { host, port: 1 })).toThrow('endpoint.host: expected');
  });
});
