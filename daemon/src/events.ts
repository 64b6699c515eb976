/**
 * Every line the daemon logs: a stable id, a level, and what it means. The id is the `event` field of the JSON line; match on
 * it, not on the text. docs/operations.md lists the same catalogue. Nothing is logged per packet, and never a key.
 */
export const eventCatalogue = {
  /* the life of the daemon */
  starting: ['info', 'the daemon starts'],
  ready: ['info', 'the tunnel is up: device, addresses and routes are there'],
  'start-failed': ['error', 'the tunnel could not be brought up; what had been done is undone'],
  stopping: ['info', 'the daemon was asked to stop'],
  stopped: ['info', 'everything is undone'],
  crashed: ['fatal', 'an error of our own; the tunnel is taken down'],
  /* configuration */
  reloaded: ['info', 'a new configuration is in effect'],
  'reload-refused': ['error', 'the new configuration was refused; the old one stays in effect'],
  'peers-changed': ['info', 'peers were changed over the control socket, or anything over the UAPI socket'],
  'config-saved': ['info', 'the configuration was written back (SaveConfig)'],
  'config-not-saved': ['error', 'the configuration could not be written back'],
  'hook-failed': ['error', 'a PreDown or PostDown command failed'],
  /* the system around the tunnel */
  'leftovers-undone': ['warn', 'rules or settings of a killed predecessor were taken back'],
  'leftovers-kept': ['error', 'rules or settings of a killed predecessor could not be taken back'],
  'undo-failed': ['error', 'something could not be undone'],
  'device-lost': ['error', 'the tunnel device is gone; the daemon stops'],
  failed: ['error', 'the tunnel failed; the daemon stops'],
  /* state on disk */
  'state-damaged': ['warn', 'the state file is damaged; started without it'],
  'state-not-saved': ['error', 'state could not be written; going on in memory'],
  /* peers */
  'peer-established': ['info', 'a session with a peer began'],
  'peer-expired': ['info', 'the last session with a peer ended'],
  'peer-roamed': ['info', 'a peer is heard from another address'],
  'path-mtu': ['info', 'how long packets may be on the way to a peer was found out, or has changed'],
  'handshake-gave-up': ['warn', 'a peer did not answer for 90 seconds'],
  'endpoint-unresolved': ['warn', 'the name of an endpoint has no address now'],
  'offload-off': [
    'warn',
    'the system does not do this for the native plane, which goes on without; once for each',
  ],
  dropped: ['debug', 'packets or datagrams died for a reason; at most one line a second and reason'],
  'under-load': ['warn', 'handshakes come faster than allowed; strangers must prove their address'],
  /* control and metrics */
  'control-request': ['debug', 'a request on the control socket'],
  'control-refused': ['warn', 'another user tried the control socket or the UAPI socket'],
  'uapi-listening': ['info', 'the UAPI socket answers `wg`'],
  'uapi-unavailable': ['warn', 'there is no UAPI socket; the tunnel runs without it'],
  'uapi-request': ['debug', 'a request on the UAPI socket'],
  'uapi-refused': ['warn', 'a request on the UAPI socket was refused; nothing was changed'],
  'metrics-listening': ['info', 'metrics are served'],
  'metrics-not-loopback': ['warn', 'metrics are served beyond this machine'],
} as const satisfies Record<string, readonly ['debug' | 'info' | 'warn' | 'error' | 'fatal', string]>;

export type EventId = keyof typeof eventCatalogue;

/** Logs one event with fields that are fit to print. */
export type EventLog = (id: EventId, fields?: Readonly<Record<string, unknown>>) => void;
