import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loopCounterNames, offloadNames, openDataPlane } from './data-plane.ts';
import { runScenario, whyNoTun } from './testing/scenario.ts';

const reason = whyNoTun();

function passes(name: string, ...nodeFlags: string[]): void {
  const { status, stderr } = runScenario('data-plane-scenarios.ts', name, { nodeFlags });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

describe.skipIf(reason !== undefined)(
  reason === undefined ? 'a data plane' : `a data plane (skipped: ${reason})`,
  () => {
    it('carries packets and 10 MiB streams of both families over IPv4, with every offload', () =>
      passes('carriesOverIpv4'));
    it('carries them over IPv6', () => passes('carriesOverIpv6'));
    it('carries them without each of its offloads, and without any', () => passes('withoutEach'));
    it('says once that its TUN was deleted while it was busy, and does not spin', () =>
      passes('deletedWhileBusy'));
    it('goes on when its interface was down and is up again', () => passes('linkDownAndUp'));
    it('goes on when the way was gone and is there again, and says what could not be sent', () =>
      passes('underlayDownAndUp'));
    it('says once how long a datagram was that the path did not take', () => passes('pathTooSmall'));
    it('sends from another address when its own is gone, and says so', () => passes('sourceAddressLost'));
    it('gives up segmentation when the kernel refuses it, loses nothing, and says so once', () =>
      passes('segmentationRefused'));
    it('neither spins nor stays stuck when its socket is full', () => passes('fullSocket'));
    it('changes its port, and the sessions stay', () => passes('otherPort'));
    it('marks what it sends', () => passes('mark'));
    it('adopts a TUN that has no virtio header', () => passes('adoptedWithoutHeader'));
    it('calls JavaScript some forty times a second, however much there is to carry', () =>
      passes('wakesLazily'));
    it('leaves no descriptor, thread or interface after 250 rounds', () => passes('manyRounds'));
    it('is closed when it is collected', () => passes('collected', '--expose-gc'));
    it('does not keep the process alive before it is started', () => passes('idleDoesNotHold'));
    it('may be closed in its own callback', () => passes('closedInCallback'));
    it('ends with its worker, and with its process', () => {
      passes('workerTerminated');
      expect(runScenario('data-plane-scenarios.ts', 'exitWhileBusy').status).toBe(3);
    });
    it('is refused a name that is taken, and leaves nothing behind', () => passes('nameTaken'));
    it('says what offloads there would be, without a device', () => passes('testedWithoutDevice'));
  },
);

describe('names in src/data-plane.ts are those of native/loop', () => {
  /** The enumerators of a C++ enum, in order. */
  function enumerators(file: string, name: string): string[] {
    const text = readFileSync(new URL(`../native/loop/${file}`, import.meta.url), 'utf8');
    const body = new RegExp(`enum class ${name} : uint8_t \\{([^}]*)\\}`).exec(text)?.[1] ?? '';
    return [...body.replaceAll(/\/\*.*?\*\//gs, '').matchAll(/\w+/g)].map(([word]) => word);
  }

  it('of counters', () => {
    expect(enumerators('loop_counters.h', 'LoopCounter')).toEqual([...loopCounterNames]);
  });

  it('of offloads', () => {
    const dashed = enumerators('offloads.h', 'Offload').map((word) =>
      word.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    );
    expect(dashed).toEqual([...offloadNames]);
  });
});

describe('openDataPlane refuses', () => {
  const address = new Uint8Array(4);
  const cases: [string, unknown, typeof TypeError | typeof RangeError, string][] = [
    ['options that are no object', 7, TypeError, 'options must be an object'],
    ['a TUN that is no object', { tun: 7 }, TypeError, 'options.tun'],
    ['a name of 16 letters', { tun: { name: 'sixteen_letters_' } }, RangeError, 'options.tun.name'],
    ['a negative descriptor', { tun: { fd: -2 } }, RangeError, 'options.tun.fd'],
    ['a port beyond 65,535', { udp: { port: 65_536 } }, RangeError, 'options.udp.port'],
    ['an address of three bytes', { udp: { bind: [new Uint8Array(3)] } }, RangeError, 'options.udp.bind'],
    ['two addresses of a family', { udp: { bind: [address, address] } }, RangeError, 'options.udp.bind'],
    ['a mark as text', { udp: { mark: '7' } }, TypeError, 'options.udp.mark'],
    ['a buffer of no bytes', { udp: { sendBuffer: 0 } }, RangeError, 'options.udp.sendBuffer'],
    ['an MTU below that of IPv4', { mtu: 67 }, RangeError, 'options.mtu'],
    ['an unknown engine', { aead: 'rot13' }, RangeError, 'options.aead'],
    ['an unknown offload', { offloads: { lro: true } }, RangeError, 'an offload'],
    ['an offload that is no boolean', { offloads: { tso: 1 } }, TypeError, 'options.offloads.tso'],
    ['a batch of 257', { batch: 257 }, RangeError, 'options.batch'],
    ['clamping as text', { clampMss: 'yes' }, TypeError, 'options.clampMss'],
  ];
  it.each(cases)('%s', (_, options, type, name) => {
    // The cast gives wrong types to the checks, which is what is tested.
    const open = () => openDataPlane(options as never);
    expect(open).toThrow(type);
    expect(open).toThrow(name);
  });
});
