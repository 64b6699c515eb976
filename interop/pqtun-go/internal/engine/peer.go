package engine

import (
	"errors"
	"net/netip"
	"time"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

// Peer is what the engine knows of one peer.
type Peer struct {
	cfg    PeerConfig
	local  *handshake.Identity
	remote *handshake.Remote

	mac1Key, cookieKey primitives.Key // towards it, with its deployment key

	endpoint  netip.AddrPort
	confirmed bool // the endpoint was moved or kept by an authenticated packet

	stored    timestamp.TS // C1, C3
	hasStored bool

	current, previous *session
	pending           []*pendingInitiation // each with its next

	outstanding  *outstanding
	sequence     *sequence // nil when no attempts are running
	lastOutgoing Instant   // N3: data, or expiry of PersistentKeepalive
	failedIPv4   int       // §3.1
	cookie       heldCookie

	staged  [][]byte
	answers []Instant // of the last second (§3.5)

	timers timers
}

// AddPeer makes a peer known. With PersistentKeepalive it starts at once.
func (e *Engine) AddPeer(now Instant, cfg PeerConfig) error {
	remote, err := handshake.NewRemote(cfg.Suite, cfg.Public, cfg.KEMPublic)
	if err != nil {
		return err
	}
	local := e.identities[cfg.Suite]
	switch {
	case local == nil:
		return errors.New("engine: the peer's suite is not enabled")
	case e.byName[cfg.Name] != nil || e.byID[remote.ID] != nil:
		return errors.New("engine: peer given twice")
	case remote.ID == local.ID:
		return errors.New("engine: the peer is this party")
	}
	if cfg.Endpoint.IsValid() {
		cfg.Endpoint = netip.AddrPortFrom(cfg.Endpoint.Addr().Unmap(), cfg.Endpoint.Port())
	}
	p := &Peer{
		cfg:       cfg,
		local:     local.Identity,
		remote:    remote,
		mac1Key:   wire.Mac1Key(&remote.ID, cfg.DeploymentKey),
		cookieKey: wire.CookieKey(&remote.ID, cfg.DeploymentKey),
		endpoint:  cfg.Endpoint,
		timers:    newTimers(),
	}
	p.timers.forget = now + 3*cfg.Profile.RejectAfter
	if cfg.PersistentKeepalive > 0 {
		p.timers.persistent = now
	}
	e.peers = append(e.peers, p)
	e.byName[cfg.Name] = p
	e.byID[remote.ID] = p
	return nil
}

// Peer returns a peer's state for display, or nil.
func (e *Engine) Peer(name string) *Peer {
	return e.byName[name]
}

// Status is a peer's state for people and tests.
type Status struct {
	Endpoint          netip.AddrPort
	Current, Previous bool
	CurrentIndex      wire.Index
	Role              Role
	Next              int
	Trying            bool
	Staged            int
	SendCounter       uint64
	Age               time.Duration
}

// Status returns the peer's state.
func (p *Peer) Status(now Instant) Status {
	st := Status{
		Endpoint: p.endpoint,
		Current:  p.current != nil,
		Previous: p.previous != nil,
		Next:     len(p.pending),
		Trying:   p.sequence != nil,
		Staged:   len(p.staged),
	}
	if p.current != nil {
		st.CurrentIndex, st.Role = p.current.local, p.current.role
		st.SendCounter, st.Age = p.current.sendCounter, now-p.current.born
	}
	return st
}

// peerOfSource is the longest-prefix match of an inner source address among
// all peers' allowed IPs (§5.4).
func (e *Engine) peerOfSource(source netip.Addr) (match *Peer) {
	longest := -1
	for _, p := range e.peers {
		for _, prefix := range p.cfg.AllowedIPs {
			if prefix.Contains(source) && prefix.Bits() > longest {
				match, longest = p, prefix.Bits()
			}
		}
	}
	return match
}

// sourcePrefix is how §6 and C4 count sources: /32 of IPv4, /64 of IPv6.
func sourcePrefix(from netip.AddrPort) netip.Prefix {
	bits := 64
	if from.Addr().Is4() {
		bits = 32
	}
	prefix, err := from.Addr().WithZone("").Prefix(bits)
	if err != nil {
		panic(err) // the bits fit the family
	}
	return prefix
}
