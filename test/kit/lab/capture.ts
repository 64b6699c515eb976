/** Watches one interface and says what crossed it: outer datagram types by first byte, and marks of the file in the clear. */
import { openCapture } from 'tun-tap-native';
import { mark } from './payload.ts';

export interface CaptureReport {
  readonly frames: number;
  readonly bytes: number;
  /** UDP payloads by first byte, in hex: `{"11": 4, "04": 70000}`. */
  readonly types: Readonly<Record<string, number>>;
  /** Bytes in UDP payloads that are neither handshake nor transport. */
  readonly otherFrames: number;
  /** Frames that held a piece of the file. */
  readonly marked: number;
  /** Frames the kernel could not hand over. */
  readonly missed: number;
}

/** Starts watching; the returned function ends it and reports. `link`: the frames begin with an Ethernet header. */
export function watch(
  device: string,
  link: 'ethernet' | 'none',
  udpPorts: readonly number[],
): () => CaptureReport {
  const capture = openCapture(device);
  let frames = 0;
  let bytes = 0;
  let marked = 0;
  let missed = 0;
  let otherFrames = 0;
  const types = new Map<string, number>();
  capture.start((batch) => {
    for (const { frame } of batch) {
      frames += 1;
      bytes += frame.length;
      if (Buffer.from(frame.buffer, frame.byteOffset, frame.length).includes(mark)) marked += 1;
      const payload = udpPayload(frame.subarray(link === 'ethernet' ? 14 : 0), udpPorts);
      if (payload === undefined) otherFrames += 1;
      else {
        const type = (payload[0] ?? 0).toString(16).padStart(2, '0');
        types.set(type, (types.get(type) ?? 0) + 1);
      }
    }
    missed += capture.dropped();
  });
  return () => {
    missed += capture.dropped();
    capture.close();
    return { frames, bytes, types: Object.fromEntries([...types].sort()), otherFrames, marked, missed };
  };
}

/** Payload of a UDP packet to or from one of `ports`, IPv4 or IPv6 without extension headers. */
function udpPayload(packet: Uint8Array, ports: readonly number[]): Uint8Array | undefined {
  const version = (packet[0] ?? 0) >> 4;
  const header = version === 4 ? ((packet[0] ?? 0) & 15) * 4 : 40;
  const protocol = version === 4 ? packet[9] : version === 6 ? packet[6] : undefined;
  if (protocol !== 17 || packet.length < header + 8) return undefined;
  const port = (at: number): number => ((packet[header + at] ?? 0) << 8) | (packet[header + at + 1] ?? 0);
  return ports.includes(port(0)) || ports.includes(port(2)) ? packet.subarray(header + 8) : undefined;
}
