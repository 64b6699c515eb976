/**
 * What a real WireGuard must do with us. Handshakes come every 120 s in WireGuard, too rarely for CI: the short form has
 * each side forget its peer and begin anew, `--long` waits for three rekeys as they come.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { nodeSuite } from '@pqtun/core/node';
import type { Namespace } from '../test/kit/lab/namespace.ts';
import { makeKeys } from '../test/kit/lab/site.ts';
import { Random } from '../test/kit/random.ts';
import { innerUdp, isUdpBetween } from './inner-udp.ts';
import type { Cell } from './matrix.ts';
import { type Implementation, InteropPeer, remoteName } from './peers/peer.ts';
import type { WireguardProgram } from './peers/wireguard.ts';
import { beside, echoPort, ours, type Shown, type Sides, theirs, WireguardLab } from './wireguard-lab.ts';

const weBegin: Sides = { weKnowThem: true, theyKnowUs: false };
const theyBegin: Sides = { weKnowThem: false, theyKnowUs: true };
const bothBegin: Sides = { weKnowThem: true, theyKnowUs: true };
const rekeys = 3;
const floodProgram = fileURLToPath(new URL('./flood.ts', import.meta.url));
const patience = 30_000;

export interface WireguardOptions {
  /** Our endpoint program, for what the daemon cannot be told: to be under load. */
  readonly endpoint: Implementation;
  /** Real rekeys: some six minutes. */
  readonly long: boolean;
  /** What moves our packets. */
  readonly plane: string;
  readonly skip?: string;
}

type Scenario = readonly [name: string, limit: number, run: (lab: WireguardLab) => Promise<void>];

export function wireguardCells(program: WireguardProgram, options: WireguardOptions): Cell[] {
  const scenarios: readonly Scenario[] = [
    ['initiator', 90, (lab) => handshake(lab, weBegin, 'initiator')],
    ['responder', 90, (lab) => handshake(lab, theyBegin, 'responder')],
    ['initiator, PSK', 90, (lab) => handshake(lab, { ...weBegin, psk: true }, 'initiator')],
    ['responder, PSK', 90, (lab) => handshake(lab, { ...theyBegin, psk: true }, 'responder')],
    ['three new sessions, initiator', 120, (lab) => renewed(lab, { ...weBegin, psk: true }, 'initiator')],
    ['three new sessions, responder', 120, (lab) => renewed(lab, { ...theyBegin, psk: true }, 'responder')],
    ['roaming', 120, roaming],
    ['keepalive', 90, keepalive],
    ['cookie from us', 90, (lab) => cookieFromUs(lab, options.endpoint)],
    ['cookie from them', 90, (lab) => cookieFromThem(lab, options.endpoint)],
    ['no downgrade', 90, (lab) => noDowngrade(lab, false)],
    ['no downgrade, classical peer beside', 120, (lab) => noDowngrade(lab, true)],
    ...(options.long
      ? ([
          ['three rekeys, initiator', 560, (lab) => realRekeys(lab, weBegin, 'initiator')],
          ['three rekeys, responder', 560, (lab) => realRekeys(lab, theyBegin, 'responder')],
        ] satisfies Scenario[])
      : []),
  ];
  return scenarios.map(([scenario, limit, run]) => ({
    peer: program.name,
    scenario,
    limit,
    ...(options.skip === undefined ? {} : { skip: options.skip }),
    run: () => inLab(program, options.plane, run),
  }));
}

