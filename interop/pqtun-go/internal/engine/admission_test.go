package engine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

func TestOverRateFragmentZeroDrawsACookieReplyAndOthersAreDropped(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	for n := range 8 { // 16 fragments: the burst
		if got := f.deliver("203.0.113.9:9", f.initiation(time.Duration(n)*time.Second).datagrams); !isResponse(got) {
			t.Fatalf("initiation %d", n)
		}
	}
	i := f.initiation(time.Minute)
	if got := f.deliver("203.0.113.10:9", i.datagrams); !isResponse(got) {
		t.Fatal("another prefix pays for the first")
	}
	j := f.initiation(2 * time.Minute)
	if got := f.deliver("203.0.113.9:77", j.datagrams[:1]); !isCookieReply(got) {
		t.Fatal("fragment 0 over rate")
	}
	if got := f.deliver("203.0.113.9:77", j.datagrams[1:]); got != nil {
		t.Fatal("fragment 1 over rate")
	}
	if got := f.proven("203.0.113.9:77", j); !isResponse(got) {
		t.Fatal("a valid mac2 has a budget of its own")
	}
	for n := range 15 { // 30 more: the proven burst of 32 is used up
		f.proven("203.0.113.9:77", f.initiation(time.Duration(3+n)*time.Minute))
	}
	if got := f.proven("203.0.113.9:77", f.initiation(time.Hour)); got != nil || b.Drops()[DropRate] == 0 {
		t.Fatal("over the proven rate a fragment is dropped")
	}
	w.now += time.Second
	if got := f.deliver("203.0.113.9:77", f.initiation(2*time.Hour).datagrams); !isCookieReply(got) && !isResponse(got) {
		t.Fatal("the budget does not come back")
	}
}

func TestSlotsAreBoundedAndLiveThreeSeconds(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	half := func(prefix int, port int) [][]byte {
		return f.deliver(fmt.Sprintf("203.%d.%d.1:%d", prefix/250, prefix%250, port), f.initiation(0).datagrams[:1])
	}
	for port := 1; port <= 4; port++ {
		if half(1, port) != nil {
			t.Fatal("within the quota of a prefix")
		}
	}
	if !isCookieReply(half(1, 5)) {
		t.Fatal("over the quota of a prefix")
	}
	for prefix := 2; prefix <= 29; prefix++ {
		if half(prefix, 1) != nil {
			t.Fatalf("slot %d of pool B", prefix+3)
		}
	}
	if !isCookieReply(half(30, 1)) {
		t.Fatal("pool B is half full")
	}
	// A proven one still gets in, up to the whole pool, then evicts.
	for prefix := 40; prefix < 80; prefix++ {
		from := fmt.Sprintf("198.18.%d.1:1", prefix)
		i := f.initiation(0)
		cookie := b.cookieFor(w.now, netip.MustParseAddrPort(from))
		f.deliver(from, [][]byte{wire.WithMac2(i.datagrams[0], &cookie)})
	}
	s := &b.admission.slots
	if s.inB != 64 || len(s.byKey) != 64 || b.Drops()[DropNoSlot] != 0 {
		t.Fatalf("%d slots in pool B", s.inB)
	}
	w.now += 3 * time.Second
	if half(90, 1) != nil || s.inB != 1 || len(s.prefixUsed) != 1 {
		t.Fatalf("after 3 s there are %d slots", s.inB)
	}
}

func TestAConfirmedEndpointHasPoolAButNotUnderLoad(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	f := newForger(w, a, b)
	home := a.addr.String()
	for n := 0; n < 32; n++ { // pool B half full by others
		f.deliver(fmt.Sprintf("203.0.%d.1:1", n), f.initiation(0).datagrams[:1])
	}
	if f.deliver(home, f.initiation(time.Minute).datagrams[:1]) != nil || f.deliver(home, f.initiation(time.Minute).datagrams[:1]) != nil {
		t.Fatal("pool A is exempt from the half-full rule")
	}
	if b.admission.slots.inA != 2 {
		t.Fatalf("%d slots in pool A", b.admission.slots.inA)
	}
	if !isCookieReply(f.deliver(home, f.initiation(time.Minute).datagrams[:1])) {
		t.Fatal("2 for each source")
	}
	b.SetLoad(true)
	w.now += 5 * time.Second
	if !isCookieReply(f.deliver(home, f.initiation(time.Minute).datagrams[:1])) {
		t.Fatal("not exempt from load")
	}
}

