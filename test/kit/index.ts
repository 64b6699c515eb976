export { Audit } from './audit.ts';
export { type Connected, connected, newestSession, type Session, sentSince } from './connected.ts';
export { Host, type HostOptions, newYear2026 } from './host.ts';
export { innerPacket, ip } from './packets.ts';
export { paperSuite } from './paper-suite.ts';
export { Random } from './random.ts';
export { seededRandom, seededSuite } from './seeded-suite.ts';
export {
  beforeMac2,
  counterOf,
  hasMac2,
  initiationsIn,
  kindOf,
  payloadLengthOf,
  receiverIndexOf,
  type SentInitiation,
  senderIndexOf,
  sessionOf,
  type WireKind,
} from './wire-view.ts';
export {
  type Conditions,
  type Datagram,
  gatewayAndHub,
  goodNetwork,
  type HostInput,
  type Observer,
  World,
} from './world.ts';
