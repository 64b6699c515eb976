package engine

import (
	"net/netip"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/timestamp"
)

// pendingInitiation is what an accepted initiation leaves until it is confirmed
// (C3): the response for 5 s, the next session until REJECT_AFTER_TIME.
type pendingInitiation struct {
	key      primitives.Key // HASH(hdr1 ‖ body1)
	peer     *Peer
	prefix   netip.Prefix
	proven   bool
	ts       timestamp.TS
	made     Instant
	response [][]byte
	copies   int
	next     *session
}

// answerCopy is C3: a copy within 5 s gets the same response, at most 4 times
// besides the first, if it was at least as many bytes.
func (e *Engine) answerCopy(now Instant, from netip.AddrPort, entry *pendingInitiation, received int) {
	e.drop(DropCopy)
	size := 0
	for _, d := range entry.response {
		size += len(d)
	}
	if now-entry.made > responseKept || entry.copies >= responseCopies || received < size {
		return
	}
	entry.copies++
	e.sendResponse(from, entry)
}

// place is the outcome of C4 for an acceptable initiation.
type place struct {
	loses     bool
	displaces *pendingInitiation // nil: a new entry
}

// findPlace is C4. It changes nothing.
func (p *Peer) findPlace(now Instant, candidate *pendingInitiation) place {
	for _, held := range p.pending {
		if held.prefix == candidate.prefix {
			wins := now-held.made > responseKept ||
				candidate.proven && !held.proven ||
				candidate.proven == held.proven && candidate.ts.After(held.ts)
			return place{loses: !wins, displaces: held}
		}
	}
	if len(p.pending) < pendingPerPeer {
		return place{}
	}
	if !candidate.proven {
		return place{loses: true}
	}
	oldest := func(a, b *pendingInitiation) bool { return a.made < b.made }
	if victim := pick(p.pending, oldest, func(held *pendingInitiation) bool { return !held.proven }); victim != nil {
		return place{displaces: victim}
	}
	any := func(*pendingInitiation) bool { return true }
	if victim := pick(p.pending, oldest, any); now-victim.made > responseKept {
		return place{displaces: victim}
	}
	smallestTS := func(a, b *pendingInitiation) bool { return b.ts.After(a.ts) }
	victim := pick(p.pending, smallestTS, any)
	return place{loses: !candidate.ts.After(victim.ts), displaces: victim}
}

// pick is the first in order among those that qualify, or nil.
func pick(from []*pendingInitiation, before func(a, b *pendingInitiation) bool, qualifies func(*pendingInitiation) bool) (best *pendingInitiation) {
	for _, held := range from {
		if qualifies(held) && (best == nil || before(held, best)) {
			best = held
		}
	}
	return best
}

// removePending erases an entry with its next session.
func (e *Engine) removePending(entry *pendingInitiation) {
	e.forgetEntry(entry)
	e.eraseSession(entry.next)
}

// forgetEntry takes an entry out of the look-ups; its session lives on.
func (e *Engine) forgetEntry(entry *pendingInitiation) {
	delete(e.pending, entry.key)
	p := entry.peer
	for i, held := range p.pending {
		if held == entry {
			p.pending = append(p.pending[:i], p.pending[i+1:]...)
			return
		}
	}
}

// youngestNext is the creation time of the peer's youngest next (T5).
func (p *Peer) youngestNext() (born Instant, any bool) {
	for _, held := range p.pending {
		if !any || held.next.born > born {
			born, any = held.next.born, true
		}
	}
	return born, any
}
