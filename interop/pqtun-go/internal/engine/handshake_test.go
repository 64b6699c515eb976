package engine

import (
	"bytes"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

func TestDataFlowsInBothSuitesWithAndWithoutPSKAndDeploymentKey(t *testing.T) {
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for _, psk := range []byte{0, 9} {
			for _, gk := range [][]byte{nil, bytes.Repeat([]byte{3}, 32)} {
				w := newWorld(t)
				keys := func(c *Config) { c.DeploymentKeys = [][]byte{bytes.Repeat([]byte{8}, 32), gk} }
				a, b := w.add("a", "192.0.2.1:1000", keys), w.add("b", "[2001:db8::2]:2000", keys)
				secrets := func(c *PeerConfig) { c.PSK[0], c.DeploymentKey = psk, gk }
				w.know(a, b, s, secrets)
				w.know(b, a, s, secrets)
				w.say(a, b, "first")
				w.run(time.Second)
				if len(b.delivered) != 1 || b.delivered[0] != "first" {
					t.Fatalf("suite %d psk %d gk %v: staged data did not arrive", s.Byte, psk, gk != nil)
				}
				w.wantTalk(a, b)
				if len(a.established) != 1 || len(b.established) != 1 || a.established[0].Role != Initiator || b.established[0].Role != Responder {
					t.Fatal("established events", a.established, b.established)
				}
			}
		}
	}
}

func TestWithoutTheDeploymentKeyThereIsSilence(t *testing.T) {
	w := newWorld(t)
	a := w.add("a", "192.0.2.1:1000", nil)
	b := w.add("b", "198.51.100.2:2000", func(c *Config) { c.DeploymentKeys = [][]byte{bytes.Repeat([]byte{3}, 32)} })
	w.know(a, b, suite.One, nil)
	w.know(b, a, suite.One, nil)
	seen := w.capture()
	b.SetLoad(true) // not even a cookie reply
	w.say(a, b, "hello")
	w.run(20 * time.Second)
	for _, f := range *seen {
		if f.from == b.addr {
			t.Fatalf("answered with type %#x", f.data[0])
		}
	}
	if b.Drops()[DropMac1] == 0 {
		t.Fatal("nothing was tested")
	}
}

func TestTheWrongPSKGivesNoSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.add("a", "192.0.2.1:1000", nil), w.add("b", "198.51.100.2:2000", nil)
	w.know(a, b, suite.One, func(c *PeerConfig) { c.PSK[0] = 1 })
	w.know(b, a, suite.One, nil)
	w.say(a, b, "hello")
	w.run(10 * time.Second)
	if len(a.established)+len(b.established) != 0 || b.Drops()[DropHandshake] == 0 {
		t.Fatal("a session")
	}
}

func TestN3CopiesFollowAtOneAndTwoAndAHalfSecondsInThreeAttempts(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	var sent []flight
	w.tap = func(f flight) bool { sent = append(sent, f); return false }
	w.say(a, b, "hello")
	start := w.now
	w.run(120 * time.Second)
	type burst struct {
		at    time.Duration
		body  []byte
		count int
	}
	var bursts []burst
	for _, f := range sent {
		if f.data[2] == 0 { // fragment 0
			bursts = append(bursts, burst{f.at - w.delay - start, f.data[:len(f.data)-16], int(f.data[3])})
		}
	}
	// Attempts at about 0, 5, 10, 20, 40, 60, 80: three with two copies each.
	if len(bursts) < 3*3+3 || len(bursts) > 3*3+5 {
		t.Fatalf("%d transmissions", len(bursts))
	}
	for attempt := range 3 {
		first := bursts[attempt*3]
		for i, after := range []time.Duration{time.Second, 2500 * time.Millisecond} {
			copied := bursts[attempt*3+1+i]
			if copied.at-first.at != after || !bytes.Equal(copied.body, first.body) {
				t.Fatalf("attempt %d copy %d after %v", attempt, i, copied.at-first.at)
			}
		}
		if next := bursts[attempt*3+3]; bytes.Equal(next.body, first.body) {
			t.Fatal("a new attempt repeats the initiation")
		}
	}
	within := func(gap, want time.Duration) bool { return gap >= want*8/10 && gap <= want*12/10 }
	if !within(bursts[3].at, 5*time.Second) || !within(bursts[6].at-bursts[3].at, 5*time.Second) ||
		!within(bursts[9].at-bursts[6].at, 10*time.Second) || !within(bursts[10].at-bursts[9].at, 20*time.Second) {
		t.Fatal("intervals")
	}
	// §3.1: after two failed attempts over IPv4, M = 508.
	if bursts[0].count != 2 || bursts[3].count != 2 || bursts[6].count != 6 {
		t.Fatalf("counts %d %d %d", bursts[0].count, bursts[3].count, bursts[6].count)
	}
	if a.gaveUp != 1 || a.Peer("b").Status(w.now).Trying {
		t.Fatal("does not give up")
	}
	if last := bursts[len(bursts)-1].at; last > 90*time.Second {
		t.Fatalf("still trying at %v", last)
	}
	w.tap = nil
	w.wantTalkAfter(a, b, 2*time.Second)
}

