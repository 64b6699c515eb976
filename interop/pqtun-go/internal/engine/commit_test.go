package engine

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

func TestC1AnInitiationAloneChangesNothingThatLasts(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	p := b.peers[0]
	current, stored, endpoint := p.current, p.stored, p.endpoint
	f := newForger(w, a, b)
	i := f.initiation(time.Hour)
	i.consume(t, f.deliver("203.0.113.9:9", i.datagrams))
	if p.current != current || p.stored != stored || p.endpoint != endpoint {
		t.Fatal("changed before confirm")
	}
	w.wantTalk(a, b)
	for _, kind := range []byte{wire.KindAnswer, wire.KindPathProbe} {
		payload := wire.BuildProbe(kind, [8]byte{}, 16)
		f.deliver("203.0.113.9:9", [][]byte{i.record(uint64(kind), payload)})
		if p.current != current || b.Drops()[DropUnconfirming] == 0 {
			t.Fatalf("%#x confirmed a session", kind)
		}
	}
	f.deliver("203.0.113.9:9", [][]byte{i.record(0, nil)})
	if p.current == current || p.stored != tsAt(time.Hour) || p.endpoint.String() != "203.0.113.9:9" || p.previous != current {
		t.Fatal("a keepalive did not confirm")
	}
}

func TestC3CopiesGetTheSameResponseFourTimesWithinFiveSeconds(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	i := f.initiation(0)
	first := f.deliver("203.0.113.9:9", i.datagrams)
	for n := range 6 {
		w.now += 500 * time.Millisecond
		from := fmt.Sprintf("203.0.113.%d:77", 10+n) // where the copy comes from
		again := f.deliver(from, i.datagrams)
		if n < 4 {
			if len(again) != len(first) || !bytes.Equal(again[0], first[0]) || !bytes.Equal(again[1], first[1]) {
				t.Fatalf("copy %d got another response", n)
			}
		} else if len(again) != 0 {
			t.Fatalf("copy %d was answered", n)
		}
	}
	if len(b.peers[0].pending) != 1 {
		t.Fatal("a copy made an entry")
	}
	j := f.initiation(time.Second)
	if !isResponse(f.deliver("203.0.113.9:9", j.datagrams)) {
		t.Fatal("a larger TS of the same prefix")
	}
	w.now += 5*time.Second + time.Millisecond
	if len(f.deliver("203.0.113.9:9", j.datagrams)) != 0 {
		t.Fatal("answered after 5 s")
	}
}

func TestC3ACopyOfFewerBytesThanTheResponseIsDropped(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	f.largest = wire.MinDatagram
	i := f.initiation(0)
	if len(i.datagrams) != 6 || !isResponse(f.deliver("203.0.113.9:9", i.datagrams)) {
		t.Fatal("no response")
	}
	// 2380 + 2 · 40 bytes draw nothing where the response has 2224 + 6 · 44.
	recut := wire.Split(wire.InitiationGeometry(suite.One, wire.DefaultDatagram), i.index, 0, i.body, a.peers[0].mac1Key[:])
	if f.deliver("203.0.113.9:9", recut) != nil || b.Drops()[DropCopy] != 1 {
		t.Fatal("amplified")
	}
	if !isResponse(f.deliver("203.0.113.9:9", i.datagrams)) {
		t.Fatal("a copy of as many bytes")
	}
}

func TestC4ProvenMeansAValidMac2OnEveryFragment(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	for with := range 4 {
		from := fmt.Sprintf("203.0.%d.1:5", with)
		i := f.initiation(time.Duration(with) * time.Second)
		cookie := b.cookieFor(w.now, netip.MustParseAddrPort(from))
		for n := range i.datagrams {
			if with&(1<<n) != 0 {
				i.datagrams[n] = wire.WithMac2(i.datagrams[n], &cookie)
			}
		}
		if !isResponse(f.deliver(from, i.datagrams)) {
			t.Fatal("no response")
		}
		if got := b.peers[0].pending[with].proven; got != (with == 3) {
			t.Fatalf("mac2 on fragments %b: proven %v", with, got)
		}
	}
}

func TestC3ReplayedInitiationsAreRefusedAfterConfirm(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	seen := w.capture()
	w.say(a, b, "hello")
	w.run(10 * time.Second)
	recorded := ofType(*seen, wire.TypeInitiation)
	*seen = nil
	for _, r := range recorded {
		b.HandleDatagram(w.now, r.from, r.data)
		w.drain(b)
	}
	if b.Drops()[DropOldTimestamp] != 1 || len(*seen) != 0 {
		t.Fatalf("%v", b.Drops())
	}
}

func TestC5AHeldBackInitiationCannotRollBack(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	p := b.peers[0]

	// Two from different prefixes: both pending, the newer confirms first.
	old, fresh := f.initiation(0), f.initiation(time.Second)
	old.consume(t, f.deliver("203.0.113.1:1", old.datagrams))
	fresh.consume(t, f.deliver("203.0.114.2:1", fresh.datagrams))
	f.deliver("203.0.114.2:1", [][]byte{fresh.record(0, nil)})
	if p.stored != tsAt(time.Second) || len(p.pending) != 0 {
		t.Fatal("the older next was not erased")
	}
	current := p.current
	f.deliver("203.0.113.1:1", [][]byte{old.record(0, nil)})
	if p.current != current || p.endpoint.String() != "203.0.114.2:1" {
		t.Fatal("rolled back")
	}

	// A larger TS stays a next; a smaller one is refused outright.
	later, mid := f.initiation(3*time.Second), f.initiation(2*time.Second)
	later.consume(t, f.deliver("203.0.113.1:1", later.datagrams))
	mid.consume(t, f.deliver("203.0.114.2:1", mid.datagrams))
	f.deliver("203.0.114.2:1", [][]byte{mid.record(0, nil)})
	if len(p.pending) != 1 || p.pending[0].ts != tsAt(3*time.Second) || p.stored != tsAt(2*time.Second) {
		t.Fatal("the larger next did not stay")
	}
	if f.deliver("203.0.113.1:1", f.initiation(2*time.Second).datagrams) != nil {
		t.Fatal("an equal TS is not larger")
	}
}

