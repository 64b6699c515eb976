/** A gateway and a hub with a session between them: where most scenarios begin. */
import type { SessionIndex, Suite } from '@pqtun/core';
import { sessionIndex } from '@pqtun/core';
import { Audit } from './audit.ts';
import type { Host } from './host.ts';
import { kindOf, senderIndexOf } from './wire-view.ts';
import { gatewayAndHub, type World } from './world.ts';

export interface Session {
  /** Local indices of the two ends. */
  readonly gatewayIndex: SessionIndex;
  readonly hubIndex: SessionIndex;
  /** Age counts from S1 at the gateway, and from the response at the hub. */
  readonly bornAtGateway: number;
  readonly bornAtHub: number;
}

export interface Connected {
  readonly world: World;
  readonly gateway: Host;
  readonly hub: Host;
  readonly audit: Audit;
  readonly session: Session;
}

/** The gateway has sent one packet, and everything that follows from it is over: now = 500 ms. */
export function connected(crypto: Suite, options: Parameters<typeof gatewayAndHub>[1] = {}): Connected {
  const { world, gateway, hub } = gatewayAndHub(crypto, options);
  const audit = new Audit(world, options.gateway?.profile);
  audit.send(gateway, hub);
  world.run(500);
  return { world, gateway, hub, audit, session: newestSession(world, gateway) };
}

/** The session of the last answered initiation of `gateway`, as the wire shows it. Needs `world.recording`. */
export function newestSession(world: World, gateway: Host): Session {
  const response = world.wire.findLast((datagram) => kindOf(datagram) === 'response');
  const initiation = world.wire.findLast((datagram) => kindOf(datagram) === 'initiation');
  const established = gateway.eventsOf('peer-established').at(-1);
  if (response === undefined || initiation === undefined || established === undefined)
    throw new Error('no handshake has been seen');
  return {
    gatewayIndex: sessionIndex(senderIndexOf(initiation)),
    hubIndex: sessionIndex(senderIndexOf(response)),
    bornAtGateway: established.at,
    bornAtHub: response.at,
  };
}

/** Datagrams sent from `time` on, of one kind and one host where asked for. */
export function sentSince(
  world: World,
  time: number,
  { kind, by }: { kind?: ReturnType<typeof kindOf>; by?: Host } = {},
): World['wire'] {
  return world.wire.filter(
    (datagram) =>
      datagram.at >= time &&
      (kind === undefined || kindOf(datagram) === kind) &&
      (by === undefined || datagram.from === by.address),
  );
}
