package handshake

import (
	"encoding/binary"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
)

// Trace receives every value of the key schedule under its label; nil in the
// program, a recorder when vectors are made.
type Trace func(label, name string, value []byte)

// Keys are the results of S1.
type Keys struct {
	InitiatorToResponder Key // T_ir
	ResponderToInitiator Key // T_ri
	Exporter             Key // X
}

// schedule is the pair (C, H) of §4 and the means to change it.
type schedule struct {
	suite *suite.Suite
	c, h  Key
	trace Trace
}

// newSchedule is the part before I1: CONSTRUCTION, IDENTIFIER, ID_r and hdr1.
func newSchedule(s *suite.Suite, responderID *Key, hdr1 []byte, trace Trace) schedule {
	st := schedule{suite: s, trace: trace}
	st.c = primitives.Hash([]byte(s.Construction))
	st.h = primitives.Hash(st.c[:], []byte(suite.Identifier))
	st.record("start", "C", st.c[:])
	st.record("start", "H0", st.h[:])
	st.record("start", "hdr1", hdr1)
	st.mixHash("start", responderID[:], hdr1)
	return st
}

// mixHash is H = HASH(H ‖ parts).
func (st *schedule) mixHash(label string, parts ...[]byte) {
	st.h = primitives.Hash(append([][]byte{st.h[:]}, parts...)...)
	st.record(label, "H", st.h[:])
}

// mixKey is C = KDF1(C, input).
func (st *schedule) mixKey(label string, input ...[]byte) {
	st.c = primitives.KDF1(st.c[:], input...)
	st.record(label, "C", st.c[:])
}

// mixKeyAndKey is (C, k) = KDF2(C, input).
func (st *schedule) mixKeyAndKey(label string, input ...[]byte) (k Key) {
	st.c, k = primitives.KDF2(st.c[:], input...)
	st.record(label, "C", st.c[:])
	st.record(label, "k", k[:])
	return k
}

// seal is enc = AEAD(k, 0, H, p); H = HASH(H ‖ enc).
func (st *schedule) seal(label, name string, k *Key, plaintext []byte) []byte {
	sealed := primitives.Seal(nil, k, 0, st.h[:], plaintext)
	st.record(label, name, sealed)
	st.mixHash(label, sealed)
	return sealed
}

// open undoes seal; H changes only when the tag verifies.
func (st *schedule) open(label string, k *Key, sealed []byte) (plaintext []byte, ok bool) {
	plaintext, ok = primitives.Open(nil, k, 0, st.h[:], sealed)
	if ok {
		st.mixHash(label, sealed)
	}
	return plaintext, ok
}

// wrap is STREAM(KDF1(0^32, dh), ciphertext) of I4 and R3; its own inverse.
func wrap(dh *Key, ciphertext []byte) []byte {
	var zero Key
	k := primitives.KDF1(zero[:], dh[:])
	return primitives.Stream(&k, ciphertext)
}

// responseKey is m2 of I8; C is unchanged.
func (st *schedule) responseKey() Key {
	m2 := primitives.KDF1(st.c[:], []byte("pqtun-m2"))
	st.record("I8", "m2", m2[:])
	return m2
}

// mixPSK is R7: KDF3 with Q, tau into H; it returns the key of enc_0.
func (st *schedule) mixPSK(label string, psk *Key) (k Key) {
	var tau Key
	st.c, tau, k = primitives.KDF3(st.c[:], psk[:])
	st.record(label, "C", st.c[:])
	st.record(label, "tau", tau[:])
	st.record(label, "k", k[:])
	st.mixHash(label, tau[:])
	return k
}

// split is S1.
func (st *schedule) split() (keys Keys) {
	keys.InitiatorToResponder, keys.ResponderToInitiator, keys.Exporter = primitives.KDF3(st.c[:], st.h[:])
	st.record("S1", "T_ir", keys.InitiatorToResponder[:])
	st.record("S1", "T_ri", keys.ResponderToInitiator[:])
	st.record("S1", "X", keys.Exporter[:])
	return keys
}

// erase forgets C; H is public.
func (st *schedule) erase() {
	clear(st.c[:])
}

func (st *schedule) record(label, name string, value []byte) {
	if st.trace != nil {
		st.trace(label, name, value)
	}
}

// headerInitiation is hdr1: the fragment header with index and count zeroed.
func headerInitiation(s *suite.Suite, sender uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{0x11, s.Byte, 0, 0}, sender)
}

// headerResponse is hdr2.
func headerResponse(s *suite.Suite, responder, initiator uint32) []byte {
	h := binary.LittleEndian.AppendUint32([]byte{0x12, s.Byte, 0, 0}, responder)
	return binary.LittleEndian.AppendUint32(h, initiator)
}

// staticsHash is B = HASH(PK_i ‖ PK_r).
func staticsHash(initiator, responder *Remote) Key {
	return primitives.Hash(initiator.KEMPublic, responder.KEMPublic)
}

// InitiationKey is HASH(hdr1 ‖ body1), under which C3 remembers an initiation.
func InitiationKey(s *suite.Suite, sender uint32, body1 []byte) Key {
	return primitives.Hash(headerInitiation(s, sender), body1)
}
