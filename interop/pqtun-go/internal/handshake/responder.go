package handshake

import (
	"errors"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/timestamp"
	"pqtun-go/internal/wire"
)

// ErrRefused is every way a handshake message can be wrong: a zero DH result, a
// bad KEM key, a failed decapsulation or tag. They are not told apart (§7).
var ErrRefused = errors.New("handshake: refused")

// Claim is an initiation whose enc_id opened: the ID is claimed, not proven.
type Claim struct {
	schedule
	local  *Identity
	sender uint32
	body   wire.InitiationBody
	ID     Key // ID_i as claimed
}

// OpenInitiation carries out I2 … I6 on the receiving side (C2 steps 8, 9).
func OpenInitiation(local *Identity, sender uint32, body1 []byte, trace Trace) (*Claim, error) {
	b, ok := wire.ParseInitiationBody(local.Suite, body1)
	if !ok {
		return nil, ErrRefused
	}
	st := newSchedule(local.Suite, &local.ID, headerInitiation(local.Suite, sender), trace)
	c := &Claim{schedule: st, local: local, sender: sender, body: b}
	ephemeral := Key(b.Ephemeral)

	// I2
	c.mixKey("I2", ephemeral[:], b.KEMEphemeral)

	// I3, I4: es = DH(s_r, E_i) unwraps ct1
	es, ok := primitives.DH(&local.secret, &ephemeral)
	if !ok {
		return nil, ErrRefused
	}
	k1, err := local.kem.Decapsulate(wrap(&es, b.WrappedCiphertext))
	if err != nil {
		return nil, ErrRefused
	}

	// I5
	c.mixHash("I5", ephemeral[:], b.KEMEphemeral, b.WrappedCiphertext)

	// I6
	k := c.mixKeyAndKey("I6", es[:], k1)
	id, ok := c.open("I6", &k, b.EncryptedID)
	eraseAll(&es, &k)
	clear(k1)
	if !ok {
		c.erase()
		return nil, ErrRefused
	}
	c.ID = Key(id)
	return c, nil
}

// Accepted is an initiation whose enc_ts opened: authentic as far as X25519
// and the pre-shared key go (§5.1).
type Accepted struct {
	*Claim
	remote      *Remote
	psk         Key
	TS          timestamp.TS
	ResponseKey Key // m2
}

// Authenticate carries out I7 and I8 for the peer that the ID names (C2
// step 11).
func (c *Claim) Authenticate(remote *Remote, psk *Key) (*Accepted, error) {
	// I7
	ss, ok := primitives.DH(&c.local.secret, &remote.Public)
	if !ok {
		c.erase()
		return nil, ErrRefused
	}
	b := staticsHash(remote, &c.local.Remote)
	k := c.mixKeyAndKey("I7", ss[:], b[:], psk[:])
	ts, ok := c.open("I7", &k, c.body.EncryptedTS)
	eraseAll(&ss, &k)
	if !ok {
		c.erase()
		return nil, ErrRefused
	}

	// I8
	return &Accepted{Claim: c, remote: remote, psk: *psk, TS: timestamp.TS(ts), ResponseKey: c.responseKey()}, nil
}

// CheckEphemeral is C2 step 14: ek_i passes FIPS 203 §7.2.
func (a *Accepted) CheckEphemeral() error {
	if a.suite.CheckKey(a.body.KEMEphemeral) != nil {
		return ErrRefused
	}
	return nil
}

// Respond carries out R1 … S1 and returns body2 and the session keys. The
// state is of no use afterwards.
func (a *Accepted) Respond(src *Source, responder uint32) ([]byte, Keys, error) {
	defer a.Erase()
	initiatorEphemeral := Key(a.body.Ephemeral)

	// R1
	secret, err := src.key()
	if err != nil {
		return nil, Keys{}, err
	}
	public := primitives.PublicKey(&secret)
	a.record("R1", "E_r", public[:])

	// R2
	k2, ct2, err := src.Encapsulate(a.suite, a.body.KEMEphemeral)
	if err != nil {
		return nil, Keys{}, ErrRefused
	}
	k3, ct3, err := src.Encapsulate(a.suite, a.remote.KEMPublic)
	if err != nil {
		return nil, Keys{}, ErrRefused
	}
	a.record("R2", "k2", k2)
	a.record("R2", "ct2", ct2)
	a.record("R2", "k3", k3)
	a.record("R2", "ct3", ct3)

	// R3
	se, ok := primitives.DH(&secret, &a.remote.Public)
	if !ok {
		return nil, Keys{}, ErrRefused
	}
	ct3x := wrap(&se, ct3)
	a.record("R3", "se", se[:])
	a.record("R3", "ct3x", ct3x)

	// R4
	hdr2 := headerResponse(a.suite, responder, a.sender)
	a.record("R4", "hdr2", hdr2)
	a.mixKey("R4", public[:], ct2)
	a.mixHash("R4", hdr2, public[:], ct2, ct3x)

	// R5
	ee, ok := primitives.DH(&secret, &initiatorEphemeral)
	if !ok {
		return nil, Keys{}, ErrRefused
	}
	a.record("R5", "ee", ee[:])
	a.mixKey("R5", ee[:], k2)

	// R6
	a.mixKey("R6", se[:], k3)

	// R7
	k := a.mixPSK("R7", &a.psk)

	// R8
	encNothing := a.seal("R8", "enc_0", &k, nil)

	eraseAll(&secret, &se, &ee, &k)
	clear(k2)
	clear(k3)
	body := wire.ResponseBody{
		Ephemeral: public[:], Ciphertext: ct2, WrappedCiphertext: ct3x, EncryptedNothing: encNothing,
	}
	return body.Bytes(), a.split(), nil
}

// Erase forgets every secret of an initiation that is not answered.
func (a *Accepted) Erase() {
	a.erase()
	eraseAll(&a.psk)
}

// Trace has Respond report its values; for vectors.
func (a *Accepted) Trace(trace Trace) {
	a.trace = trace
}
