package engine

import (
	"net/netip"
	"time"

	"pqtun-go/internal/wire"
)

// admission is §6: what a stranger may cost before he is authenticated.
type admission struct {
	limits    Limits
	limiter   limiter
	slots     slots
	late      bool      // event-loop delay, as told by the owner
	completed []Instant // of the last second, at most one more than the limit
}

func newAdmission(limits Limits) admission {
	return admission{
		limits:  limits,
		limiter: limiter{limits: limits, prefixes: map[netip.Prefix]*budgets{}},
		slots:   newSlots(limits),
	}
}

// admit finds the slot of a fragment whose mac1 verified with g. It returns nil
// when the fragment dies here, which is never a plain drop for one without a
// valid mac2: fragment 0 draws a cookie reply.
func (e *Engine) admit(now Instant, from netip.AddrPort, f *wire.Fragment, g *group) *slot {
	a := &e.admission
	a.slots.expire(now)
	proven := e.verifyMac2(now, from, f)
	allowed := a.limiter.allow(now, sourcePrefix(from), proven)
	if proven && !allowed {
		e.drop(DropRate)
		return nil
	}
	if !proven && (!allowed || a.underLoad(now)) {
		e.refuseUnproven(now, from, f, g)
		return nil
	}
	held := a.slots.byKey[keyOf(from, f)]
	if held == nil {
		held = a.slots.open(now, from, f, e.isConfirmedEndpoint(from), proven)
	}
	switch {
	case held == nil && proven:
		e.drop(DropNoSlot)
	case held == nil:
		e.refuseUnproven(now, from, f, g)
	case held.reassembly.Holds(f.Index):
		e.drop(DropDuplicate)
		return nil
	default:
		held.take(f, g, proven)
	}
	return held
}

// take notes what the slot has to know of a fragment besides its slice.
func (s *slot) take(f *wire.Fragment, g *group, proven bool) {
	s.proven = s.proven && proven
	s.received += f.Size()
	if f.Index == 0 {
		s.mac1, s.group = f.Mac1(), g
	}
}

func (e *Engine) refuseUnproven(now Instant, from netip.AddrPort, f *wire.Fragment, g *group) {
	if f.Index != 0 {
		e.drop(DropUnproven)
		return
	}
	e.drop(DropCookieAsked)
	e.sendCookieReply(now, from, f.Sender, f.Mac1(), g)
}

// underLoad is "completed handshakes over 200/s, or event-loop delay" of §6.
func (a *admission) underLoad(now Instant) bool {
	return a.late || len(a.recent(now)) > a.limits.HandshakesPerSecond
}

// noteCompleted is called when the last fragment of an initiation came and key
// agreement follows.
func (a *admission) noteCompleted(now Instant) {
	if recent := a.recent(now); len(recent) <= a.limits.HandshakesPerSecond {
		a.completed = append(recent, now)
	}
}

func (a *admission) recent(now Instant) []Instant {
	for len(a.completed) > 0 && now-a.completed[0] >= time.Second {
		a.completed = a.completed[1:]
	}
	return a.completed
}

// isConfirmedEndpoint says whether a source is the confirmed endpoint of a live
// session, and so belongs to pool A.
func (e *Engine) isConfirmedEndpoint(from netip.AddrPort) bool {
	for _, p := range e.peers {
		if p.confirmed && p.endpoint == from && p.current != nil {
			return true
		}
	}
	return false
}
