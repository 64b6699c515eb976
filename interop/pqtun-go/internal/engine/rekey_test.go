package engine

import (
	"fmt"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

func TestTwoDaysOfTrafficRekeyWithoutAGap(t *testing.T) {
	for _, profile := range []Profile{Standard, Metered} {
		w := newWorld(t)
		a, b := w.pair(suite.One, func(c *PeerConfig) { c.Profile = profile })
		w.say(a, b, "start")
		w.run(time.Second)
		for end := w.now + 48*time.Hour; w.now < end; {
			w.run(17 * time.Second)
			w.wantTalk(a, b)
			for _, n := range []*node{a, b} {
				for _, p := range n.peers {
					if age := p.Status(w.now).Age; age >= profile.RejectAfter {
						t.Fatalf("a session of age %v", age)
					}
				}
			}
		}
		rekeys := int(48 * time.Hour / profile.RekeyAfter)
		if got := len(a.established); got < rekeys*8/10 || got > rekeys+2 {
			t.Fatalf("%d sessions in two days, want about %d", got, rekeys)
		}
		for _, e := range a.established {
			if e.Role != Initiator { // T1: only its initiator rekeys by time
				t.Fatal("the responder of a session rekeyed it")
			}
		}
		if n := len(a.indices) + len(a.pending) + len(b.pending); n > 2 {
			t.Fatalf("%d indices and entries are left", n)
		}
	}
}

func TestAnIdleTunnelIsQuiet(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(30 * time.Second)
	seen := w.capture()
	w.run(time.Hour)
	if len(*seen) != 0 {
		t.Fatalf("%d datagrams in an idle hour", len(*seen))
	}
	w.wantTalkAfter(a, b, time.Second)
}

func TestPersistentKeepaliveHoldsASessionForSixHours(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.Two, nil)
	a.peers[0].cfg.PersistentKeepalive = 25 * time.Second
	a.peers[0].timers.persistent = w.now
	w.run(time.Second)
	seen := w.capture()
	for range 6 * 60 {
		w.run(time.Minute)
		if !a.Peer("b").Status(w.now).Current || !b.Peer("a").Status(w.now).Current {
			t.Fatalf("%v: no session", w.now)
		}
	}
	probes := 0
	for _, f := range ofType(*seen, wire.TypeTransport) {
		if f.from == a.addr && len(f.data) == wire.MinTransport+16 {
			probes++
		}
	}
	if probes < 6*60*2 || len(a.answers) < probes*9/10 {
		t.Fatalf("%d probes, %d answers", probes, len(a.answers))
	}
}

func TestLossDuplicationAndReorderingDeliverNothingTwiceOrChanged(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.loss, w.dup, w.jitter = 0.2, 0.1, 800*time.Millisecond
	sent := map[string]bool{}
	for i := range 20_000 {
		for _, d := range [][2]*node{{a, b}, {b, a}} {
			text := fmt.Sprintf("%s %d", d[0].name, i)
			sent[text] = true
			w.say(d[0], d[1], text)
		}
		w.run(200 * time.Millisecond)
	}
	w.run(5 * time.Second)
	got := map[string]bool{}
	for _, text := range append(a.delivered, b.delivered...) {
		if !sent[text] || got[text] {
			t.Fatalf("%q was not sent or came twice", text)
		}
		got[text] = true
	}
	if share := float64(len(got)) / float64(len(sent)); share < 0.78 {
		t.Fatalf("only %.2f arrived of about 0.8", share)
	}
	if b.Drops()[DropReplay]+a.Drops()[DropReplay] == 0 {
		t.Fatal("duplicates were not tested")
	}
}

func TestReconnectsWithinHalfAMinuteOfAWorkingNetwork(t *testing.T) {
	worst := time.Duration(0)
	for round := range 40 {
		w := newWorld(t)
		a, b := w.pair(suite.One, nil)
		w.chance.Uint64()
		w.loss, w.jitter = 0.3, 2*time.Second
		for i := range 60 + round*7 {
			w.say(a, b, fmt.Sprint("a", i))
			if i%3 == 0 {
				w.say(b, a, fmt.Sprint("b", i))
			}
			if i%50 == 20 {
				w.loss = 1
			}
			if i%50 == 45 {
				w.loss = 0.3
			}
			w.run(3 * time.Second)
		}
		w.loss, w.jitter = 0, 0
		start := w.now
		for na, nb := len(a.delivered), len(b.delivered); len(a.delivered) == na || len(b.delivered) == nb; {
			w.say(a, b, "again")
			w.say(b, a, "again")
			w.run(time.Second)
			if w.now-start > 40*time.Second {
				t.Fatalf("round %d: not connected after %v", round, w.now-start)
			}
		}
		worst = max(worst, w.now-start)
	}
	if worst > 31*time.Second {
		t.Fatalf("worst %v", worst)
	}
	t.Logf("worst %v", worst)
}

