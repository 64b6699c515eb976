package handshake

import (
	"io"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

// Initiator is a handshake after I8, waiting for body2.
type Initiator struct {
	schedule
	local       *Identity
	psk         Key
	sender      uint32
	ephemeral   Key                // e_i
	kem         suite.Decapsulator // dk_i
	responseKey Key                // m2
}

// CreateInitiation carries out I1 … I8 and returns the state and body1.
// It fails with ErrRefused when a DH result is zero or the peer's KEM key is
// bad, or with the error of the random source.
func CreateInitiation(src *Source, local *Identity, remote *Remote, psk *Key, ts timestamp.TS, sender uint32, trace Trace) (*Initiator, []byte, error) {
	st := newSchedule(remote.Suite, &remote.ID, headerInitiation(remote.Suite, sender), trace)
	in := &Initiator{schedule: st, local: local, psk: *psk, sender: sender}

	// I1
	seed, err := in.drawEphemerals(src)
	if err != nil {
		return nil, nil, err
	}
	public := primitives.PublicKey(&in.ephemeral)
	dk, ek := remote.Suite.Generate(seed)
	in.kem = dk
	clear(seed[:])
	in.record("I1", "E_i", public[:])
	in.record("I1", "ek_i", ek)

	// I2
	in.mixKey("I2", public[:], ek)

	// I3
	k1, ct1, err := src.Encapsulate(remote.Suite, remote.KEMPublic)
	if err != nil {
		return nil, nil, err
	}
	es, ok := primitives.DH(&in.ephemeral, &remote.Public)
	if !ok {
		return nil, nil, ErrRefused
	}
	in.record("I3", "k1", k1)
	in.record("I3", "ct1", ct1)
	in.record("I3", "es", es[:])

	// I4
	ct1x := wrap(&es, ct1)
	in.record("I4", "ct1x", ct1x)

	// I5
	in.mixHash("I5", public[:], ek, ct1x)

	// I6
	k := in.mixKeyAndKey("I6", es[:], k1)
	encID := in.seal("I6", "enc_id", &k, local.ID[:])

	// I7
	ss, ok := primitives.DH(&local.secret, &remote.Public)
	if !ok {
		return nil, nil, ErrRefused
	}
	b := staticsHash(&local.Remote, remote)
	in.record("I7", "ss", ss[:])
	in.record("I7", "B", b[:])
	k = in.mixKeyAndKey("I7", ss[:], b[:], psk[:])
	encTS := in.seal("I7", "enc_ts", &k, ts[:])

	// I8
	in.responseKey = in.schedule.responseKey()

	eraseAll(&es, &ss, &k)
	clear(k1)
	body := wire.InitiationBody{
		Ephemeral: public[:], KEMEphemeral: ek, WrappedCiphertext: ct1x, EncryptedID: encID, EncryptedTS: encTS,
	}
	return in, body.Bytes(), nil
}

// ResponseKey is m2, the key of mac1 of the response (I8, §3.1).
func (in *Initiator) ResponseKey() *Key {
	return &in.responseKey
}

// ConsumeResponse carries out R4 … R8 and S1 on the receiving side. On refusal
// the state is as before, so another response may still be right.
func (in *Initiator) ConsumeResponse(responder uint32, body2 []byte, trace Trace) (Keys, error) {
	b, ok := wire.ParseResponseBody(in.suite, body2)
	if !ok {
		return Keys{}, ErrRefused
	}
	st := in.schedule // a copy: a refusal leaves in as it was
	st.trace = trace
	defer st.erase()
	ephemeral := Key(b.Ephemeral)

	// R2, R3: se = DH(s_i, E_r) unwraps ct3
	se, ok := primitives.DH(&in.local.secret, &ephemeral)
	if !ok {
		return Keys{}, ErrRefused
	}
	k2, err2 := in.kem.Decapsulate(b.Ciphertext)
	k3, err3 := in.local.kem.Decapsulate(wrap(&se, b.WrappedCiphertext))
	if err2 != nil || err3 != nil {
		return Keys{}, ErrRefused
	}

	// R4
	st.mixKey("R4", ephemeral[:], b.Ciphertext)
	st.mixHash("R4", headerResponse(in.suite, responder, in.sender), ephemeral[:], b.Ciphertext, b.WrappedCiphertext)

	// R5
	ee, ok := primitives.DH(&in.ephemeral, &ephemeral)
	if !ok {
		return Keys{}, ErrRefused
	}
	st.mixKey("R5", ee[:], k2)

	// R6
	st.mixKey("R6", se[:], k3)

	// R7, R8
	k := st.mixPSK("R7", &in.psk)
	if _, ok := st.open("R8", &k, b.EncryptedNothing); !ok {
		return Keys{}, ErrRefused
	}

	eraseAll(&se, &ee, &k)
	clear(k2)
	clear(k3)
	return st.split(), nil
}

// Erase forgets every secret; to be called after S1 and on giving up.
func (in *Initiator) Erase() {
	in.erase()
	eraseAll(&in.psk, &in.ephemeral, &in.responseKey)
	in.kem = nil
}

func (in *Initiator) drawEphemerals(src *Source) (seed *[suite.SeedSize]byte, err error) {
	seed = new([suite.SeedSize]byte)
	if in.ephemeral, err = src.key(); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(src.Random, seed[:])
	return seed, err
}

func eraseAll(keys ...*Key) {
	for _, k := range keys {
		clear(k[:])
	}
}
