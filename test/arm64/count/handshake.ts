/** Whole handshakes between two tunnels without a network, taken step by step, so that each end's part can be counted by itself. */
import {
  endpoint,
  Identity,
  instant,
  PortableTunnel,
  Secret,
  type Suite,
  type SuiteId,
  unixMillis,
} from '@pqtun/core';

export type Step = 'nothing' | 'initiator' | 'responder';

const places = {
  near: endpoint(Uint8Array.of(192, 0, 2, 1), 1),
  far: endpoint(Uint8Array.of(192, 0, 2, 2), 2),
};
const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
const noon = unixMillis(1_800_000_000_000);

/**
 * Makes a function that does one handshake between the same two identities and fresh tunnels, from the packet that asks for it to
 * that packet's arrival. `around` is called for each step, in order, and must do it.
 */
export function steppedHandshake(
  crypto: Suite,
  suite: SuiteId,
): (around: (step: Step, act: () => void) => void) => void {
  const identity = (): Identity =>
    new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
  const identities = { near: identity(), far: identity() };
  return (around) => {
    const near = open(crypto, suite, identities.near, identities.far, places.far);
    const far = open(crypto, suite, identities.far, identities.near, places.near);
    let inFlight: Uint8Array[] = [];
    around('nothing', () => undefined);
    around('initiator', () => {
      near.handlePacket(instant(0), packet);
      near.handleTimeout(instant(0));
      inFlight = take(near);
    });
    around('responder', () => {
      inFlight = deliver(far, places.near, inFlight);
    });
    around('initiator', () => {
      inFlight = deliver(near, places.far, inFlight);
    });
    around('responder', () => {
      inFlight = deliver(far, places.near, inFlight);
    });
    if (!inFlight.some((bytes) => bytes.length === packet.length))
      throw new Error('the handshake did not carry the packet');
  };
}

function open(
  crypto: Suite,
  suite: SuiteId,
  self: Identity,
  peer: Identity,
  where: typeof places.near,
): PortableTunnel {
  const tunnel = new PortableTunnel(instant(0), { crypto, identity: self, wallClock: () => noon });
  const kemPublicKey = peer.kem(suite)?.publicKey ?? new Uint8Array(0);
  const settings = { publicKey: peer.dh.publicKey, kemPublicKey, endpoint: where };
  const id = tunnel.engine.addPeer(instant(0), settings);
  tunnel.plane.setRoutes([{ kind: 'add', peer: id, prefix: new Uint8Array(4), bits: 0 }]);
  return tunnel;
}

/** Hands datagrams to a tunnel; what comes out of it. */
function deliver(
  to: PortableTunnel,
  from: typeof places.near,
  datagrams: readonly Uint8Array[],
): Uint8Array[] {
  for (const bytes of datagrams) to.handleDatagram(instant(0), from, undefined, bytes);
  return take(to);
}

function take(from: PortableTunnel): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (let output = from.poll(); output !== undefined; output = from.poll()) taken.push(output.bytes.slice());
  return taken;
}
