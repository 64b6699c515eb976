package engine

import (
	"bytes"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/transport"
	"pqtun-go/internal/wire"
)

// Role is the part a party had in the handshake of a session.
type Role string

// The roles.
const (
	Initiator Role = "initiator"
	Responder Role = "responder"
)

// session is one pair of transport keys: a next (entry set), the current or
// the previous one.
type session struct {
	peer          *Peer
	role          Role
	local, remote wire.Index
	sendKey       primitives.Key
	receiveKey    primitives.Key
	sendCounter   uint64
	window        transport.ReplayWindow
	born          Instant // S1 on this side
	confirmedAt   Instant
	entry         *pendingInitiation // while it is a next
}

func newSession(now Instant, p *Peer, role Role, local, remote wire.Index, keys *handshake.Keys) *session {
	s := &session{peer: p, role: role, local: local, remote: remote, born: now}
	s.sendKey, s.receiveKey = keys.InitiatorToResponder, keys.ResponderToInitiator
	if role == Responder {
		s.sendKey, s.receiveKey = s.receiveKey, s.sendKey
	}
	*keys = handshake.Keys{} // nobody asks for the exporter secret here
	return s
}

// initiatorID is the ID that N4 compares.
func (s *session) initiatorID() *primitives.Key {
	if s.role == Initiator {
		return &s.peer.local.ID
	}
	return &s.peer.remote.ID
}

// install makes a confirmed session the current one and the old current the
// previous one (C5), unless N4 has it become the previous one at once. It
// returns whether the session became current.
func (e *Engine) install(now Instant, s *session) bool {
	p := s.peer
	s.confirmedAt = now
	s.entry = nil
	p.timers.forget = never
	if p.current != nil && crosses(p.current, s) && bytes.Compare(p.current.initiatorID()[:], s.initiatorID()[:]) < 0 {
		e.eraseSession(p.previous)
		p.previous = s
		return false
	}
	e.eraseSession(p.previous)
	p.previous = p.current
	p.current = s
	return true
}

// crosses is N4: one confirmed as initiator, one as responder, within
// REKEY_TIMEOUT.
func crosses(old, new *session) bool {
	return old.role != new.role && new.confirmedAt-old.confirmedAt <= rekeyTimeout
}

// eraseSession forgets the keys and the index; nil is none.
func (e *Engine) eraseSession(s *session) {
	if s == nil {
		return
	}
	delete(e.indices, s.local)
	clear(s.sendKey[:])
	clear(s.receiveKey[:])
}

// expireSessions is T6: past REJECT_AFTER_TIME a session is erased.
func (e *Engine) expireSessions(now Instant, p *Peer) {
	old := func(s *session) bool { return s != nil && now-s.born >= p.cfg.Profile.RejectAfter }
	had := p.current != nil || p.previous != nil
	if old(p.previous) {
		e.retire(now, p.previous)
		p.previous = nil
	}
	if old(p.current) {
		e.retire(now, p.current)
		p.current = nil
	}
	for i := 0; i < len(p.pending); {
		if entry := p.pending[i]; old(entry.next) {
			e.rememberIndex(now, entry.next.local)
			e.removePending(entry)
			continue
		}
		i++
	}
	if had && p.current == nil && p.previous == nil {
		p.timers.forget = now + 3*p.cfg.Profile.RejectAfter
	}
}

func (e *Engine) retire(now Instant, s *session) {
	e.rememberIndex(now, s.local)
	e.eraseSession(s)
}

// rememberIndex keeps an index that was erased by age, so that data arriving
// on it within the hour counts as profile-mismatch (T6).
func (e *Engine) rememberIndex(now Instant, i wire.Index) {
	if len(e.retired) >= retiredLimit {
		for index, at := range e.retired {
			if now-at > retiredRemembered {
				delete(e.retired, index)
			}
		}
	}
	if len(e.retired) < retiredLimit {
		e.retired[i] = now
	}
}
