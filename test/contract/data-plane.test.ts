/** The contract of `DataPlane`, kept by every plane alike. The far end of each session is made with another implementation. */
import { describe } from 'vitest';
import { confirmContract } from './data-plane/confirm.ts';
import { crossingContract } from './data-plane/crossing.ts';
import { deliveryContract } from './data-plane/delivery.ts';
import { expiryContract } from './data-plane/expiry.ts';
import { gateContract } from './data-plane/gate.ts';
import { lifeContract } from './data-plane/life.ts';
import { planes } from './data-plane/plane-under-test.ts';
import { recordContract } from './data-plane/records.ts';
import { roamingContract } from './data-plane/roaming.ts';
import { sendingContract } from './data-plane/sending.ts';
import { sourceContract } from './data-plane/sources.ts';
import { stagingContract } from './data-plane/staging.ts';

describe.each(planes)('$name', (maker) => {
  confirmContract(maker);
  crossingContract(maker);
  recordContract(maker);
  deliveryContract(maker);
  sourceContract(maker);
  roamingContract(maker);
  sendingContract(maker);
  stagingContract(maker);
  expiryContract(maker);
  lifeContract(maker);
});

describe.each(planes.filter(({ hasGate }) => hasGate))('$name', gateContract);
