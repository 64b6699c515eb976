/** The native plane in core's nouns: secrets are borrowed and destroyed, plain numbers become what they are. */
import {
  type DataPlane,
  type PeerActivity,
  type PlaneMessage,
  type PlaneOutput,
  peerId,
  sessionIndex,
} from '@pqtun/core';
import type { NativeOutput, NativeTestPlane } from 'tun-tap-native/testing/plane-data-plane';

/** The types of what PlaneVerbs gives, which tun-tap-native does not export for others. */
type Native = ReturnType<NativeTestPlane['takeReports']>;

export function nativePort(native: NativeTestPlane): DataPlane {
  return {
    install(now, session) {
      const { sendKey, receiveKey } = session;
      try {
        native.install(now, { ...session, sendKey: sendKey.borrow(), receiveKey: receiveKey.borrow() });
      } finally {
        sendKey.destroy();
        receiveKey.destroy();
      }
    },
    retire: (now, index) => native.retire(now, index),
    wipeKeys: (now, peer) => native.wipeKeys(now, peer),
    removePeer: (now, peer) => native.removePeer(now, peer),
    setPeer: (peer, settings) => native.setPeer(peer, settings),
    resetTimestamp: (peer) => native.resetTimestamp(peer),
    setRoutes: (changes) => native.setRoutes(changes),
    transmit: (now, peer, payload, to) => native.transmit(now, peer, payload, to),
    flushStaged: (now, peer) => native.flushStaged(now, peer),
    purgeStaged: (peer) => native.purgeStaged(peer),
    sendDatagrams: (datagrams) => native.sendDatagrams(datagrams),
    setGate: (settings) => native.setGate(settings),
    takeReports() {
      const { activity, messages, drops, cookieReplies } = native.takeReports();
      return { activity: activity.map(activityOf), messages: messages.map(messageOf), drops, cookieReplies };
    },
    peerCounters: (peers) => native.peerCounters(peers),
  };
}

export function outputOf(output: NativeOutput): PlaneOutput {
  return output.kind === 'packet' ? { ...output, peer: peerId(output.peer) } : output;
}

function activityOf(native: Native['activity'][number]): PeerActivity {
  const { peer, confirmed, retired, limitNear, ...rest } = native;
  return {
    ...rest,
    peer: peerId(peer),
    confirmed: confirmed.map((each) => ({ ...each, index: sessionIndex(each.index) })),
    retired: retired.map(sessionIndex),
    limitNear: limitNear === undefined ? undefined : sessionIndex(limitNear),
  };
}

function messageOf(native: Native['messages'][number]): PlaneMessage {
  return native.kind === 'control' ? { ...native, peer: peerId(native.peer) } : native;
}
