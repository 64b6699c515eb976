package engine

import "net/netip"

// confirm is C5: the first transport packet under a next verified, and it was
// no 0x02 or 0x03. It returns false when the next is erased instead.
func (e *Engine) confirm(now Instant, from netip.AddrPort, s *session) bool {
	p, entry := s.peer, s.entry
	if p.hasStored && !entry.ts.After(p.stored) {
		e.removePending(entry)
		e.drop(DropConfirmedTooLate)
		return false
	}
	e.forgetEntry(entry)
	current := e.install(now, s)
	p.stored, p.hasStored = entry.ts, true
	for i := 0; i < len(p.pending); {
		if other := p.pending[i]; entry.ts.After(other.ts) {
			e.removePending(other)
			continue
		}
		i++
	}
	e.moveEndpoint(p, from) // also where N4 makes it previous (§5.4)
	p.endSequence()
	e.emit(Established{Peer: p.cfg.Name, Role: Responder, Suite: p.cfg.Suite.Byte, Previous: !current, Local: s.local, Remote: s.remote})
	return true
}

// moveEndpoint is called on authenticated packets that may move it (§5.4).
func (e *Engine) moveEndpoint(p *Peer, from netip.AddrPort) {
	p.confirmed = true
	if p.endpoint == from {
		return
	}
	p.endpoint = from
	e.emit(EndpointMoved{Peer: p.cfg.Name, Endpoint: from})
}
