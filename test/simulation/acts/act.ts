/** One thing that befalls a world. */
import type { Simulation } from '../simulation.ts';

export interface Act {
  readonly name: string;
  /** How often, among all acts. */
  readonly weight: number;
  play(simulation: Simulation): void;
}

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
export const year = 365.25 * day;
