/** A worker that is ended while its data plane moves packets. */
import { parentPort } from 'node:worker_threads';
import { End, newKeys, outer } from './data-plane-end.ts';

const end = new End({ side: 1, underlay: 'near' });
end.connect(newKeys(), { ip: outer(4, 2), port: 9, scope: 0 });
parentPort?.postMessage(end.plane.name);
