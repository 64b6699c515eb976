package engine

import (
	"crypto/subtle"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// responseKey tells apart the reassemblies of one outstanding initiation (N1).
type responseKey struct {
	sender wire.Index
	count  int
}

// handleResponseFragment is N1: an outstanding index, a valid mac1; where it
// came from does not matter and moves nothing.
func (e *Engine) handleResponseFragment(now Instant, data []byte) {
	f, ok := wire.ParseFragment(data)
	if !ok {
		e.drop(DropMalformed)
		return
	}
	out := e.indices[f.Receiver].outstanding
	if out == nil || f.Suite != out.peer.cfg.Suite {
		e.drop(DropNotOutstanding)
		return
	}
	want, got := primitives.MAC(out.handshake.ResponseKey()[:], f.BeforeMac1()), f.Mac1()
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		e.drop(DropMac1)
		return
	}
	key := responseKey{sender: f.Sender, count: f.Count}
	r := out.reassemblies[key]
	if r == nil {
		if len(out.reassemblies) >= reassembliesPer {
			e.drop(DropTooManyResponses)
			return
		}
		r = wire.NewReassembly(f.Geometry)
		out.reassemblies[key] = r
	}
	body := r.Add(&f)
	if body == nil {
		return
	}
	keys, err := out.handshake.ConsumeResponse(f.Sender, body, nil)
	if err != nil {
		delete(out.reassemblies, key)
		e.drop(DropHandshake)
		return
	}
	e.establish(now, out, f.Sender, &keys)
}

// establish is what follows S1 at the initiator: C5, N4, then N2.
func (e *Engine) establish(now Instant, out *outstanding, remote wire.Index, keys *handshake.Keys) {
	p, local := out.peer, out.index
	e.endOutstanding(p)
	p.sequence = nil
	p.failedIPv4 = 0
	s := newSession(now, p, Initiator, local, remote, keys)
	e.indices[local] = owner{session: s}
	current := e.install(now, s)
	e.onAuthenticatedReceived(now, p)
	e.emit(Established{Peer: p.cfg.Name, Role: Initiator, Suite: p.cfg.Suite.Byte, Previous: !current, Local: local, Remote: remote})

	// N2: at once under the new session, also where it is the previous one.
	if len(p.staged) == 0 {
		e.send(now, s, nil, sendKeepalive)
		return
	}
	e.flushStaged(now, s)
}
