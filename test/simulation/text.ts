/** Addresses as people write them, for the model and for traces. */
import type { Endpoint } from '@pqtun/core';

/** `192.0.2.1:51820` or `[20010db8…]:51820`. */
export function endpointText({ ip, port }: Endpoint): string {
  if (ip.length === 4) return `${ip.join('.')}:${port}`;
  return `[${Buffer.from(ip).toString('hex')}]:${port}`;
}

/** `12.345 s`, or `1d 02:03:04.567` beyond a day. */
export function timeText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 86_400) return `${seconds.toFixed(3)} s`;
  const days = Math.floor(seconds / 86_400);
  const clock = new Date(Math.round(milliseconds - days * 86_400_000)).toISOString().slice(11, 23);
  return `${days}d ${clock}`;
}
