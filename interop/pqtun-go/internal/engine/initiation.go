package engine

import (
	"net/netip"
	"time"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// outstanding is our last initiation to a peer, until S1, the next one, or
// giving up (N1).
type outstanding struct {
	peer         *Peer
	index        wire.Index
	handshake    *handshake.Initiator
	datagrams    [][]byte // mac2 zero
	to           netip.AddrPort
	cookieActed  bool
	reassemblies map[responseKey]*wire.Reassembly
	ends         Instant // when no sequence is running any more
}

// sequence is a course of attempts (N3).
type sequence struct {
	attempts  int
	firstAt   Instant
	nextAt    Instant
	copies    []Instant // of the last initiation, still to be sent
	overIPv4  bool      // the last attempt
	postponed bool      // T5, once
}

// initiate starts a sequence of attempts, unless one is running.
func (e *Engine) initiate(now Instant, p *Peer) {
	if p.sequence != nil {
		return
	}
	if !p.endpoint.IsValid() {
		e.drop(DropNoEndpoint)
		return
	}
	p.sequence = &sequence{nextAt: now}
	e.attempt(now, p)
}

// attempt makes and sends a new initiation, or postpones it (T5).
func (e *Engine) attempt(now Instant, p *Peer) {
	seq := p.sequence
	if born, any := p.youngestNext(); any && now-born < rekeyTimeout && !seq.postponed {
		seq.postponed = true
		seq.nextAt = born + rekeyTimeout
		return
	}
	e.noteFailedAttempt(p)
	e.endOutstanding(p)
	if seq.attempts == 0 {
		seq.firstAt = now
	}
	seq.attempts++
	seq.overIPv4 = p.endpoint.Addr().Is4()
	seq.copies = nil
	if seq.attempts <= copiedAttempts {
		seq.copies = []Instant{now + firstCopy, now + secondCopy}
	}
	seq.nextAt = now + e.jittered(retryInterval(seq.attempts, p.cfg.Profile))
	out, err := e.createInitiation(now, p)
	if err != nil {
		e.emit(Alarm{Text: "initiation to " + p.cfg.Name + ": " + err.Error()})
		return
	}
	p.outstanding = out
	e.indices[out.index] = owner{outstanding: out}
	e.sendInitiation(now, out)
}

func (e *Engine) createInitiation(now Instant, p *Peer) (*outstanding, error) {
	ts, err := e.clock.next(e.cfg.Wall(now))
	if err != nil {
		e.emit(Alarm{Text: "timestamp ceiling not stored: " + err.Error()})
	}
	index := e.newIndex()
	state, body, err := handshake.CreateInitiation(&e.cfg.Source, p.local, p.remote, &p.cfg.PSK, ts, index, nil)
	if err != nil {
		return nil, err
	}
	largest := e.cfg.LargestDatagram
	if p.endpoint.Addr().Is4() && p.failedIPv4 >= smallDatagramAfter {
		largest = wire.MinDatagram
	}
	return &outstanding{
		peer:         p,
		index:        index,
		handshake:    state,
		datagrams:    wire.Split(wire.InitiationGeometry(p.cfg.Suite, largest), index, 0, body, p.mac1Key[:]),
		to:           p.endpoint,
		reassemblies: map[responseKey]*wire.Reassembly{},
	}, nil
}

// sendInitiation sends an initiation or a copy, with mac2 while a cookie is
// held for its address (N3).
func (e *Engine) sendInitiation(now Instant, out *outstanding) {
	cookie := &out.peer.cookie
	for _, d := range out.datagrams {
		if cookie.covers(now, out.to) {
			d = wire.WithMac2(d, &cookie.value)
		}
		e.transmit(out.to, d)
	}
}

// handleCookieReply takes one that answers fragment 0 of our last initiation.
func (e *Engine) handleCookieReply(now Instant, data []byte) {
	reply, ok := wire.ParseCookieReply(data)
	if !ok {
		e.drop(DropMalformed)
		return
	}
	out := e.indices[reply.Receiver].outstanding
	if out == nil || out.cookieActed {
		e.drop(DropCookieReply)
		return
	}
	first := out.datagrams[0]
	mac1 := primitives.Tag(first[len(first)-2*wire.MacSize:])
	cookie, ok := reply.Open(&out.peer.cookieKey, &mac1)
	if !ok {
		e.drop(DropCookieReply)
		return
	}
	out.cookieActed = true
	out.peer.cookie = heldCookie{value: cookie, to: out.to, until: now + cookieHeld}
	if out.peer.sequence != nil {
		e.sendInitiation(now, out)
	}
}

// retryInterval is how long after attempt n the next one follows: 5, 5, 10,
// 20, … doubling up to the profile's longest (N3).
func retryInterval(n int, profile Profile) time.Duration {
	interval := rekeyTimeout
	for i := 2; i < n && interval < profile.LongestRetry; i++ {
		interval *= 2
	}
	return min(interval, profile.LongestRetry)
}

// jittered is d ±20 %.
func (e *Engine) jittered(d time.Duration) time.Duration {
	return d - d/5 + e.chance(2*d/5)
}

// noteFailedAttempt counts the attempt before this one, which had no S1, if it
// went over IPv4 (§3.1).
func (e *Engine) noteFailedAttempt(p *Peer) {
	if p.sequence.attempts > 0 && p.sequence.overIPv4 {
		p.failedIPv4++
	}
}

// runSequence does what is due of a running sequence and ends it in time.
func (e *Engine) runSequence(now Instant, p *Peer) {
	seq := p.sequence
	if seq == nil {
		return
	}
	if seq.attempts > 0 && now >= p.givesUpAt() {
		e.noteFailedAttempt(p)
		p.sequence = nil
		e.endOutstanding(p)
		e.emit(GaveUp{Peer: p.cfg.Name})
		return
	}
	if now >= seq.nextAt {
		e.attempt(now, p)
		return
	}
	for len(seq.copies) > 0 && now >= seq.copies[0] {
		seq.copies = seq.copies[1:]
		if p.outstanding != nil {
			e.sendInitiation(now, p.outstanding)
		}
	}
}

// givesUpAt is 90 s after the first initiation or the last outgoing data,
// whichever is later (N3).
func (p *Peer) givesUpAt() Instant {
	return max(p.sequence.firstAt, p.lastOutgoing) + rekeyAttemptTime
}

// endSequence stops the attempts; a response still outstanding is taken until
// they would have been given up (N1, N3).
func (p *Peer) endSequence() {
	if p.sequence == nil {
		return
	}
	if p.outstanding != nil {
		p.outstanding.ends = p.givesUpAt()
	}
	p.sequence = nil
}

// endOutstanding erases our last initiation and frees its index.
func (e *Engine) endOutstanding(p *Peer) {
	if p.outstanding == nil {
		return
	}
	delete(e.indices, p.outstanding.index)
	p.outstanding.handshake.Erase()
	p.outstanding = nil
}

// LocalAddressChanged starts running sequences anew and forgets what belonged
// to the old address: cookies and the small datagrams of §3.1.
func (e *Engine) LocalAddressChanged(now Instant) {
	e.expire(now)
	for _, p := range e.peers {
		p.cookie = heldCookie{}
		p.failedIPv4 = 0
		if p.sequence != nil {
			p.sequence = nil
			e.initiate(now, p)
		}
	}
}

// Initiate starts a handshake on demand.
func (e *Engine) Initiate(now Instant, name string) {
	e.expire(now)
	if p := e.byName[name]; p != nil {
		p.lastOutgoing = now
		e.initiate(now, p)
	}
}
