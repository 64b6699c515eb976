/** What other members of the workspace may use of the daemon: its configuration files, its catalogue and its control socket. */
export { bashCompletion } from './commands/completion.ts';
export { ConfigError, type Problem } from './config/config-error.ts';
export { type ParseOptions, parseConfig } from './config/config-file.ts';
export type { KeySources } from './config/key-source.ts';
export { type DaemonConfig, destroyConfig } from './config/model.ts';
export { type PublicKeyCheck, publicKeyCheck } from './config/public-key-check.ts';
export { type ConfigModel, configModel, jsonSchema, modelOf } from './config/schema.ts';
export { writeConfig, writeStripped } from './config/write.ts';
export { call } from './control/client.ts';
export { protocolVersion } from './control/protocol.ts';
export { type PeerStatus, type Status, status } from './control/status.ts';
export { type EventId, eventCatalogue } from './events.ts';
export { type ExitCode, exitCodes } from './exit-codes.ts';
export { Metrics } from './metrics.ts';
