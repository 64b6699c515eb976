// Package handshake is protocol.md §2 and §4: identities and the key schedule,
// both roles. It knows no datagrams, addresses or time.
package handshake

import (
	"io"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
)

// Key is 32 bytes.
type Key = primitives.Key

// Statics are the secrets of a party: X25519 secret s and ML-KEM seed d ‖ z.
type Statics struct {
	Secret Key
	Seed   [suite.SeedSize]byte
}

// Identity is a party in one suite, with its secrets (§2).
type Identity struct {
	Remote
	secret Key
	kem    suite.Decapsulator
}

// Remote is the public side of a party in one suite (§2).
type Remote struct {
	Suite     *suite.Suite
	Public    Key    // S
	KEMPublic []byte // PK
	ID        Key    // HASH("pqtun-id" ‖ suite ‖ S ‖ PK)
}

// NewIdentity derives the party's keys in a suite; one seed serves both suites.
func NewIdentity(s *suite.Suite, statics *Statics) *Identity {
	dk, pk := s.Generate(&statics.Seed)
	return &Identity{
		Remote: newRemote(s, primitives.PublicKey(&statics.Secret), pk),
		secret: statics.Secret,
		kem:    dk,
	}
}

// NewRemote checks the KEM key and computes the ID.
func NewRemote(s *suite.Suite, public Key, kemPublic []byte) (*Remote, error) {
	if err := s.CheckKey(kemPublic); err != nil {
		return nil, err
	}
	r := newRemote(s, public, kemPublic)
	return &r, nil
}

func newRemote(s *suite.Suite, public Key, kemPublic []byte) Remote {
	id := primitives.Hash([]byte("pqtun-id"), []byte{s.Byte}, public[:], kemPublic)
	return Remote{Suite: s, Public: public, KEMPublic: kemPublic, ID: id}
}

// Source is where fresh secrets come from.
type Source struct {
	// Random yields ephemeral secrets and KEM seeds.
	Random io.Reader
	// Encapsulate is KEM.enc; in the program that of the standard library.
	Encapsulate func(s *suite.Suite, key []byte) (shared, ciphertext []byte, err error)
}

// SystemSource draws from random and encapsulates with crypto/mlkem.
func SystemSource(random io.Reader) Source {
	return Source{Random: random, Encapsulate: (*suite.Suite).Encapsulate}
}

func (s *Source) key() (k Key, err error) {
	_, err = io.ReadFull(s.Random, k[:])
	return k, err
}
