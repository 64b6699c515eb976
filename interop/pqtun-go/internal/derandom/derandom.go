// Package derandom makes the handshake deterministic for vectors and tests:
// encapsulation takes its 32 bytes m from a given reader. Never for real keys.
package derandom

import (
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"io"
	"math/rand/v2"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
)

// Source draws everything from random, encapsulation included.
func Source(random io.Reader) handshake.Source {
	return handshake.Source{
		Random: random,
		Encapsulate: func(s *suite.Suite, key []byte) (shared, ciphertext []byte, err error) {
			var m [32]byte
			if _, err := io.ReadFull(random, m[:]); err != nil {
				return nil, nil, err
			}
			return Encapsulate(s, key, &m)
		},
	}
}

// Seeded is a Source of a fixed seed, for tests on virtual time.
func Seeded(seed byte) (handshake.Source, *rand.ChaCha8) {
	stream := rand.NewChaCha8([32]byte{seed})
	return Source(stream), stream
}

// Encapsulate is KEM.enc with given m (ML-KEM.Encaps_internal of FIPS 203).
func Encapsulate(s *suite.Suite, key []byte, m *[32]byte) (shared, ciphertext []byte, err error) {
	if s == suite.One {
		ek, err := mlkem.NewEncapsulationKey768(key)
		if err != nil {
			return nil, nil, suite.ErrKey
		}
		return mlkemtest.Encapsulate768(ek, m[:])
	}
	ek, err := mlkem.NewEncapsulationKey1024(key)
	if err != nil {
		return nil, nil, suite.ErrKey
	}
	return mlkemtest.Encapsulate1024(ek, m[:])
}
