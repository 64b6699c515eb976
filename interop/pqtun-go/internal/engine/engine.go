package engine

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

// Engine is a party. Not safe for concurrent use.
type Engine struct {
	cfg        Config
	identities map[*suite.Suite]*party
	peers      []*Peer
	byName     map[string]*Peer
	byID       map[primitives.Key]*Peer
	indices    map[wire.Index]owner
	retired    map[wire.Index]Instant // erased by age (T6)
	pending    map[primitives.Key]*pendingInitiation
	admission  admission
	cookies    cookieSecret
	clock      senderClock
	outputs    []Output
	drops      map[Drop]uint64
}

// party is the engine in one suite, with the keys its fragments are tested by.
type party struct {
	*handshake.Identity
	groups []group
}

// group is a deployment key we accept as responder (§2).
type group struct {
	mac1Key, cookieKey primitives.Key
}

// New makes a party without peers.
func New(now Instant, cfg Config) (*Engine, error) {
	if len(cfg.DeploymentKeys) == 0 {
		cfg.DeploymentKeys = [][]byte{nil}
	}
	if len(cfg.DeploymentKeys) > 8 {
		return nil, errors.New("engine: more than 8 deployment keys")
	}
	if cfg.LargestDatagram < wire.MinDatagram || cfg.LargestDatagram > wire.MaxDatagram {
		return nil, fmt.Errorf("engine: largest datagram of %d B, want %d…%d", cfg.LargestDatagram, wire.MinDatagram, wire.MaxDatagram)
	}
	if cfg.Source.Random == nil {
		cfg.Source = handshake.SystemSource(rand.Reader)
	}
	e := &Engine{
		cfg:        cfg,
		identities: map[*suite.Suite]*party{},
		byName:     map[string]*Peer{},
		byID:       map[primitives.Key]*Peer{},
		indices:    map[wire.Index]owner{},
		retired:    map[wire.Index]Instant{},
		pending:    map[primitives.Key]*pendingInitiation{},
		admission:  newAdmission(cfg.Limits),
		clock:      senderClock{last: cfg.LastTS, ceiling: cfg.LastTS, store: cfg.StoreTS},
		drops:      map[Drop]uint64{},
	}
	for _, s := range cfg.Suites {
		e.identities[s] = newParty(s, &cfg)
	}
	e.cookies = cookieSecret{born: now, current: e.key()}
	return e, nil
}

func newParty(s *suite.Suite, cfg *Config) *party {
	p := &party{Identity: handshake.NewIdentity(s, &cfg.Statics)}
	for _, gk := range cfg.DeploymentKeys {
		p.groups = append(p.groups, group{mac1Key: wire.Mac1Key(&p.ID, gk), cookieKey: wire.CookieKey(&p.ID, gk)})
	}
	return p
}

// Identity is the party in a suite, or nil where the suite is off.
func (e *Engine) Identity(s *suite.Suite) *handshake.Identity {
	if p := e.identities[s]; p != nil {
		return p.Identity
	}
	return nil
}

// HandleDatagram takes one datagram from the network. It keeps no reference to
// data. Nothing in it can fail but by a counted drop (§7).
func (e *Engine) HandleDatagram(now Instant, from netip.AddrPort, data []byte) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	e.expire(now)
	if len(data) == 0 {
		e.drop(DropUnknownType)
		return
	}
	switch data[0] {
	case wire.TypeInitiation:
		e.handleInitiationFragment(now, from, data)
	case wire.TypeResponse:
		e.handleResponseFragment(now, data)
	case wire.TypeCookieReply:
		e.handleCookieReply(now, data)
	case wire.TypeTransport:
		e.handleTransport(now, from, data)
	case wire.TypeClassicalInitiation, wire.TypeClassicalResponse:
		e.drop(DropDowngrade) // every peer here has a KEM key (§3)
	default:
		e.drop(DropUnknownType)
	}
}

// Poll returns the outputs since the last call.
func (e *Engine) Poll() []Output {
	out := e.outputs
	e.outputs = nil
	return out
}

// SetLoad tells the engine that the event loop is late (§6): under load.
func (e *Engine) SetLoad(late bool) {
	e.admission.late = late
}

// Close stores the exact last TS (C6) and erases every secret.
func (e *Engine) Close() {
	if err := e.clock.close(); err != nil {
		e.emit(Alarm{Text: "timestamp not stored: " + err.Error()})
	}
	for _, p := range e.peers {
		e.eraseSession(p.current)
		e.eraseSession(p.previous)
		p.current, p.previous = nil, nil
		for len(p.pending) > 0 {
			e.removePending(p.pending[0])
		}
		e.endOutstanding(p)
	}
}

// owner is what an index of ours belongs to: exactly one field is set.
type owner struct {
	session     *session
	outstanding *outstanding
}

// newIndex draws a random index unused by live sessions and pending
// handshakes (§2).
func (e *Engine) newIndex() wire.Index {
	for {
		i := binary.LittleEndian.Uint32(e.random(4))
		if _, taken := e.indices[i]; !taken {
			return i
		}
	}
}

func (e *Engine) key() (k primitives.Key) {
	copy(k[:], e.random(len(k)))
	return k
}

func (e *Engine) random(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(e.cfg.Source.Random, b); err != nil {
		panic("engine: random source failed: " + err.Error()) // nothing is safe without it
	}
	return b
}

// chance is a random share of d, 0 … d.
func (e *Engine) chance(d time.Duration) time.Duration {
	share := float64(binary.LittleEndian.Uint32(e.random(4))) / (1 << 32)
	return time.Duration(share * float64(d))
}
