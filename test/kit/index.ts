export { innerPacket, ip } from './packets.ts';
export { Random } from './random.ts';
export { seededRandom, seededSuite } from './seeded-suite.ts';
export {
  type Conditions,
  type Datagram,
  gatewayAndHub,
  goodNetwork,
  Host,
  type HostOptions,
  newYear2026,
  World,
} from './world.ts';
