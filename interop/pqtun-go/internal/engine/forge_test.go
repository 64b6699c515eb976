package engine

import (
	"net/netip"
	"testing"
	"time"

	"pqtun-go/internal/derandom"
	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

// forger writes initiations in a peer's name: what an attacker that breaks
// X25519 can do, or the peer itself with any clock (§5.1).
type forger struct {
	w      *world
	as     *node
	to     *node
	source handshake.Source
	index  wire.Index

	largest int // M
}

// forged is an initiation and what its maker knows.
type forged struct {
	state     *handshake.Initiator
	body      []byte
	datagrams [][]byte
	index     wire.Index
	keys      *handshake.Keys
	remote    wire.Index
}

func newForger(w *world, as, to *node) *forger {
	src, _ := derandom.Seeded(200)
	return &forger{w: w, as: as, to: to, source: src, index: 1, largest: wire.DefaultDatagram}
}

// initiation makes one with a timestamp of ahead after the start.
func (f *forger) initiation(ahead time.Duration) *forged {
	f.w.t.Helper()
	p := f.as.byName[f.to.name]
	f.index++
	state, body, err := handshake.CreateInitiation(&f.source, p.local, p.remote, &p.cfg.PSK, tsAt(ahead), f.index, nil)
	if err != nil {
		f.w.t.Fatal(err)
	}
	g := wire.InitiationGeometry(p.cfg.Suite, f.largest)
	return &forged{state: state, index: f.index, body: body, datagrams: wire.Split(g, f.index, 0, body, p.mac1Key[:])}
}

// deliver hands the fragments to the victim and returns what it sent in answer.
func (f *forger) deliver(from string, datagrams [][]byte) (answers [][]byte) {
	source := netip.MustParseAddrPort(from)
	for _, d := range datagrams {
		f.to.HandleDatagram(f.w.now, source, d)
	}
	for _, o := range f.to.Poll() {
		if t, ok := o.(Transmit); ok && t.To == source {
			answers = append(answers, t.Datagram)
		}
	}
	return answers
}

// proven does the exchange of cookies and delivers again with mac2.
func (f *forger) proven(from string, i *forged) (answers [][]byte) {
	f.w.t.Helper()
	cookie := f.to.cookieFor(f.w.now, netip.MustParseAddrPort(from))
	var with [][]byte
	for _, d := range i.datagrams {
		with = append(with, wire.WithMac2(d, &cookie))
	}
	return f.deliver(from, with)
}

// consume takes the victim's response.
func (i *forged) consume(t *testing.T, answers [][]byte) {
	t.Helper()
	var r *wire.Reassembly
	for _, d := range answers {
		f, ok := wire.ParseFragment(d)
		if !ok || f.Type != wire.TypeResponse {
			t.Fatalf("no response but type %#x", d[0])
		}
		if r == nil {
			r = wire.NewReassembly(f.Geometry)
		}
		if body := r.Add(&f); body != nil {
			keys, err := i.state.ConsumeResponse(f.Sender, body, nil)
			if err != nil {
				t.Fatal(err)
			}
			i.keys, i.remote = &keys, f.Sender
			return
		}
	}
	t.Fatal("no response")
}

// record is a transport packet of the forged session.
func (i *forged) record(counter uint64, payload []byte) []byte {
	return wire.BuildTransport(i.remote, counter, (*primitives.Key)(&i.keys.InitiatorToResponder), payload)
}

func tsAt(ahead time.Duration) timestamp.TS {
	return timestamp.At(wallStart.Add(time.Hour + ahead))
}

func isResponse(answers [][]byte) bool {
	return len(answers) > 0 && answers[0][0] == wire.TypeResponse
}

func isCookieReply(answers [][]byte) bool {
	return len(answers) == 1 && answers[0][0] == wire.TypeCookieReply
}
