/** What interop needs of the tunnel package; its own manifest names core alone. */
export { memoryDevice, openTunnel, Secret, type Tunnel, type TunnelConfig } from '@pqtun/tunnel';
