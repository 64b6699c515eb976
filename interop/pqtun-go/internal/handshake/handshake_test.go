package handshake_test

import (
	"bytes"
	"testing"
	"time"

	"pqtun-go/internal/derandom"
	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

var suites = []*suite.Suite{suite.One, suite.Two}

type pair struct {
	src      handshake.Source
	ini, res *handshake.Identity
	psk      handshake.Key
}

func newPair(s *suite.Suite) *pair {
	src, _ := derandom.Seeded(s.Byte)
	statics := func(b byte) *handshake.Statics {
		return &handshake.Statics{Secret: handshake.Key{b}, Seed: [64]byte{b}}
	}
	return &pair{src: src, ini: handshake.NewIdentity(s, statics(1)), res: handshake.NewIdentity(s, statics(2)), psk: handshake.Key{7}}
}

func (p *pair) initiate(t *testing.T) (*handshake.Initiator, []byte) {
	t.Helper()
	in, body1, err := handshake.CreateInitiation(&p.src, p.ini, &p.res.Remote, &p.psk, timestamp.At(time.Unix(1e9, 0)), 0x01020304, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in, body1
}

func (p *pair) respond(t *testing.T, body1 []byte) ([]byte, handshake.Keys) {
	t.Helper()
	claim, err := handshake.OpenInitiation(p.res, 0x01020304, body1, nil)
	if err != nil || claim.ID != p.ini.ID {
		t.Fatal("enc_id", err)
	}
	accepted, err := claim.Authenticate(&p.ini.Remote, &p.psk)
	if err != nil || accepted.TS != timestamp.At(time.Unix(1e9, 0)) {
		t.Fatal("enc_ts", err)
	}
	if err := accepted.CheckEphemeral(); err != nil {
		t.Fatal(err)
	}
	body2, keys, err := accepted.Respond(&p.src, 0x05060708)
	if err != nil {
		t.Fatal(err)
	}
	return body2, keys
}

func TestI1ToS1GiveBothSidesTheSameKeys(t *testing.T) {
	for _, s := range suites {
		p := newPair(s)
		in, body1 := p.initiate(t)
		body2, theirs := p.respond(t, body1)
		ours, err := in.ConsumeResponse(0x05060708, body2, nil)
		if err != nil || ours != theirs {
			t.Fatalf("suite %d: keys differ, %v", s.Byte, err)
		}
		if ours.InitiatorToResponder == ours.ResponderToInitiator {
			t.Fatal("both directions have one key")
		}
		want := map[byte][2]int{1: {2380, 2224}, 2: {3244, 3184}}[s.Byte]
		if len(body1) != want[0] || len(body2) != want[1] {
			t.Fatalf("bodies of %d and %d B", len(body1), len(body2))
		}
	}
}

func TestEveryChangedByteOfBody1IsRefused(t *testing.T) {
	for _, s := range suites {
		p := newPair(s)
		_, body1 := p.initiate(t)
		for at := 0; at < len(body1); at += 37 {
			bad := bytes.Clone(body1)
			bad[at] ^= 0x40
			claim, err := handshake.OpenInitiation(p.res, 0x01020304, bad, nil)
			if err != nil {
				continue
			}
			if _, err := claim.Authenticate(&p.ini.Remote, &p.psk); err == nil {
				t.Fatalf("suite %d byte %d was not noticed", s.Byte, at)
			}
		}
		if _, err := handshake.OpenInitiation(p.res, 0x01020305, body1, nil); err == nil {
			t.Fatal("another sender index was not noticed")
		}
	}
}

func TestARefusedResponseLeavesRoomForTheRightOne(t *testing.T) {
	for _, s := range suites {
		p := newPair(s)
		in, body1 := p.initiate(t)
		body2, theirs := p.respond(t, body1)
		for at := 0; at < len(body2); at += 41 {
			bad := bytes.Clone(body2)
			bad[at] ^= 1
			if _, err := in.ConsumeResponse(0x05060708, bad, nil); err == nil {
				t.Fatalf("suite %d byte %d was not noticed", s.Byte, at)
			}
		}
		if _, err := in.ConsumeResponse(0x05060709, body2, nil); err == nil {
			t.Fatal("another responder index was not noticed")
		}
		if ours, err := in.ConsumeResponse(0x05060708, body2, nil); err != nil || ours != theirs {
			t.Fatal("the right response came too late", err)
		}
	}
}

func TestTheWrongPSKFailsAtTheTimestamp(t *testing.T) {
	p := newPair(suite.One)
	_, body1 := p.initiate(t)
	claim, err := handshake.OpenInitiation(p.res, 0x01020304, body1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Authenticate(&p.ini.Remote, &handshake.Key{}); err == nil {
		t.Fatal("Q is not in the key schedule")
	}
}

func TestAllZeroDHResultsAreRefusedInEveryPosition(t *testing.T) {
	p := newPair(suite.One)
	_, body1 := p.initiate(t)
	zero := bytes.Clone(body1)
	clear(zero[:32])
	if _, err := handshake.OpenInitiation(p.res, 0x01020304, zero, nil); err == nil {
		t.Fatal("es of a low-order E_i")
	}
	in, body1 := p.initiate(t)
	body2, _ := p.respond(t, body1)
	clear(body2[:32])
	if _, err := in.ConsumeResponse(0x05060708, body2, nil); err == nil {
		t.Fatal("se of a low-order E_r")
	}
	low, err := handshake.NewRemote(suite.One, handshake.Key{}, p.res.KEMPublic)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := handshake.CreateInitiation(&p.src, p.ini, low, &p.psk, timestamp.TS{}, 1, nil); err == nil {
		t.Fatal("es of a low-order S_r")
	}
}

func TestABadEphemeralKEMKeyIsFoundAtItsOwnStep(t *testing.T) {
	p := newPair(suite.One)
	_, body1 := p.initiate(t)
	b, ok := wire.ParseInitiationBody(suite.One, body1)
	if !ok {
		t.Fatal("body1 does not parse")
	}
	b.KEMEphemeral[0], b.KEMEphemeral[1] = 0xff, 0xff // a coefficient of 4095 ≥ q
	if suite.One.CheckKey(b.KEMEphemeral) == nil {
		t.Fatal("the modulus is not checked")
	}
}