func TestT3APeerThatForgotTheSessionIsFoundAfterFifteenSeconds(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(12 * time.Second) // past the keepalive of T2
	b.restart(w, b.cfg)
	w.know(b, a, suite.One, nil)
	w.say(a, b, "lost")
	w.run(14900 * time.Millisecond)
	if len(a.established) != 1 {
		t.Fatal("too early")
	}
	w.run(1300 * time.Millisecond)
	if len(a.established) != 2 {
		t.Fatal("too late")
	}
	w.wantTalk(a, b)
}

func TestT2AKeepaliveTenSecondsAfterUnansweredData(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(15 * time.Second)
	seen := w.capture()
	w.say(a, b, "one-sided")
	w.run(9900 * time.Millisecond)
	if len(*seen) != 1 {
		t.Fatal("too early")
	}
	b.SendProbe(w.now, "a", wire.KindProbe, [8]byte{1}, 16, a.addr) // does not stop it
	w.drain(b)
	w.run(300 * time.Millisecond)
	w.run(10 * time.Second)
	keepalives := 0
	for _, f := range *seen {
		if f.from == b.addr && len(f.data) == wire.MinTransport {
			keepalives++
		}
	}
	if keepalives != 1 {
		t.Fatalf("%d keepalives", keepalives)
	}
	if len(a.established) != 1 {
		t.Fatal("T3 fired")
	}
}

func TestT6DataOnAnIndexErasedByAgeIsAProfileMismatch(t *testing.T) {
	w := newWorld(t)
	a, b := w.add("a", "192.0.2.1:1000", nil), w.add("b", "198.51.100.2:2000", nil)
	w.know(a, b, suite.One, func(c *PeerConfig) { c.Profile = Metered })
	w.know(b, a, suite.One, nil)
	w.say(a, b, "hello")
	w.run(200 * time.Second)
	if b.Peer("a").Status(w.now).Current {
		t.Fatal("a session past REJECT_AFTER_TIME")
	}
	w.say(a, b, "too old for b")
	w.run(time.Second)
	if b.Drops()[DropProfileMismatch] != 1 {
		t.Fatal(b.Drops())
	}
}

func TestT6ThreeTimesRejectWithoutASessionErasesWhatWaited(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	w.loss = 1
	w.run(200 * time.Second)
	w.say(a, b, "waits")
	if a.peers[0].Status(w.now).Staged != 1 {
		t.Fatal("not staged")
	}
	w.run(3*180*time.Second - 25*time.Second)
	if a.peers[0].Status(w.now).Staged != 1 {
		t.Fatal("erased too early")
	}
	w.run(30 * time.Second)
	if a.peers[0].Status(w.now).Staged != 0 || !b.peers[0].hasStored || !a.peers[0].endpoint.IsValid() {
		t.Fatal("erased too little or too much")
	}
}

func TestNoCounterReachesRejectAfterMessages(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	a.peers[0].current.sendCounter = rejectAfterMessages - 2
	w.say(a, b, "last but one")
	w.say(a, b, "last")
	over := *a.peers[0].current
	for _, counter := range []uint64{rejectAfterMessages, 1<<64 - 1} {
		d := wire.BuildTransport(over.remote, counter, &over.sendKey, nil)
		b.HandleDatagram(w.now, a.addr, d)
	}
	if b.Drops()[DropCounter] != 2 {
		t.Fatal("received at the limit")
	}
	seen := w.capture()
	w.say(a, b, "under the next session")
	if len(ofType(*seen, wire.TypeTransport)) != 0 {
		t.Fatal("sent at the limit")
	}
	w.run(time.Second)
	if n := len(b.delivered); n != 4 {
		t.Fatalf("%d delivered", n)
	}
}
