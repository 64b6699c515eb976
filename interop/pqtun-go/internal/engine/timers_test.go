package engine

import (
	"net/netip"
	"testing"
	"time"

	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

func TestN3RetryIntervalsOfBothProfiles(t *testing.T) {
	for _, c := range []struct {
		profile Profile
		want    []int
	}{
		{Standard, []int{5, 5, 10, 20, 20, 20}},
		{Metered, []int{5, 5, 10, 20, 40, 80, 160, 320, 600, 600}},
	} {
		for i, want := range c.want {
			if got := retryInterval(i+1, c.profile); got != time.Duration(want)*time.Second {
				t.Errorf("after attempt %d: %v, want %d s", i+1, got, want)
			}
		}
	}
}

func TestN3ExpiryOfPersistentKeepaliveKeepsTheAttemptsGoing(t *testing.T) {
	w := newWorld(t)
	w.loss = 1
	a, _ := w.pair(suite.One, func(c *PeerConfig) { c.PersistentKeepalive = 25 * time.Second })
	w.run(time.Hour)
	if a.gaveUp != 0 || !a.Peer("b").Status(w.now).Trying {
		t.Fatal("gave up")
	}
	w.loss = 0
	w.run(25 * time.Second)
	if !a.Peer("b").Status(w.now).Current {
		t.Fatal("not connected within a retry interval of a working network")
	}
}

func TestT1TheResponderOfASessionDoesNotRekeyItByTime(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	seen := w.capture()
	for range 16 { // up to 160 s: b sends, a answers with keepalives of T2, sent under a session older than 120 s
		w.say(b, a, "one-sided")
		w.run(10 * time.Second)
	}
	for _, f := range ofType(*seen, wire.TypeInitiation) {
		if f.from == b.addr {
			t.Fatal("the responder initiated")
		}
	}
	if len(a.established) < 2 {
		t.Fatal("the initiator did not rekey when it sent a keepalive")
	}
}

func TestT1MessagesMakeEitherSideRekey(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(time.Second)
	if !b.SetSendCounter("a", rekeyAfterMessages-1) {
		t.Fatal("counter")
	}
	w.say(b, a, "below")
	w.run(time.Second)
	if len(b.established) != 1 {
		t.Fatal("too early")
	}
	w.say(b, a, "at the limit")
	w.run(time.Second)
	if len(b.established) != 2 || b.established[1].Role != Initiator {
		t.Fatal("no rekey", b.established)
	}
}

func TestT4ProbesUpTo64BytesCountAsDataSentOthersForNothing(t *testing.T) {
	for _, c := range []struct {
		kind  byte
		size  int
		found bool
	}{{wire.KindProbe, 16, true}, {wire.KindProbe, 64, true}, {wire.KindProbe, 80, false}, {wire.KindPathProbe, 16, false}} {
		w := newWorld(t)
		a, b := w.pair(suite.One, nil)
		w.say(a, b, "hello")
		w.run(12 * time.Second)
		w.loss = 1
		a.SendProbe(w.now, "b", c.kind, [8]byte{1}, c.size, netip.AddrPort{})
		w.drain(a)
		w.run(14900 * time.Millisecond)
		if a.Peer("b").Status(w.now).Trying {
			t.Fatalf("%+v: too early", c)
		}
		w.run(1200 * time.Millisecond)
		if a.Peer("b").Status(w.now).Trying != c.found {
			t.Fatalf("%+v: tries %v", c, !c.found)
		}
	}
}

func TestT2ProbesAndAnswersNeitherStartNorStopThePassiveKeepalive(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(suite.One, nil)
	w.say(a, b, "hello")
	w.run(30 * time.Second)
	seen := w.capture()
	a.SendProbe(w.now, "b", wire.KindProbe, [8]byte{1}, 16, netip.AddrPort{})
	w.drain(a)
	w.run(30 * time.Second)
	if len(*seen) != 2 { // probe and answer
		t.Fatalf("%d datagrams", len(*seen))
	}
}

func TestAConfigurationKeyThatIsBadIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.add("a", "192.0.2.1:1000", nil)
	bad := make([]byte, 1184)
	for i := range bad {
		bad[i] = 0xff
	}
	if a.AddPeer(w.now, PeerConfig{Name: "b", Suite: suite.One, KEMPublic: bad}) == nil {
		t.Fatal("a KEM key of coefficients ≥ q")
	}
}