async function inLab(
  program: WireguardProgram,
  plane: string,
  run: (lab: WireguardLab) => Promise<void>,
): Promise<void> {
  await using lab = await WireguardLab.create(program, plane);
  try {
    await run(lab);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${lab.logs}`, { cause: error });
  }
}

async function handshake(lab: WireguardLab, sides: Sides, role: 'initiator' | 'responder'): Promise<void> {
  await lab.up(sides);
  await lab.untilEcho(role === 'initiator' ? 'ours' : 'theirs');
  expectRole(lab, role);
  await lab.dataBothWays();
}

/** The side that begins forgets the other and everything about it, three times: no rest of the old session may hinder. */
async function renewed(lab: WireguardLab, sides: Sides, role: 'initiator' | 'responder'): Promise<void> {
  const from = role === 'initiator' ? 'ours' : 'theirs';
  await lab.up(sides);
  await lab.untilEcho(from);
  for (let time = 1; time <= rekeys; time++) {
    const before = lab.shownPeer().handshakesCompleted;
    if (role === 'initiator') lab.renewAtOurs(sides);
    else await lab.peer.uapi.renewPeer(lab.ourSettings(sides));
    await lab.untilEcho(from);
    // as initiator the peer is a new one, whose count begins at 0
    const wanted = role === 'initiator' ? 1 : before + 1;
    const { handshakesCompleted } = expectRole(lab, role);
    if (handshakesCompleted < wanted)
      throw new Error(`no new session the ${time}. time: ${handshakesCompleted}`);
    await lab.dataBothWays([100]);
  }
}

/** Three rekeys by age, with traffic all the time, of which nothing may be lost. */
async function realRekeys(lab: WireguardLab, sides: Sides, role: 'initiator' | 'responder'): Promise<void> {
  await lab.up(sides);
  await lab.untilEcho(role === 'initiator' ? 'ours' : 'theirs');
  const begin = performance.now();
  while (lab.shownPeer().handshakesCompleted < rekeys + 1) {
    if (performance.now() - begin > 480_000) {
      throw new Error(`${lab.shownPeer().handshakesCompleted} handshakes in 480 s`);
    }
    await lab.dataBothWays([100]);
    await pause(1_000);
  }
  expectRole(lab, role);
  await lab.dataBothWays();
}

/** They move, then we do; each time the other side follows what is authenticated. */
async function roaming(lab: WireguardLab): Promise<void> {
  await lab.up(bothBegin);
  await lab.untilEcho('theirs');
  await readdress(lab.theirsSpace, 'eth0', theirs.outer, theirs.moved);
  await lab.untilEcho('theirs');
  await eventually(
    'our daemon follows them',
    () => lab.shownPeer().endpoint === `${theirs.moved}:${theirs.port}`,
  );
  await lab.dataBothWays([100]);
  await readdress(lab.oursSpace, 'eth0', ours.outer, ours.moved);
  await lab.untilEcho('ours');
  await eventually(
    'they follow us',
    async () => (await lab.theirValue('endpoint')) === `${ours.moved}:${ours.port}`,
  );
  await lab.dataBothWays([100]);
}

/**
 * Without a packet of anybody's: we count what arrives, and they follow us to another address, which nothing but an
 * authenticated packet makes them do. (What they count says less: gotatun leaves keepalives out of rx_bytes.)
 */
async function keepalive(lab: WireguardLab): Promise<void> {
  await lab.up({ ...bothBegin, keepalive: 1 });
  await eventually('a session without data', () => lab.shownPeer().pqState === 'classical');
  const weHad = lab.shownPeer().packetsReceived;
  await eventually('keepalives arrive at ours', () => lab.shownPeer().packetsReceived > weHad + 1);
  await readdress(lab.oursSpace, 'eth0', ours.outer, ours.moved);
  await eventually(
    'they follow us',
    async () => (await lab.theirValue('endpoint')) === `${ours.moved}:${ours.port}`,
  );
  const then = lab.shownPeer().packetsReceived;
  await eventually('keepalives arrive at the new address', () => lab.shownPeer().packetsReceived > then + 1);
}

/** We are under load: their initiation draws a cookie, the next carries its proof and is answered. */
async function cookieFromUs(lab: WireguardLab, endpoint: Implementation): Promise<void> {
  await using party = await startParty(lab, endpoint, { underLoad: true });
  await lab.configureTheirs({ theyKnowUs: true });
  const probes = lab.theirsSpace.help('pings', ours.inner, 9, 16, 16, 500); // data that wants a session
  const { role } = await party.established(patience);
  if (role !== 'responder') throw new Error(`we are the ${role}`);
  await exchange(lab, party);
  await probes;
  const { cookieRepliesSent, receivedTypes, drops } = await party.stats();
  if (!(Number(cookieRepliesSent) >= 1)) throw new Error('no cookie reply was sent');
  const initiations = Number((receivedTypes as Record<string, number>)['01']);
  if (!(initiations >= 2)) throw new Error(`${initiations} initiations came; the first was to be refused`);
  if (!(Number((drops as Record<string, number>)['under-load']) >= 1)) throw new Error('nothing was refused');
}

/** They are under load, by a flood of initiations: ours draws a cookie, is sent again with its proof, and is answered. */
async function cookieFromThem(lab: WireguardLab, endpoint: Implementation): Promise<void> {
  await using party = await startParty(lab, endpoint, { knowsThem: true });
  await lab.configureTheirs({ theyKnowUs: false });
  // Stopped, they find the whole flood at once when they go on: more than they take in without proof
  lab.peer.freeze();
  const flood = floodOf(lab);
  const target = [theirs.outer, String(theirs.port), Buffer.from(flood).toString('hex'), '3000'];
  await lab.oursSpace.run(process.execPath, ['--no-warnings', floodProgram, ...target]);
  lab.peer.thaw();
  await pause(150);
  party.initiate();
  const { role } = await party.established(patience);
  if (role !== 'initiator') throw new Error(`we are the ${role}`);
  const { receivedTypes, sentWithMac2 } = await party.stats();
  if (!(Number((receivedTypes as Record<string, number>)['03']) >= 1))
    throw new Error('no cookie reply came');
  if (!(Number(sentWithMac2) >= 1)) throw new Error('no initiation left with a mac2');
  await exchange(lab, party);
}

/** An initiation that is theirs by mac1 and nobody's by content. */
function floodOf(lab: WireguardLab): Uint8Array {
  const crypto = nodeSuite();
  const label = new TextEncoder().encode('mac1----');
  const message = new Uint8Array(148);
  message.set([1], 0);
  message.set(new Random(7).bytes(112), 4);
  const mac1Key = crypto.hash(label, lab.theirKeys.publicKey);
  message.set(crypto.mac(mac1Key, message.subarray(0, 116)), 116);
  return message;
}

/** A packet from us to their echo, which comes back. */
async function exchange(lab: WireguardLab, party: InteropPeer): Promise<void> {
  await lab.theirsSpace.startHelper('echo', theirs.inner, echoPort);
  const end = Date.now() + patience;
  for (let port = 4000; Date.now() < end; port++) {
    party.send(innerUdp(ours.inner, port, theirs.inner, echoPort, randomBytes(64)));
    await pause(200);
    const back = party.received().some((packet) => isUdpBetween(Buffer.from(packet, 'hex'), echoPort, port));
    if (back) return;
  }
  throw new Error(`no echo came back within ${patience} ms`);
}

/**
 * Their X25519 key belongs to a peer that has a KEM key: types 1 and 2 are refused and counted, and nothing goes through.
 * `hasBeside`: another peer is classical, so that such messages are read at all; it must still be served.
 */
async function noDowngrade(lab: WireguardLab, hasBeside: boolean): Promise<void> {
  const hybrid = makeKeys(); // a KEM key; the X25519 key beside it is theirs
  const kemSeed = /^KemSeed.*$/m.exec(makeKeys().secretLines)?.[0];
  const kemKey = /^KemPublicKey.*$/m.exec(hybrid.publicLines)?.[0];
  if (kemKey === undefined || kemSeed === undefined) throw new Error('no KEM key was made');
  const [interfaceLine, ...rest] = lab.interfaceLines();
  const text = [
    interfaceLine,
    kemSeed,
    ...rest,
    `Address = ${beside.ours}/24`,
    '[Peer]',
    `PublicKey = ${lab.theirKeys.publicKey.toString('base64')}`,
    kemKey,
    `AllowedIPs = ${theirs.inner}/32`,
    `Endpoint = ${theirs.outer}:${theirs.port}`,
    ...(hasBeside
      ? [
          '[Peer]',
          `PublicKey = ${lab.besideKeys.publicKey.toString('base64')}`,
          'Mode = classical',
          `AllowedIPs = ${beside.theirs}/32`,
        ]
      : []),
    '',
  ].join('\n');
  await lab.configureTheirs({ theyKnowUs: true });
  lab.site.configure(text);
  await lab.site.start();
  await lab.oursSpace.startHelper('echo', ours.inner, echoPort);
  const capture = await lab.theirsSpace.startHelper('capture', 'eth0', 'ethernet', [theirs.port]);
  const answered = await lab.theirsSpace.help('untilEcho', ours.inner, echoPort, 7_000); // two attempts of theirs
  if (answered !== null) throw new Error('an echo came through a downgraded tunnel');
  await eventually('downgrade-refused is counted', () => (lab.show().drops['downgrade-refused'] ?? 0) >= 1);
  const shown = lab.show();
  if (shown.downgradesRefused !== shown.drops['downgrade-refused'])
    throw new Error('two counts of one thing differ');
  if (lab.shownPeer().pqState !== 'none') throw new Error(`a session exists: ${lab.shownPeer().pqState}`);
  const { types } = (await capture.finish()) as { types: Readonly<Record<string, number>> };
  if ((types['01'] ?? 0) < 1) throw new Error('they never sent an initiation');
  for (const type of ['02', '03', '04']) {
    if (types[type] !== undefined) throw new Error(`${types[type]} datagrams of type ${type} on the wire`);
  }
  // every type 1 on the wire was theirs: we have refused as many
  const refused = lab.show().downgradesRefused;
  if (refused < (types['01'] ?? 0))
    throw new Error(`${types['01']} of type 1 on the wire, ${refused} refused`);
  if (hasBeside) await besideIsServed(lab);
}

/** A second process with the classical peer's key is served by the same daemon. */
async function besideIsServed(lab: WireguardLab): Promise<void> {
  await lab.startBeside();
  await lab.oursSpace.startHelper('echo', beside.ours, echoPort);
  const time = await lab.theirsSpace.help('untilEcho', beside.ours, echoPort, patience);
  if (typeof time !== 'number')
    throw new Error(`the classical peer beside is not served within ${patience} ms`);
}

async function startParty(
  lab: WireguardLab,
  endpoint: Implementation,
  { underLoad = false, knowsThem = false }: { underLoad?: boolean; knowsThem?: boolean },
): Promise<InteropPeer> {
  const config = {
    listen: `${ours.outer}:${ours.port}`,
    privateKey: lab.ourKeys.privateKey.toString('hex'),
    faults: { forceCookies: underLoad },
    peers: [
      {
        name: remoteName,
        publicKey: lab.theirKeys.publicKey.toString('hex'),
        ...(knowsThem ? { endpoint: `${theirs.outer}:${theirs.port}` } : {}),
      },
    ],
  };
  return InteropPeer.start(endpoint, 'ours', config, (command, args) =>
    lab.oursSpace.spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] }),
  );
}

/** Removed first: with the first address of a subnet the kernel takes away those that came after it. */
async function readdress(space: Namespace, device: string, from: string, to: string): Promise<void> {
  await space.help('removeAddress', device, `${from}/24`);
  await space.help('addAddress', device, `${to}/24`);
}

function expectRole(lab: WireguardLab, role: Shown['peers'][number]['role']): Shown['peers'][number] {
  const shown = lab.shownPeer();
  if (shown.role !== role) throw new Error(`we are the ${shown.role}, not the ${role}`);
  if (shown.pqState !== 'classical') throw new Error(`the session is shown as ${shown.pqState}`);
  return shown;
}

async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await pause(200);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
