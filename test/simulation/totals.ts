/** What was simulated, summed over seeds. */

export interface Totals {
  seeds: number;
  /** Virtual milliseconds. */
  time: number;
  /** Completed as initiator (S1). */
  handshakes: number;
  packetsSent: number;
  packetsDelivered: number;
  datagrams: number;
  /** Datagrams that were dropped. */
  rejections: number;
  /** Observations judged by the model. */
  observations: number;
}

export const noTotals = (): Totals => ({
  seeds: 0,
  time: 0,
  handshakes: 0,
  packetsSent: 0,
  packetsDelivered: 0,
  datagrams: 0,
  rejections: 0,
  observations: 0,
});

export function addTotals(to: Totals, more: Totals): void {
  to.seeds += more.seeds;
  to.time += more.time;
  to.handshakes += more.handshakes;
  to.packetsSent += more.packetsSent;
  to.packetsDelivered += more.packetsDelivered;
  to.datagrams += more.datagrams;
  to.rejections += more.rejections;
  to.observations += more.observations;
}

const year = 365.25 * 86_400_000;

export function totalsText(totals: Totals): string {
  const { seeds, time, handshakes, packetsSent, packetsDelivered, datagrams, rejections, observations } =
    totals;
  return [
    `${count(seeds)} seeds, ${(time / year).toFixed(2)} simulated years`,
    `${count(handshakes)} handshakes completed`,
    `${count(packetsSent)} packets sent, ${count(packetsDelivered)} delivered`,
    `${count(datagrams)} datagrams, ${count(rejections)} rejected`,
    `${count(observations)} events checked`,
  ].join('; ');
}

const count = (number: number): string => number.toLocaleString('en');
