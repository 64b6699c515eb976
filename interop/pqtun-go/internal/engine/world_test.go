package engine

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"pqtun-go/internal/derandom"
	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

// world joins engines by a network on virtual time. Nothing sleeps: run jumps
// to the next arrival or deadline.
type world struct {
	t       *testing.T
	now     Instant
	chance  *rand.Rand
	nodes   []*node
	flying  flights
	order   int
	loss    float64
	dup     float64
	delay   time.Duration
	jitter  time.Duration
	tap     func(f flight) bool // false: the network loses it
	horizon Instant
}

// node is an engine at an address.
type node struct {
	*Engine
	name        string
	addr        netip.AddrPort
	statics     handshake.Statics
	wallOffset  time.Duration
	delivered   []string
	established []Established
	answers     []Answer
	moved       []EndpointMoved
	gaveUp      int
	alarms      []Alarm
}

// flight is a datagram under way.
type flight struct {
	at       Instant
	order    int
	from, to netip.AddrPort
	data     []byte
}

type flights []flight

func (f flights) Len() int { return len(f) }
func (f flights) Less(i, j int) bool {
	return f[i].at < f[j].at || f[i].at == f[j].at && f[i].order < f[j].order
}
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	old := *f
	last := old[len(old)-1]
	*f = old[:len(old)-1]
	return last
}

func newWorld(t *testing.T) *world {
	return &world{t: t, chance: rand.New(rand.NewPCG(7, 7)), delay: 20 * time.Millisecond, now: time.Hour}
}

// wallStart is the wall clock at Instant zero.
var wallStart = time.Unix(1_800_000_000, 0)

// add makes a node; change may alter its configuration.
func (w *world) add(name, addr string, change func(*Config)) *node {
	seed := byte(len(w.nodes) + 1)
	src, _ := derandom.Seeded(seed)
	n := &node{name: name, addr: netip.MustParseAddrPort(addr)}
	n.statics = handshake.Statics{Secret: handshake.Key{seed}, Seed: [64]byte{seed}}
	cfg := Config{
		Statics:         n.statics,
		Suites:          []*suite.Suite{suite.One, suite.Two},
		LargestDatagram: wire.DefaultDatagram,
		TunnelMTU:       1420,
		Wall:            func(at Instant) time.Time { return wallStart.Add(at + n.wallOffset) },
		Source:          src,
		Limits:          DefaultLimits(),
	}
	if change != nil {
		change(&cfg)
	}
	n.restart(w, cfg)
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) restart(w *world, cfg Config) {
	e, err := New(w.now, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n.Engine = e
}

// know makes b a peer of a; change may alter its configuration.
func (w *world) know(a, b *node, s *suite.Suite, change func(*PeerConfig)) {
	id := handshake.NewIdentity(s, &b.statics)
	cfg := PeerConfig{
		Name: b.name, Suite: s, Public: id.Public, KEMPublic: id.KEMPublic, Endpoint: b.addr, Profile: Standard,
		AllowedIPs: []netip.Prefix{netip.PrefixFrom(b.inner(), 32)},
	}
	if change != nil {
		change(&cfg)
	}
	if err := a.AddPeer(w.now, cfg); err != nil {
		w.t.Fatal(err)
	}
}

// pair is two nodes that know each other in a suite.
func (w *world) pair(s *suite.Suite, change func(*PeerConfig)) (a, b *node) {
	a, b = w.add("a", "192.0.2.1:1000", nil), w.add("b", "198.51.100.2:2000", nil)
	w.know(a, b, s, change)
	w.know(b, a, s, change)
	return a, b
}

// inner is the node's inner address.
func (n *node) inner() netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, 0, n.name[0]})
}

// packet is an inner packet of n with a text in it.
func (n *node) packet(text string) []byte {
	p := make([]byte, 20+len(text))
	p[0], p[2], p[3] = 0x45, byte(len(p)>>8), byte(len(p))
	copy(p[12:], n.inner().AsSlice())
	copy(p[20:], text)
	return p
}

// say sends a text from n to a peer.
func (w *world) say(n, to *node, text string) {
	if !n.SendPacket(w.now, to.name, n.packet(text)) {
		w.t.Fatalf("%s cannot send to %s", n.name, to.name)
	}
	w.drain(n)
}

// drain carries out the outputs of a node.
func (w *world) drain(n *node) {
	for _, o := range n.Poll() {
		switch o := o.(type) {
		case Transmit:
			w.launch(n.addr, o.To, o.Datagram)
		case Deliver:
			n.delivered = append(n.delivered, string(o.Packet[20:]))
		case Established:
			n.established = append(n.established, o)
		case Answer:
			n.answers = append(n.answers, o)
		case EndpointMoved:
			n.moved = append(n.moved, o)
		case GaveUp:
			n.gaveUp++
		case Alarm:
			n.alarms = append(n.alarms, o)
		}
	}
}

// launch puts a datagram on the network, which may lose, double or delay it.
func (w *world) launch(from, to netip.AddrPort, data []byte) {
	f := flight{at: w.now + w.delay, order: w.order, from: from, to: to, data: data}
	w.order++
	if w.tap != nil && !w.tap(f) {
		return
	}
	copies := 1
	if w.chance.Float64() < w.dup {
		copies = 2
	}
	for range copies {
		if w.chance.Float64() < w.loss {
			continue
		}
		f.at = w.now + w.delay
		if w.jitter > 0 {
			f.at += time.Duration(w.chance.Int64N(int64(w.jitter)))
		}
		heap.Push(&w.flying, f)
	}
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for steps := 0; ; steps++ {
		at := end
		if len(w.flying) > 0 {
			at = min(at, w.flying[0].at)
		}
		for _, n := range w.nodes {
			at = min(at, n.NextDeadline())
		}
		if steps > 20_000_000 {
			w.t.Fatal("time stands still")
		}
		w.now = max(w.now, at)
		for len(w.flying) > 0 && w.flying[0].at <= w.now {
			w.arrive(heap.Pop(&w.flying).(flight))
		}
		for _, n := range w.nodes {
			if n.NextDeadline() <= w.now {
				n.Advance(w.now)
				w.drain(n)
				if n.NextDeadline() <= w.now {
					n.Advance(w.now) // a deadline may set another for this moment, but not for ever
					w.drain(n)
				}
			}
		}
		if w.now >= end {
			return
		}
	}
}

func (w *world) arrive(f flight) {
	for _, n := range w.nodes {
		if n.addr == f.to {
			n.HandleDatagram(w.now, f.from, f.data)
			w.drain(n)
		}
	}
}

// capture collects what flies, without hindering it.
func (w *world) capture() *[]flight {
	var seen []flight
	w.tap = func(f flight) bool {
		seen = append(seen, f)
		return true
	}
	return &seen
}

func ofType(seen []flight, kind byte) (out []flight) {
	for _, f := range seen {
		if f.data[0] == kind {
			out = append(out, f)
		}
	}
	return out
}

// wantTalk asserts that data flows both ways now.
func (w *world) wantTalk(a, b *node) {
	w.t.Helper()
	w.order++
	text := fmt.Sprintf("talk %d", w.order)
	na, nb := len(a.delivered), len(b.delivered)
	w.say(a, b, text)
	w.say(b, a, text)
	w.run(300 * time.Millisecond)
	if len(a.delivered) != na+1 || len(b.delivered) != nb+1 || a.delivered[na] != text || b.delivered[nb] != text {
		w.t.Fatalf("%v: data does not flow: a %d→%d, b %d→%d", w.now, na, len(a.delivered), nb, len(b.delivered))
	}
}
