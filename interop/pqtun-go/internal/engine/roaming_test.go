package engine

import (
	"net/netip"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

func TestTheEndpointFollowsTheHighestCounterOfTheCurrentSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	home := a.addr
	endpoint := func() netip.AddrPort { return b.Peer("a").Status(w.now).Endpoint }

	// A packet held back and delivered late from elsewhere moves nothing.
	var held flight
	w.tap = func(f flight) bool { held = f; return false }
	w.say(a, b, "held back")
	w.tap = nil
	w.say(a, b, "newer")
	w.run(100 * time.Millisecond)
	b.HandleDatagram(w.now, netip.MustParseAddrPort("203.0.113.66:66"), held.data)
	w.drain(b)
	if endpoint() != home || b.delivered[len(b.delivered)-1] != "held back" {
		t.Fatal("an older counter moved the endpoint, or was not delivered")
	}

	// A replay is dropped and moves nothing.
	before := len(b.delivered)
	b.HandleDatagram(w.now, netip.MustParseAddrPort("203.0.113.66:66"), held.data)
	w.drain(b)
	if endpoint() != home || len(b.delivered) != before || b.Drops()[DropReplay] != 1 {
		t.Fatal("a replay")
	}

	a.addr = netip.MustParseAddrPort("[2001:db8::1]:1000")
	w.wantTalkAfter(a, b, time.Second)
	if endpoint() != a.addr || len(b.moved) != 1 { // b had the first address configured
		t.Fatal("did not roam", b.moved)
	}
}

func TestPathProbesAndAnswersMoveNoEndpoint(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	home := a.addr
	a.addr = netip.MustParseAddrPort("203.0.113.5:5")
	seen := w.capture()
	a.SendProbe(w.now, "b", wire.KindPathProbe, [8]byte{7}, 48, b.addr)
	w.drain(a)
	w.run(200 * time.Millisecond)
	if got := b.Peer("a").Status(w.now).Endpoint; got != home {
		t.Fatalf("0x03 moved the endpoint to %v", got)
	}
	if len(a.answers) != 1 || a.answers[0].Length != 48 || a.answers[0].Token != [8]byte{7} {
		t.Fatalf("the answer to 0x03 goes where it came from: %v", a.answers)
	}
	if last := (*seen)[len(*seen)-1]; last.to != a.addr {
		t.Fatal("answered elsewhere")
	}
	a.SendProbe(w.now, "b", wire.KindProbe, [8]byte{8}, 16, b.addr)
	w.drain(a)
	w.run(200 * time.Millisecond)
	if got := b.Peer("a").Status(w.now).Endpoint; got != a.addr || len(a.answers) != 2 {
		t.Fatal("0x01 is a packet like others")
	}
}

func TestAtMostSixteenAnswersInAnySecond(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	for range 40 {
		a.SendProbe(w.now, "b", wire.KindProbe, [8]byte{1}, 16, netip.AddrPort{})
	}
	w.drain(a)
	w.run(900 * time.Millisecond)
	if len(a.answers) != 16 || b.Drops()[DropAnswerRate] != 24 {
		t.Fatalf("%d answers", len(a.answers))
	}
	w.run(time.Second)
	a.SendProbe(w.now, "b", wire.KindProbe, [8]byte{1}, 16, netip.AddrPort{})
	w.drain(a)
	w.run(time.Second)
	if len(a.answers) != 17 {
		t.Fatal("never again")
	}
}

func TestInnerSourcesOfAnotherPeerAreDropped(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	c := w.add("c", "203.0.113.3:3", nil)
	w.know(b, c, suite.One, func(p *PeerConfig) {
		p.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.77/32")}
	})
	w.say(a, b, "hello")
	w.run(time.Second)
	for _, source := range [][4]byte{{10, 0, 0, 77}, {10, 9, 9, 9}, {8, 8, 8, 8}} {
		p := a.packet("forged")
		copy(p[12:], source[:])
		a.SendPacket(w.now, "b", p)
	}
	w.drain(a)
	w.wantTalk(a, b) // nested inside c's range, but longer
	if b.Drops()[DropSource] != 3 {
		t.Fatal(b.Drops())
	}
}

func TestAChangedLocalAddressStartsTheSequenceAnew(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.tap = func(flight) bool { return false }
	w.say(a, b, "waits")
	w.run(50 * time.Second)
	if a.peers[0].failedIPv4 < 2 {
		t.Fatal("nothing failed")
	}
	w.tap = nil
	seen := w.capture()
	a.LocalAddressChanged(w.now)
	w.drain(a)
	w.run(500 * time.Millisecond)
	if len(b.delivered) != 1 || len(ofType(*seen, wire.TypeInitiation)) != 2 {
		t.Fatal("not at once, or still with small datagrams")
	}
}
