package engine

import (
	"math"

	"pqtun-go/internal/wire"
)

// never is a deadline that does not come.
const never = Instant(math.MaxInt64)

// timers are a peer's deadlines beside those of its sequence and sessions.
// Only the on… functions below, and what they name, set them.
type timers struct {
	keepalive  Instant // T2: data was received and nothing sent since
	silence    Instant // T3: data was sent and nothing received since
	persistent Instant // T4
	forget     Instant // T6: 3 × REJECT_AFTER_TIME without a session
}

func newTimers() timers {
	return timers{keepalive: never, silence: never, persistent: never, forget: never}
}

// onSent is called after any transport packet was sent under a session.
func (e *Engine) onSent(now Instant, s *session, kind use) {
	p := s.peer
	switch kind {
	case sendData, sendKeepalive:
		p.timers.keepalive = never // T2
	}
	switch kind {
	case sendData, sendProbe:
		if p.timers.silence == never { // T3, T4
			p.timers.silence = now + keepaliveTimeout + rekeyTimeout + e.chance(rekeyTimeout/5)
		}
	}
	p.restartPersistent(now)
	// T1: by time only the initiator, by messages either side.
	byTime := s.role == Initiator && now-s.born > p.cfg.Profile.RekeyAfter
	if byTime || s.sendCounter > rekeyAfterMessages {
		e.initiate(now, p)
	}
}

// onReceived is called after a transport packet of a confirmed session
// verified.
func (e *Engine) onReceived(now Instant, s *session) {
	p := s.peer
	e.onAuthenticatedReceived(now, p)
	limit := p.cfg.Profile.RejectAfter - keepaliveTimeout - rekeyTimeout
	if s.role == Initiator && now-s.born > limit { // T1, current or previous
		e.initiate(now, p)
	}
}

// onAuthenticatedReceived is called after S1 and after onReceived's packets.
func (e *Engine) onAuthenticatedReceived(now Instant, p *Peer) {
	p.timers.silence = never // T3
	p.restartPersistent(now)
}

// onDataReceived is called after an inner packet was found good.
func (e *Engine) onDataReceived(now Instant, p *Peer) {
	if p.timers.keepalive == never {
		p.timers.keepalive = now + keepaliveTimeout // T2
	}
}

func (p *Peer) restartPersistent(now Instant) {
	if p.cfg.PersistentKeepalive > 0 {
		p.timers.persistent = now + p.cfg.PersistentKeepalive
	}
}

// Advance does everything that is due. Call it at NextDeadline.
func (e *Engine) Advance(now Instant) {
	e.expire(now)
	for _, p := range e.peers {
		e.fireTimers(now, p)
		e.runSequence(now, p)
	}
}

func (e *Engine) fireTimers(now Instant, p *Peer) {
	if now >= p.timers.keepalive { // T2
		p.timers.keepalive = never
		if p.current.canSend() {
			e.send(now, p.current, nil, sendKeepalive)
		}
	}
	if now >= p.timers.silence { // T3
		p.timers.silence = never
		e.initiate(now, p)
	}
	if now >= p.timers.persistent { // T4
		p.restartPersistent(now)
		p.lastOutgoing = now // N3
		if p.current.canSend() {
			e.sendProbe(now, p, wire.KindProbe, [8]byte(e.random(8)), wire.MinControl, p.endpoint)
		} else {
			e.initiate(now, p)
		}
	}
	if now >= p.timers.forget { // T6
		p.timers.forget = never
		p.timers.keepalive, p.timers.silence = never, never
		p.staged = nil
		p.cookie = heldCookie{}
	}
}

// expire is what age alone does: sessions (T6) and initiations that no sequence
// stands behind any more (N1).
func (e *Engine) expire(now Instant) {
	for _, p := range e.peers {
		e.expireSessions(now, p)
		if p.outstanding != nil && p.sequence == nil && now >= p.outstanding.ends {
			e.endOutstanding(p)
		}
	}
}

// NextDeadline is when Advance is to be called next; never when there is
// nothing to wait for.
func (e *Engine) NextDeadline() Instant {
	at := never
	for _, p := range e.peers {
		at = min(at, p.timers.keepalive, p.timers.silence, p.timers.persistent, p.timers.forget)
		if seq := p.sequence; seq != nil {
			at = min(at, seq.nextAt)
			if len(seq.copies) > 0 {
				at = min(at, seq.copies[0])
			}
			if seq.attempts > 0 {
				at = min(at, p.givesUpAt())
			}
		} else if p.outstanding != nil {
			at = min(at, p.outstanding.ends)
		}
		for _, s := range []*session{p.current, p.previous} {
			if s != nil {
				at = min(at, s.born+p.cfg.Profile.RejectAfter)
			}
		}
		for _, entry := range p.pending {
			at = min(at, entry.next.born+p.cfg.Profile.RejectAfter)
		}
	}
	return at
}