func TestC5ANextWhoseTSIsNotAboveTheStoredOneIsErased(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	p := b.peers[0]
	first, second := f.initiation(0), f.initiation(0) // equal: neither confirm erases the other's next
	first.consume(t, f.deliver("203.0.113.1:1", first.datagrams))
	second.consume(t, f.deliver("203.0.114.2:1", second.datagrams))
	f.deliver("203.0.113.1:1", [][]byte{first.record(0, nil)})
	current := p.current
	f.deliver("203.0.114.2:1", [][]byte{second.record(0, nil)})
	if p.current != current || len(p.pending) != 0 || b.Drops()[DropConfirmedTooLate] != 1 || p.endpoint.String() != "203.0.113.1:1" {
		t.Fatal("confirmed with an equal TS")
	}
}

func TestC4OneEntryAPrefixAndFourAPeer(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	f := newForger(w, a, b)
	p := b.peers[0]
	at := func(n int) string { return fmt.Sprintf("203.0.%d.1:5", n) }

	// Same prefix: the larger TS wins, the smaller draws a cookie reply.
	if !isResponse(f.deliver(at(1), f.initiation(10*time.Second).datagrams)) {
		t.Fatal("the first")
	}
	if !isCookieReply(f.deliver(at(1), f.initiation(9*time.Second).datagrams)) {
		t.Fatal("a smaller TS of the same prefix")
	}
	if !isResponse(f.deliver(at(1), f.initiation(11*time.Second).datagrams)) || len(p.pending) != 1 {
		t.Fatal("a larger TS of the same prefix")
	}
	// Proven beats unproven of its prefix, whatever the TS.
	if !isResponse(f.proven(at(1), f.initiation(8*time.Second))) || len(p.pending) != 1 || !p.pending[0].proven {
		t.Fatal("a proven one")
	}
	if !isCookieReply(f.deliver(at(1), f.initiation(time.Minute).datagrams)) {
		t.Fatal("an unproven one against a proven one")
	}
	if f.proven(at(1), f.initiation(7*time.Second)) != nil {
		t.Fatal("a proven loser is dropped")
	}

	// Four entries: only a proven one displaces the oldest unproven.
	for n := 2; n <= 4; n++ {
		w.now += 100 * time.Millisecond
		if !isResponse(f.deliver(at(n), f.initiation(time.Duration(20+n)*time.Second).datagrams)) {
			t.Fatal("room for four")
		}
	}
	if !isCookieReply(f.deliver(at(5), f.initiation(time.Hour).datagrams)) {
		t.Fatal("a fifth without mac2")
	}
	if !isResponse(f.proven(at(5), f.initiation(time.Second))) || len(p.pending) != 4 {
		t.Fatal("a fifth with mac2")
	}
	for _, held := range p.pending {
		if held.ts == tsAt(22*time.Second) {
			t.Fatal("the oldest unproven stayed")
		}
	}
	// All proven and young: the smallest TS gives way to a larger one only.
	for n := 6; n <= 7; n++ {
		if !isResponse(f.proven(at(n), f.initiation(time.Duration(30+n)*time.Second))) {
			t.Fatal("displacing the unproven")
		}
	}
	if f.proven(at(8), f.initiation(500*time.Millisecond)) != nil {
		t.Fatal("smaller than the smallest")
	}
	if !isResponse(f.proven(at(8), f.initiation(2*time.Second))) {
		t.Fatal("larger than the smallest")
	}
	// Older than 5 s: the oldest gives way whatever the TS.
	w.now += 6 * time.Second
	if !isResponse(f.proven(at(9), f.initiation(400*time.Millisecond))) || len(p.pending) != 4 {
		t.Fatal("older than 5 s")
	}
	if len(b.pending) != 4 || len(b.indices) != 4 {
		t.Fatalf("%d entries, %d indices", len(b.pending), len(b.indices))
	}
}

func TestC6TimestampsRiseOverRestartsAndBackwardClocks(t *testing.T) {
	var disk timestamp.TS
	stores := 0
	clock := senderClock{store: func(ts timestamp.TS) error { disk = ts; stores++; return nil }}
	var last timestamp.TS
	for i := range 1000 {
		ts, err := clock.next(wallStart.Add(time.Duration(i) * time.Second))
		if err != nil || !ts.After(last) || !disk.After(ts) {
			t.Fatalf("step %d", i)
		}
		last = ts
	}
	if stores < 2 || stores > 5 {
		t.Fatalf("stored %d times in 1000 s", stores)
	}
	restarted := senderClock{last: disk, ceiling: disk}
	ts, _ := restarted.next(wallStart.Add(-time.Hour))
	if !ts.After(last) || ts != disk.Next() {
		t.Fatal("a restart with the clock set back")
	}
	if err := clock.close(); err != nil || disk != last {
		t.Fatal("an orderly stop writes the exact value")
	}
}

func TestAClockThatWasAheadOnceRecovers(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	a.wallOffset = 10 * 365 * 24 * time.Hour
	w.say(a, b, "from the future")
	w.run(time.Second)
	a.wallOffset = 0
	for range 30 {
		w.run(20 * time.Second)
		w.wantTalk(a, b)
	}
	if len(a.established) < 4 {
		t.Fatal("no rekeys")
	}
}
