package engine

import (
	"bytes"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

func TestN4CrossingInitiationsEndInTheSameCurrentSession(t *testing.T) {
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for _, lag := range []time.Duration{0, 5 * time.Millisecond, 19 * time.Millisecond, 21 * time.Millisecond, 39 * time.Millisecond} {
			w := newWorld(t)
			a, b := w.pair(s, nil)
			w.say(a, b, "from a")
			w.run(lag)
			w.say(b, a, "from b")
			w.run(10 * time.Second)
			if len(a.delivered) != 1 || len(b.delivered) != 1 {
				t.Fatalf("lag %v: staged data lost: %v %v", lag, a.delivered, b.delivered)
			}
			w.wantAgreement(a, b)
			if lag < w.delay {
				pa := a.peers[0]
				smaller := bytes.Compare(pa.local.ID[:], pa.remote.ID[:]) < 0
				if (pa.current.role == Initiator) != smaller || pa.previous == nil || b.peers[0].previous == nil {
					t.Fatalf("lag %v: a with the smaller ID %v is %s", lag, smaller, pa.current.role)
				}
			}
			w.wantTalk(a, b)
		}
	}
}

// wantAgreement asserts that both sides have the same current session.
func (w *world) wantAgreement(a, b *node) {
	w.t.Helper()
	ca, cb := a.peers[0].current, b.peers[0].current
	if ca == nil || cb == nil || ca.local != cb.remote || ca.remote != cb.local || ca.role == cb.role {
		w.t.Fatal("the sides have different current sessions")
	}
}

func TestN4AfterRekeyTimeoutTheNewerSessionIsCurrent(t *testing.T) {
	for _, c := range []struct {
		gap     time.Duration
		crosses bool
	}{{4 * time.Second, true}, {6 * time.Second, false}} {
		for _, firstIsA := range []bool{true, false} {
			w := newWorld(t)
			a, b := w.pair(suite.One, nil)
			one, two := a, b
			if !firstIsA {
				one, two = b, a
			}
			one.Initiate(w.now, two.name)
			w.drain(one)
			w.run(c.gap)
			two.Initiate(w.now, one.name)
			w.drain(two)
			w.run(time.Second)
			w.wantAgreement(a, b)
			p := one.peers[0]
			oneIsSmaller := bytes.Compare(p.local.ID[:], p.remote.ID[:]) < 0
			if stays := p.current.role == Initiator; stays != (c.crosses && oneIsSmaller) {
				t.Fatalf("gap %v, first initiator has the smaller ID %v: its session stays current %v", c.gap, oneIsSmaller, stays)
			}
		}
	}
}

func TestN2TheInitiatorSpeaksFirstAlsoUnderAPreviousSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	seen := w.capture()
	w.say(a, b, "a")
	w.say(b, a, "b")
	w.run(5 * time.Second)
	first := map[string]int{}
	for _, f := range ofType(*seen, wire.TypeTransport) {
		if f.data[8] == 0 && bytes.Equal(f.data[9:16], make([]byte, 7)) {
			first[f.from.String()]++
		}
	}
	if first[a.addr.String()] == 0 || first[b.addr.String()] == 0 {
		t.Fatalf("counter 0 was sent by %v", first)
	}
	if len(a.established) != 2 || len(b.established) != 2 {
		t.Fatalf("%v %v", a.established, b.established)
	}
}

func TestT5AFreshNextPostponesAnOwnInitiationOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	if !isResponse(f.deliver("203.0.113.9:9", f.initiation(0).datagrams)) {
		t.Fatal("no next")
	}
	seen := w.capture()
	w.run(time.Second)
	w.say(b, a, "waits for the next to be confirmed")
	w.run(3900 * time.Millisecond)
	if len(ofType(*seen, wire.TypeInitiation)) != 0 {
		t.Fatal("not postponed")
	}
	f.deliver("203.0.113.9:9", f.initiation(time.Minute).datagrams) // a fresh one does not postpone again
	w.run(200 * time.Millisecond)
	if len(ofType(*seen, wire.TypeInitiation)) == 0 {
		t.Fatal("postponed by more than 5 s")
	}
}

func TestN3AConfirmAsResponderEndsTheSequenceAndStagedDataLeaves(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.tap = func(f flight) bool { return f.from != b.addr || f.data[0] != wire.TypeInitiation } // b's own are lost
	w.say(b, a, "staged at b")
	w.run(100 * time.Millisecond)
	w.say(a, b, "from a")
	w.run(time.Second)
	if len(a.delivered) != 1 || b.Peer("a").Status(w.now).Trying {
		t.Fatal("staged data stayed, or the sequence goes on")
	}
	if b.peers[0].outstanding == nil {
		t.Fatal("a response still outstanding would not be taken")
	}
	w.run(2 * rekeyAttemptTime)
	if b.peers[0].outstanding != nil {
		t.Fatal("the outstanding initiation never ends")
	}
}