// wantTalkAfter lets a handshake happen first.
func (w *world) wantTalkAfter(a, b *node, d time.Duration) {
	w.t.Helper()
	w.say(a, b, "wake")
	w.run(d)
	w.wantTalk(a, b)
}

func TestN3UnderLoadACookieIsAskedForOnceAndThenCarried(t *testing.T) {
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		w := newWorld(t)
		a, b := w.pair(s, nil)
		b.SetLoad(true)
		seen := w.capture()
		w.say(a, b, "hello")
		w.run(500 * time.Millisecond)
		if len(b.delivered) != 1 {
			t.Fatal("no session under load")
		}
		if replies := ofType(*seen, wire.TypeCookieReply); len(replies) != 1 || len(replies[0].data) != 64 {
			t.Fatalf("%d cookie replies", len(replies))
		}
		initiations := ofType(*seen, wire.TypeInitiation)
		half := len(initiations) / 2
		for i, f := range initiations {
			mac2 := f.data[len(f.data)-16:]
			if zero := bytes.Equal(mac2, make([]byte, 16)); zero != (i < half) {
				t.Fatalf("mac2 of fragment %d", i)
			}
		}
		// While the cookie is held a new handshake needs no other.
		w.run(30 * time.Second)
		*seen = nil
		a.Initiate(w.now, "b")
		w.drain(a)
		w.run(time.Second)
		if len(ofType(*seen, wire.TypeCookieReply)) != 0 || len(a.established) != 2 {
			t.Fatal("the cookie was not carried")
		}
		w.run(cookieHeld)
		*seen = nil
		a.Initiate(w.now, "b")
		w.drain(a)
		w.run(time.Second)
		if len(ofType(*seen, wire.TypeCookieReply)) != 1 || len(a.established) != 3 {
			t.Fatal("no new cookie")
		}
		again := ofType(*seen, wire.TypeInitiation)[0].data
		if !bytes.Equal(again[len(again)-16:], make([]byte, 16)) {
			t.Fatal("the cookie was held too long")
		}
	}
}

func TestN3ACookieReplyIsActedOnOnceForEachInitiation(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	b.SetLoad(true)
	var seen []flight
	w.tap = func(f flight) bool {
		seen = append(seen, f)
		return f.data[0] != wire.TypeInitiation || len(seen) <= 2 // those with mac2 are lost
	}
	w.say(a, b, "hello")
	w.run(500 * time.Millisecond)
	reply := ofType(seen, wire.TypeCookieReply)
	if len(reply) != 1 || len(ofType(seen, wire.TypeInitiation)) != 4 {
		t.Fatalf("%d replies, %d fragments", len(reply), len(ofType(seen, wire.TypeInitiation)))
	}
	for range 3 {
		a.HandleDatagram(w.now, b.addr, reply[0].data)
		w.drain(a)
	}
	if n := len(ofType(seen, wire.TypeInitiation)); n != 4 || a.Drops()[DropCookieReply] != 3 {
		t.Fatalf("%d fragments", n)
	}
	if a.peers[0].endpoint != b.addr {
		t.Fatal("a cookie reply moved the endpoint")
	}
}

func TestBothUnderLoadStillConnect(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	a.SetLoad(true)
	b.SetLoad(true)
	w.say(a, b, "one")
	w.say(b, a, "two")
	w.run(2 * time.Second)
	w.wantTalk(a, b)
}

func TestDefaultSizesOnTheWire(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	seen := w.capture()
	w.say(a, b, "hello")
	w.run(time.Second)
	for _, f := range ofType(*seen, wire.TypeInitiation) {
		if len(f.data) != 1230 {
			t.Fatal(len(f.data))
		}
	}
	for _, f := range ofType(*seen, wire.TypeResponse) {
		if len(f.data) != 1156 {
			t.Fatal(len(f.data))
		}
	}
	if len(ofType(*seen, wire.TypeInitiation)) != 2 || len(ofType(*seen, wire.TypeResponse)) != 2 {
		t.Fatal("counts")
	}
}
