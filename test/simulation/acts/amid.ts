/** Handshakes take milliseconds and disasters come by the second; here one is made to meet the other. */
import type { Host } from '../../kit/index.ts';
import type { Link } from '../scenario.ts';
import type { Simulation } from '../simulation.ts';
import { type Act, second } from './act.ts';

export const amidActs: readonly Act[] = [
  amid('a pre-shared key changes at its initiator', (simulation, link, initiator) => {
    simulation.setPsk(initiator, link);
  }),
  amid('a pre-shared key changes at both ends', (simulation, link, initiator, responder) => {
    simulation.setPsk(responder, link, simulation.setPsk(initiator, link));
  }),
  amid('its responder starts again', (simulation, _link, _initiator, responder) => {
    simulation.restart(responder, true);
  }),
  amid('its initiator is taken away and added', (simulation, link, initiator, responder) => {
    simulation.removePeer(responder, initiator);
    simulation.addPeer(responder, initiator, link);
  }),
  amid('the other begins one, too', (simulation, _link, initiator, responder) => {
    begin(simulation, responder, initiator);
  }),
  amid('its initiator sleeps', ({ world }, _link, initiator) => {
    initiator.sleep();
    world.runFor(200 * second);
    initiator.wake();
    world.runFor(0);
  }),
];

function amid(
  name: string,
  happens: (simulation: Simulation, link: Link, initiator: Host, responder: Host) => void,
): Act {
  return {
    name: `amid a handshake, ${name}`,
    weight: 0.7,
    play(simulation) {
      const link = simulation.anyLink();
      const [initiator, responder] = simulation.ends(link);
      begin(simulation, initiator, responder);
      simulation.world.runFor(simulation.random.between(0, 45)); // a good path takes 10 ms each way
      happens(simulation, link, initiator, responder);
    },
  };
}

/** Who has no endpoint, or an initiation of the last 5 s behind it, begins later, and then nothing is amid anything. */
function begin(simulation: Simulation, host: Host, other: Host): void {
  const peer = simulation.peerOf(host, other);
  if (peer === undefined) return;
  host.act(({ engine }, now) => engine.initiate(now, peer));
}
