package engine

import (
	"crypto/subtle"
	"net/netip"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// handleInitiationFragment is C2, the responder's pipeline:
//
//	length and geometry → suite enabled → mac1 → §6 → slot → complete
//	→ handleInitiation
func (e *Engine) handleInitiationFragment(now Instant, from netip.AddrPort, data []byte) {
	f, ok := wire.ParseFragment(data)
	if !ok {
		e.drop(DropMalformed)
		return
	}
	local := e.identities[f.Suite]
	if local == nil {
		e.drop(DropSuite)
		return
	}
	g := local.verifyMac1(&f)
	if g == nil {
		e.drop(DropMac1)
		return
	}
	held := e.admit(now, from, &f, g)
	if held == nil {
		return
	}
	body := held.reassembly.Add(&f)
	if body == nil {
		return
	}
	e.admission.slots.remove(held)
	e.handleInitiation(now, from, local, held, body)
}

// handleInitiation goes on with a complete one:
//
//	pending look-up (C3) → DH, dec, enc_id → known ID → ss, enc_ts
//	→ TS > stored → C4 → ek_i → respond
func (e *Engine) handleInitiation(now Instant, from netip.AddrPort, local *party, held *slot, body []byte) {
	sender := held.key.sender
	key := handshake.InitiationKey(local.Suite, sender, body)
	if entry := e.pending[key]; entry != nil {
		e.answerCopy(now, from, entry, held.received)
		return
	}
	e.admission.noteCompleted(now)

	claim, err := handshake.OpenInitiation(local.Identity, sender, body, nil)
	if err != nil {
		e.drop(DropHandshake)
		return
	}
	p := e.byID[claim.ID]
	if p == nil || p.cfg.Suite != local.Suite {
		e.drop(DropUnknownPeer)
		return
	}
	accepted, err := claim.Authenticate(p.remote, &p.cfg.PSK)
	if err != nil {
		e.drop(DropHandshake)
		return
	}
	defer accepted.Erase()
	if p.hasStored && !accepted.TS.After(p.stored) {
		e.drop(DropOldTimestamp)
		return
	}
	entry := &pendingInitiation{key: key, peer: p, prefix: held.prefix, proven: held.proven, ts: accepted.TS, made: now}
	place := p.findPlace(now, entry)
	if place.loses {
		e.refuseLoser(now, from, held)
		return
	}
	if accepted.CheckEphemeral() != nil {
		e.drop(DropHandshake)
		return
	}
	if !e.respond(now, entry, accepted, held.reassembly.Geometry, sender) {
		return
	}

	// Nothing was displaced until here: the response has been made.
	if place.displaces != nil {
		e.removePending(place.displaces)
	}
	p.pending = append(p.pending, entry)
	e.pending[key] = entry
	e.sendResponse(from, entry)
}

// respond makes the response and the next session of an entry.
func (e *Engine) respond(now Instant, entry *pendingInitiation, accepted *handshake.Accepted, initiation wire.Geometry, sender wire.Index) bool {
	index := e.newIndex()
	m2 := accepted.ResponseKey
	body, keys, err := accepted.Respond(&e.cfg.Source, index)
	if err != nil {
		e.drop(DropHandshake)
		return false
	}
	geometry := wire.ResponseGeometry(initiation, e.cfg.LargestDatagram)
	entry.response = wire.Split(geometry, index, sender, body, m2[:])
	entry.next = newSession(now, entry.peer, Responder, index, sender, &keys)
	entry.next.entry = entry
	e.indices[index] = owner{session: entry.next}
	return true
}

func (e *Engine) sendResponse(to netip.AddrPort, entry *pendingInitiation) {
	for _, d := range entry.response {
		e.transmit(to, d)
	}
}

// refuseLoser is the end of C4: a cookie reply to one without a valid mac2.
func (e *Engine) refuseLoser(now Instant, from netip.AddrPort, held *slot) {
	e.drop(DropPendingFull)
	if !held.proven {
		e.sendCookieReply(now, from, held.key.sender, held.mac1, held.group)
	}
}

// verifyMac1 returns the deployment key group that a fragment verifies with;
// nil is silence.
func (l *party) verifyMac1(f *wire.Fragment) *group {
	got := f.Mac1()
	for i := range l.groups {
		want := primitives.MAC(l.groups[i].mac1Key[:], f.BeforeMac1())
		if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
			return &l.groups[i]
		}
	}
	return nil
}
