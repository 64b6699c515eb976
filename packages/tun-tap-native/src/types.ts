/** The shapes of the public API. Addresses are raw network-order bytes, 4 B (IPv4) or 16 B (IPv6); IPv4-mapped IPv6 is reduced to 4 B. */

/** Where a datagram came from or goes to. */
export interface UdpAddress {
  readonly ip: Uint8Array;
  readonly port: number;
  /** Interface index of a link-local IPv6 address, else 0. */
  readonly scope: number;
}

export interface TunOptions {
  /** Interface name, at most 15 characters; `%d` is numbered by the kernel. Default `tun%d`. */
  readonly name?: string;
  readonly kind?: 'tun' | 'tap';
  /** Adopts an open descriptor instead of creating one; it is closed with the device. */
  readonly fd?: number;
  /** Bytes left free before each packet handed to `onPackets`, 0 … 256. Default 0. */
  readonly headroom?: number;
  /** Bytes left free behind it. Default 0. */
  readonly tailroom?: number;
  /** Packets read in one turn at most, 1 … 256. Default 64. */
  readonly batch?: number;
}

export interface Tun {
  readonly name: string;
  readonly kind: 'tun' | 'tap';
  /** 0 when an adopted device lives in another network namespace. */
  readonly interfaceIndex: number;
  readonly fd: number;
  readonly closed: boolean;
  /**
   * Starts reading. `onPackets` gets the packets of one turn; each is a view with `headroom` and `tailroom` writable bytes
   * around it in the same buffer, valid until the callback returns: the next turn overwrites it. `onError` gets one error
   * that ended reading (a deleted device gives code `EBADFD`); nothing follows it.
   */
  start(
    onPackets: (packets: readonly Uint8Array[]) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
  /** Stops reading; the device stays. */
  stop(): void;
  /** Writes each packet; returns how many the kernel took. Packets it refused for lack of room (EAGAIN, ENOBUFS) are lost. */
  write(packets: readonly Uint8Array[]): number;
  counters(): TunCounters;
  /** Releases the device (a non-persistent one vanishes). Harmless when repeated; also done by the garbage collector. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface TunCounters {
  readonly packetsRead: number;
  readonly packetsWritten: number;
  /** Packets the kernel did not take: no room, interface down, not IP. */
  readonly packetsRefused: number;
}

export interface UdpOptions {
  readonly family: 4 | 6;
  /** Local address, default any. */
  readonly ip?: Uint8Array;
  /** Local port, default chosen by the kernel. */
  readonly port?: number;
  /** Interface index that a link-local `ip` belongs to. */
  readonly scope?: number;
  /** Adopts a bound socket. */
  readonly fd?: number;
  /** IPv6 only; default true, so that an IPv4 socket may share the port. */
  readonly ipv6Only?: boolean;
  /** SO_MARK, needs CAP_NET_ADMIN. 0 or absent: none. */
  readonly mark?: number;
  /** Bytes; SO_RCVBUFFORCE, falling back to SO_RCVBUF. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  /** `probe`: DF set, path MTU of the kernel ignored (IP_PMTUDISC_PROBE). Default `probe`. */
  readonly pathMtuDiscovery?: 'probe' | 'do' | 'dont';
  /** Datagrams received in one turn, and sent in one system call, at most, 1 … 256. Default 64. */
  readonly batch?: number;
  /** Longest datagram received, in bytes; longer ones are dropped and counted as `oversize`. Default 65,535. */
  readonly longest?: number;
  /** SO_REUSEPORT. */
  readonly reusePort?: boolean;
}

export interface ReceivedDatagram {
  /** View into the receive buffer, valid until the callback returns. */
  readonly bytes: Uint8Array;
  readonly from: UdpAddress;
  /** Address the datagram was sent to, and the interface it came in by (packet info). Addresses are copies that may be kept. */
  readonly localIp: Uint8Array;
  readonly interfaceIndex: number;
}

export interface DatagramToSend {
  readonly bytes: Uint8Array;
  readonly to: UdpAddress;
  /** Source address to send from (packet info); absent: the kernel chooses. */
  readonly localIp?: Uint8Array;
  readonly interfaceIndex?: number;
}

export interface SendFailure {
  /** Position in the array that was sent. */
  readonly position: number;
  /** `EMSGSIZE`, `ENETUNREACH`, `EPERM`, `ENOBUFS`, `EAGAIN`, … */
  readonly code: string;
}

export interface Udp {
  readonly family: 4 | 6;
  readonly port: number;
  readonly fd: number;
  readonly closed: boolean;
  start(
    onDatagrams: (datagrams: readonly ReceivedDatagram[]) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
  stop(): void;
  /** Sends each by sendmmsg; a failing one is skipped and reported, the rest still go. */
  send(datagrams: readonly DatagramToSend[]): readonly SendFailure[];
  setMark(mark: number): void;
  counters(): UdpCounters;
  close(): void;
  [Symbol.dispose](): void;
}

export interface UdpCounters {
  readonly datagramsReceived: number;
  readonly datagramsSent: number;
  /** Dropped for being longer than `longest`. */
  readonly oversize: number;
  /** Transient errors met while receiving (ICMP errors, no memory); reading went on. */
  readonly receiveErrors: number;
  readonly sendFailures: number;
}

/** A timer on CLOCK_BOOTTIME: fires also for time spent in suspend. */
export interface BootTimer {
  /** Arms for `deadline` (milliseconds of `bootTime()`); a past one fires on the next turn. Replaces the earlier one. */
  arm(deadline: number): void;
  disarm(): void;
  close(): void;
  [Symbol.dispose](): void;
}

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a process can give up; absent: left as it is. */
export interface Hardening {
  /** PR_SET_DUMPABLE 0: no ptrace and no /proc/self/mem for other processes of the user. */
  readonly dumpable?: false;
  /** RLIMIT_CORE 0. */
  readonly coreDumps?: false;
  /** PR_SET_NO_NEW_PRIVS, of the calling thread and all that it starts: call it on the main thread, before there are workers. */
  readonly noNewPrivileges?: true;
}

export interface NativeCapabilities {
  /** Whether a TUN can be opened; `reason` says why not. */
  readonly tun: boolean;
  readonly reason?: string;
  readonly vnetHdr: boolean;
  readonly multiQueue: boolean;
  readonly udpGso: boolean;
  readonly udpGro: boolean;
  /** CAP_NET_ADMIN: marks, and buffers beyond the system's limit. */
  readonly netAdmin: boolean;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly running: boolean;
  readonly kind: string | undefined;
}

export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly ip: Uint8Array;
  readonly bits: number;
}

export interface Route {
  readonly destination: Uint8Array;
  readonly bits: number;
  readonly gateway?: Uint8Array;
  /** Name of the outgoing interface. */
  readonly device?: string;
  /** Routing table, default main (254). */
  readonly table?: number;
  readonly metric?: number;
  readonly source?: Uint8Array;
  readonly mtu?: number;
}

export interface Rule {
  readonly family: 4 | 6;
  readonly priority?: number;
  readonly mark?: number;
  readonly mask?: number;
  readonly table?: number;
  /** `not`: the rule matches what does not carry the mark. */
  readonly invert?: boolean;
  readonly suppressPrefixLength?: number;
}

/** What the kernel would do with a packet to an address. */
export interface RouteLookup {
  readonly device: string;
  readonly interfaceIndex: number;
  readonly gateway: Uint8Array | undefined;
  readonly source: Uint8Array | undefined;
  /** The route's own MTU, else the interface's. */
  readonly mtu: number;
}

/** Links, addresses, routes and rules by netlink; synchronous, in the network namespace of the process. Errors carry `code`. */
export interface Netlink {
  links(): Link[];
  link(name: string): Link | undefined;
  setLink(
    name: string,
    change: { up?: boolean; mtu?: number; txQueueLength?: number; rename?: string; netnsPid?: number },
  ): void;
  /** A veth pair; the second end is created in the network namespace of process `peerNetnsPid` when given. */
  createVeth(name: string, peerName: string, peerNetnsPid?: number): void;
  deleteLink(name: string): void;
  addresses(name?: string): InterfaceAddress[];
  addAddress(name: string, ip: Uint8Array, bits: number): void;
  removeAddress(name: string, ip: Uint8Array, bits: number): void;
  routes(family: 4 | 6, table?: number): Route[];
  addRoute(route: Route): void;
  removeRoute(route: Route): void;
  routeTo(ip: Uint8Array, mark?: number): RouteLookup;
  rules(family: 4 | 6): Rule[];
  addRule(rule: Rule): void;
  removeRule(rule: Rule): void;
  /** Calls back after links, addresses or routes changed, once per burst. */
  watch(onChange: (what: ReadonlySet<'link' | 'address' | 'route'>) => void): { close(): void };
}

/** Frames of one interface, both directions (AF_PACKET). For tests and demonstrations. */
export interface Capture {
  /** `frame` is a view, valid until the callback returns; `outgoing` is seen from this interface. */
  start(onFrames: (frames: readonly { frame: Uint8Array; outgoing: boolean }[]) => void): void;
  /** Frames the kernel dropped for lack of room since the last call. */
  dropped(): number;
  close(): void;
  [Symbol.dispose](): void;
}