func TestTwoHundredHandshakesASecondAreLoad(t *testing.T) {
	var a admission
	a.limits = DefaultLimits()
	for n := range 201 {
		if a.underLoad(time.Duration(n) * time.Millisecond) {
			t.Fatalf("under load at %d", n)
		}
		a.noteCompleted(time.Duration(n) * time.Millisecond)
	}
	if !a.underLoad(201*time.Millisecond) || a.underLoad(1100*time.Millisecond) {
		t.Fatal("over 200 in a second")
	}
}

func TestTheCookieSecretIsReplacedAndTheOldOneVerifiesFiveSecondsMore(t *testing.T) {
	w := newWorld(t)
	b := w.add("b", "198.51.100.2:2000", nil)
	born := b.cookies.born
	from := netip.MustParseAddrPort("203.0.113.9:9")
	first := b.cookieFor(born+119*time.Second, from)
	if b.cookieFor(born+120*time.Second, from) == first {
		t.Fatal("R was not replaced")
	}
	d := wire.WithMac2(wire.Split(wire.InitiationGeometry(suite.One, 1232), 1, 0, make([]byte, 2380), make([]byte, 32))[0], &first)
	f, _ := wire.ParseFragment(d)
	if !b.verifyMac2(born+124*time.Second, from, &f) || b.verifyMac2(born+125*time.Second, from, &f) {
		t.Fatal("5 s of grace")
	}
	if b.verifyMac2(born+124*time.Second, netip.MustParseAddrPort("203.0.113.9:10"), &f) {
		t.Fatal("a cookie is good for its port only")
	}
}

func TestNothingFromTheNetworkDoesHarm(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	seen := w.capture()
	w.say(a, b, "hello")
	w.say(b, a, "hello")
	w.run(20 * time.Second)
	w.tap = nil
	chance := rand.New(rand.NewPCG(3, 4))
	from := netip.MustParseAddrPort("203.0.113.9:9")
	sessions := len(a.established) + len(b.established)
	for range 30_000 {
		f := (*seen)[chance.IntN(len(*seen))]
		d := append([]byte(nil), f.data...)
		for range 1 + chance.IntN(3) {
			d[chance.IntN(len(d))] ^= byte(1 + chance.IntN(255))
		}
		if chance.IntN(4) == 0 {
			d = d[:chance.IntN(len(d))]
		}
		for _, n := range []*node{a, b} {
			n.HandleDatagram(w.now, from, d)
			n.Poll()
		}
	}
	if got := b.Peer("a").Status(w.now).Endpoint; got != a.addr || sessions != len(a.established)+len(b.established) {
		t.Fatal("something changed")
	}
	w.wantTalk(a, b)
}

func TestAProvenFragmentOverQuotaEvictsOnlyWithinItsOwnPrefix(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	half := func(from string, proven bool) (held bool) {
		i := f.initiation(0)
		d := i.datagrams[0]
		if proven {
			cookie := b.cookieFor(w.now, netip.MustParseAddrPort(from))
			d = wire.WithMac2(d, &cookie)
		}
		w.now += time.Millisecond
		f.deliver(from, [][]byte{d})
		for key := range b.admission.slots.byKey {
			if key.from.String() == from && key.sender == i.index {
				return true
			}
		}
		return false
	}
	half("203.0.114.9:1", false) // another prefix holds the oldest slot
	for port := 1; port <= 4; port++ {
		half(fmt.Sprintf("203.0.113.9:%d", port), false)
	}
	for port := 11; port <= 14; port++ {
		if !half(fmt.Sprintf("203.0.113.9:%d", port), true) {
			t.Fatal("a proven fragment found no slot without mac2 to evict")
		}
	}
	s := &b.admission.slots
	if s.inB != 5 || s.prefixUsed[netip.MustParsePrefix("203.0.114.9/32")] != 1 {
		t.Fatal("evicted a slot of another prefix")
	}
	if half("203.0.113.9:15", true) || b.Drops()[DropNoSlot] != 1 || s.inB != 5 {
		t.Fatal("over quota with nothing of its own to evict")
	}
}
