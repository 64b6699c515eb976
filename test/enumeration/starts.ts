/** Where the enumeration begins: the states from which every order of what may happen next is tried. */
import { compareBytes, Identity, Secret, type Suite } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { paperSuite, seededRandom } from '../kit/index.ts';
import { Model, type ModelOptions } from './model.ts';
import { type Side, sides } from './party.ts';
import { passTime } from './settle.ts';

/**
 * `paper`: everything repeats, at a fraction of the cost: what is enumerated is order, and paper keeps all that order depends on.
 * `node`: the real primitives. Secrets differ from run to run then and steer nothing, so the states must be the same.
 */
export const cryptographies = ['paper', 'node'] as const;
export type Cryptography = (typeof cryptographies)[number];

export interface Start {
  readonly name: string;
  readonly what: string;
  /** Whose ID is the smaller, so that sessions begun by that end win (N4). */
  readonly smaller: Side;
  readonly options: Omit<ModelOptions, 'crypto' | 'identities'>;
  /** How many choices stand in it as done already: they count towards the depth. */
  readonly begun: number;
  readonly prepare: (model: Model) => void;
}

const second = 1000;
const plain: Start['options'] = {
  classical: false,
  knowsEndpoint: [true, true],
  apart: false,
  packets: [1, 1],
  loadChanges: [0, 0],
};

const bothBegin = (model: Model): void => {
  for (const side of sides) model.send(side);
};

/** a has begun a session, and it is in use at both ends. */
const connected = (model: Model): void => {
  model.send(0);
  passTime(model, second);
};

/** The session is old enough to be renewed: a does so because it sends, b because it is told to. */
const rekeyBoth = (model: Model): void => {
  connected(model);
  passTime(model, 121 * second);
  model.send(0);
  model.initiate(1);
};

/** The last seconds of a session that nobody has renewed: traffic both ways, and a renewal by a. */
const late = (model: Model): void => {
  connected(model);
  passTime(model, 176 * second);
  bothBegin(model);
};

const loaded =
  (...who: Side[]) =>
  (model: Model): void => {
    for (const side of who) model.parties[side].setLoad(true);
    if (who.length === 1) model.send(0);
    else bothBegin(model);
  };

const all: readonly (Omit<Start, 'options' | 'smaller' | 'begun'> & {
  readonly options?: Partial<Start['options']>;
  readonly smaller?: Side;
  readonly begun?: number;
})[] = [
  {
    name: 'rest',
    what: 'nothing has happened',
    options: { packets: [2, 2], loadChanges: [1, 1] },
    prepare: () => {},
  },
  {
    name: 'hub',
    what: 'nothing has happened, and b does not know where a is',
    options: { packets: [2, 2], knowsEndpoint: [true, false], loadChanges: [0, 1] },
    prepare: () => {},
  },
  {
    name: 'both-begin-a',
    begun: 2,
    what: 'both have sent an initiation; a has the smaller ID',
    prepare: bothBegin,
  },
  {
    name: 'both-begin-b',
    begun: 2,
    what: 'both have sent an initiation; b has the smaller ID',
    smaller: 1,
    prepare: bothBegin,
  },
  {
    name: 'rekey-a',
    begun: 2,
    what: 'a session is in use, both have begun to renew it; a has the smaller ID',
    prepare: rekeyBoth,
  },
  { name: 'rekey-b', begun: 2, what: 'the same; b has the smaller ID', smaller: 1, prepare: rekeyBoth },
  {
    name: 'late',
    begun: 2,
    what: 'a session is in its last seconds, both send under it, a renews it',
    prepare: late,
  },
  {
    name: 'loaded',
    begun: 1,
    what: 'b is under load, a has sent an initiation',
    options: { loadChanges: [1, 1] },
    prepare: loaded(1),
  },
  {
    name: 'loaded-both',
    begun: 2,
    what: 'both are under load, both have sent an initiation',
    options: { loadChanges: [1, 1] },
    prepare: loaded(0, 1),
  },
  {
    name: 'fragments',
    begun: 1,
    what: 'a has sent an initiation; every fragment travels alone',
    options: { apart: true },
    prepare: (model) => model.send(0),
  },
  {
    name: 'fragments-both',
    begun: 2,
    what: 'both have sent an initiation; every fragment travels alone',
    options: { apart: true },
    prepare: bothBegin,
  },
  {
    name: 'classical',
    what: 'nothing has happened; WireGuard’s handshake',
    options: { classical: true, packets: [2, 2], loadChanges: [1, 1] },
    prepare: () => {},
  },
  {
    name: 'classical-both-a',
    begun: 2,
    what: 'both have sent a classical initiation; a has the smaller key',
    options: { classical: true },
    prepare: bothBegin,
  },
  {
    name: 'classical-both-b',
    begun: 2,
    what: 'the same; b has the smaller key',
    smaller: 1,
    options: { classical: true },
    prepare: bothBegin,
  },
  {
    name: 'classical-rekey',
    begun: 2,
    what: 'a classical session is in use, both have begun to renew it',
    options: { classical: true },
    prepare: rekeyBoth,
  },
  {
    name: 'classical-loaded',
    begun: 2,
    what: 'both are under load, both have sent a classical initiation',
    options: { classical: true, loadChanges: [1, 1] },
    prepare: loaded(0, 1),
  },
];

export const starts: readonly Start[] = all.map(({ options, smaller = 0, begun = 0, ...start }) => ({
  ...start,
  smaller,
  begun,
  options: { ...plain, ...options },
}));

/** A fresh model in its start state: the same one at each call. */
export function begin(start: Start, cryptography: Cryptography): Model {
  const suite = (side: Side): Suite =>
    cryptography === 'paper' ? paperSuite(1 + side) : nodeSuite({ random: seededRandom(`end ${side}`) });
  const model = new Model({
    ...start.options,
    crypto: [suite(0), suite(1)],
    identities: identitiesFor(start, cryptography),
  });
  start.prepare(model);
  return model;
}

const made = new Map<string, readonly [Identity, Identity]>();

/** Two identities, the smaller ID (or key) where `start` wants it. Made once: engines only read them. */
function identitiesFor(start: Start, cryptography: Cryptography): readonly [Identity, Identity] {
  const { classical } = start.options;
  const name = `${cryptography} ${classical} ${start.smaller}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const crypto = cryptography === 'paper' ? paperSuite(1) : nodeSuite();
  const random = seededRandom('identities');
  const compared = (identity: Identity): Uint8Array =>
    (classical ? undefined : identity.id(1)) ?? identity.dh.publicKey;
  const fresh = (): Identity => new Identity(crypto, new Secret(random(32)), new Secret(random(64)));
  const [one, other] = [fresh(), fresh()];
  const smallerFirst = compareBytes(compared(one), compared(other)) < 0;
  const pair = smallerFirst === (start.smaller === 0) ? ([one, other] as const) : ([other, one] as const);
  made.set(name, pair);
  return pair;
}
