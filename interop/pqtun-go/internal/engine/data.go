package engine

import (
	"net/netip"

	"pqtun-go/internal/wire"
)

// use says what a transport packet counts for in the timers.
type use int

const (
	sendData      use = iota // an inner packet
	sendKeepalive            // an empty payload
	sendProbe                // 0x01 up to 64 B: data sent, for T3 (T4)
	sendOther                // larger probes, path probes and answers
)

// SendPacket sends an inner packet to a peer, or stages it and initiates. It
// returns false when the packet is no IP packet of sound length.
func (e *Engine) SendPacket(now Instant, name string, packet []byte) bool {
	e.expire(now)
	p := e.byName[name]
	inner, _, ok := wire.InnerSource(packet)
	if p == nil || !ok || len(inner) != len(packet) {
		return false
	}
	p.lastOutgoing = now
	if p.current.canSend() {
		e.send(now, p.current, packet, sendData)
		return true
	}
	if len(p.staged) >= stagedPackets {
		p.staged = p.staged[1:]
		e.drop(DropStagedOverflow)
	}
	p.staged = append(p.staged, append([]byte(nil), packet...))
	e.initiate(now, p)
	return true
}

// flushStaged sends what waited, in order, under a session.
func (e *Engine) flushStaged(now Instant, s *session) {
	staged := s.peer.staged
	s.peer.staged = nil
	for _, packet := range staged {
		e.send(now, s, packet, sendData)
	}
}

// canSend is false for none and past REJECT_AFTER_MESSAGES; age was seen to by
// expire.
func (s *session) canSend() bool {
	return s != nil && s.sendCounter < rejectAfterMessages
}

// send seals a payload under a session for the peer's endpoint.
func (e *Engine) send(now Instant, s *session, payload []byte, kind use) {
	e.sendTo(now, s.peer.endpoint, s, payload, kind)
}

func (e *Engine) sendTo(now Instant, to netip.AddrPort, s *session, payload []byte, kind use) {
	if !s.canSend() {
		e.drop(DropMessagesExhausted)
		e.initiate(now, s.peer)
		return
	}
	padded := payload
	if kind == sendData {
		padded = wire.Pad(payload, e.cfg.TunnelMTU)
	}
	counter := s.sendCounter
	s.sendCounter++
	e.transmit(to, wire.BuildTransport(s.remote, counter, &s.sendKey, padded))
	e.onSent(now, s, kind)
}

// handleTransport is the path of a 0x04 datagram:
//
//	header → index → counter → tag → replay → confirm (C5) → roaming → payload
func (e *Engine) handleTransport(now Instant, from netip.AddrPort, data []byte) {
	t, ok := wire.ParseTransport(data)
	if !ok {
		e.drop(DropMalformed)
		return
	}
	s := e.indices[t.Receiver].session
	if s == nil {
		e.drop(e.unknownIndex(now, t.Receiver))
		return
	}
	if t.Counter >= rejectAfterMessages {
		e.drop(DropCounter)
		return
	}
	payload, ok := t.Open(&s.receiveKey)
	if !ok {
		e.drop(DropTag)
		return
	}
	accepted, highest := s.window.Accept(t.Counter)
	if !accepted {
		e.drop(DropReplay)
		return
	}
	answerOrPathProbe := len(payload) > 0 && (payload[0] == wire.KindAnswer || payload[0] == wire.KindPathProbe)
	confirms := s.entry != nil
	if confirms {
		if answerOrPathProbe { // C1
			e.drop(DropUnconfirming)
			return
		}
		if !e.confirm(now, from, s) {
			return
		}
	} else if s == s.peer.current && highest && !answerOrPathProbe {
		e.moveEndpoint(s.peer, from)
	}
	e.onReceived(now, s)
	e.handlePayload(now, from, s.peer, payload)
	if confirms && s.peer.current.canSend() {
		e.flushStaged(now, s.peer.current) // N3: under the current session
	}
}

func (e *Engine) unknownIndex(now Instant, i wire.Index) Drop {
	if at, known := e.retired[i]; known && now-at <= retiredRemembered {
		return DropProfileMismatch
	}
	return DropUnknownIndex
}

func (e *Engine) handlePayload(now Instant, from netip.AddrPort, p *Peer, payload []byte) {
	if len(payload) == 0 {
		return
	}
	if wire.IsControl(payload) {
		e.handleControl(now, from, p, payload)
		return
	}
	packet, source, ok := wire.InnerSource(payload)
	if !ok {
		e.drop(DropInner)
		return
	}
	if e.peerOfSource(source) != p {
		e.drop(DropSource)
		return
	}
	e.onDataReceived(now, p)
	e.emit(Deliver{Peer: p.cfg.Name, Packet: packet})
}

// SetSendCounter moves the current session's next counter forward, so that
// tests need not send 2^32 packets to use it.
func (e *Engine) SetSendCounter(name string, counter uint64) bool {
	p := e.byName[name]
	if p == nil || p.current == nil || counter < p.current.sendCounter {
		return false
	}
	p.current.sendCounter = counter
	return true
}
