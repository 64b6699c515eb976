/**
 * A hub as `Target`, its genuine gateway, and a forger who knows all that the gateway knows but cannot read the answers: the
 * stage of protocol.md §5.1. Every datagram arrives at a moment and from a place of the test's choosing.
 */
import type { Endpoint } from '@pqtun/core';
import { addressee, Forger, mac1Of, tai64n } from './forger.ts';
import { newYear2026 } from './host.ts';
import { seededSuite } from './seeded-suite.ts';
import { at, joined, type Outcome, Target } from './target.ts';

const suite = 1;
const initiation = 0x11;
const response = 0x12;
const startOfYear = newYear2026 / 1000;

/** Where the gateway is, and where the hub. */
export const home = at('192.0.2.1');
export const hubAt = at('198.51.100.1');

/** What a plane's fingerprint shows of a peer. */
interface RemoteView {
  readonly storedTimestamp?: number[];
  readonly current?: { readonly index: number };
  readonly previous?: { readonly index: number };
  readonly nexts: { readonly index: number }[];
}

/** A hub, its genuine gateway, and a forger who knows all the gateway knows but cannot read the answers. */
export function stage(seed: number | string = 1) {
  const crypto = seededSuite(seed, 'node');
  const hub = new Target(crypto);
  const gateway = new Target(crypto);
  const atHub = hub.addPeer(gateway.identity);
  const atGateway = gateway.addPeer(hub.identity, { endpoint: hubAt });
  const forger = new Forger(crypto);
  const to = addressee(hub.identity, suite);
  let index = 0x1000;
  const all = {
    hub,
    gateway,
    forger,
    to,
    /** What each calls the other. */
    atHub,
    atGateway,
    /** Both clocks go on; what falls due meanwhile is done, what it sends is lost. */
    pass(milliseconds: number): void {
      hub.pass(milliseconds);
      gateway.pass(milliseconds);
    },
    /** Datagrams of a well-made initiation of the gateway with this timestamp. */
    forge: (timestamp: number, count?: number) =>
      forger.initiation({
        as: gateway.identity,
        to,
        suite,
        senderIndex: index++,
        timestamp: tai64n(startOfYear + timestamp),
        ...(count === undefined ? {} : { count }),
      }),
    /** What the genuine gateway sends when it begins, whatever it did before. */
    begin: (): Uint8Array[] => {
      const outcome = joined([
        gateway.act(({ engine }, now) => {
          engine.initiate(now, atGateway);
          engine.handleNetworkChange(now);
        }),
        gateway.pass(0),
      ]);
      return outcome.sent.map(({ bytes }) => bytes).filter(([type]) => type === initiation);
    },
    /** The answers reach the gateway; its first packets under the new session. */
    answer: (outcome: Outcome): Uint8Array[] =>
      gateway
        .deliverAll(
          hubAt,
          outcome.sent.map(({ bytes }) => bytes),
        )
        .sent.map(({ bytes }) => bytes),
    /** A whole handshake, confirmed from `from`. */
    shake: (from: Endpoint = home): void => {
      const confirm = all.answer(hub.deliverAll(from, all.begin()));
      if (confirm.length !== 1) throw new Error('a handshake went wrong');
      hub.deliverAll(from, confirm);
    },
    /** mac2 on every datagram, with the cookie the hub gives at `from`. */
    prove(datagrams: readonly Uint8Array[], from: Endpoint): Uint8Array[] {
      const [first = new Uint8Array(0)] = datagrams;
      hub.act(({ engine }) => engine.setLoopDelay(1000));
      const reply = hub.deliver(from, first).sent[0]?.bytes;
      hub.act(({ engine }) => engine.setLoopDelay(0));
      if (reply === undefined) throw new Error('no cookie was given');
      const held = forger.openCookie(to, suite, reply, mac1Of(first));
      return datagrams.map((datagram) => forger.withMac2(held, datagram));
    },
    /** What the hub holds of its peer. */
    view: () => {
      const status = hub.tunnel.engine.status(hub.now, atHub);
      const { peers }: { peers: RemoteView[] } = JSON.parse(hub.tunnel.plane.fingerprint());
      const [remote] = peers;
      return {
        endpoint: status.endpoint,
        handshakes: status.handshakesCompleted,
        stored: remote?.storedTimestamp,
        current: remote?.current?.index,
        previous: remote?.previous?.index,
        nexts: remote?.nexts.map(({ index: next }) => next) ?? [],
      };
    },
  };
  return all;
}
export type Stage = ReturnType<typeof stage>;

/** `sender_index` of the response in an outcome, `undefined` when there is none. */
export function respondedBy({ sent }: Outcome): number | undefined {
  const found = sent.find(({ bytes }) => bytes[0] === response);
  return found && new DataView(found.bytes.buffer, found.bytes.byteOffset).getUint32(4, true);
}
