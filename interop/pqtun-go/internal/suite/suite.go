// Package suite holds the cipher suites of protocol.md §1: one KEM parameter
// set each, never negotiated.
package suite

import "errors"

// Suite names one KEM in both KEM places and its CONSTRUCTION. The two values
// One and Two are the only ones.
type Suite struct {
	Byte         byte
	Construction string
	// KEMKeySize and CiphertextSize are the lengths of an encapsulation key
	// and of a ciphertext (FIPS 203 table 3).
	KEMKeySize, CiphertextSize int
	// MinCount and MaxCount bound the fragments of a handshake body (§3.1).
	MinCount, MaxCount int

	kem kem
}

// Identifier is IDENTIFIER of §1.
const Identifier = "pqtun v1"

// SeedSize is the length of an ML-KEM seed d ‖ z; SharedSize that of a shared
// secret.
const (
	SeedSize   = 64
	SharedSize = 32
)

// One is the mandatory suite 0x01, Two the optional suite 0x02.
var (
	One = &Suite{
		Byte:           0x01,
		Construction:   "PqTun1_IKpsk2_25519+MLKEM768_ChaChaPoly_BLAKE2s",
		KEMKeySize:     1184,
		CiphertextSize: 1088,
		MinCount:       2,
		MaxCount:       6,
		kem:            kem768{},
	}
	Two = &Suite{
		Byte:           0x02,
		Construction:   "PqTun1_IKpsk2_25519+MLKEM1024_ChaChaPoly_BLAKE2s",
		KEMKeySize:     1568,
		CiphertextSize: 1568,
		MinCount:       3,
		MaxCount:       7,
		kem:            kem1024{},
	}
)

// ByByte returns the suite of a suite byte, or nil.
func ByByte(b byte) *Suite {
	switch b {
	case One.Byte:
		return One
	case Two.Byte:
		return Two
	}
	return nil
}

// ErrKey says that an encapsulation key fails FIPS 203 §7.2 (length or modulus).
var ErrKey = errors.New("suite: encapsulation key refused")

// ErrCiphertext says that a ciphertext has the wrong length. A ciphertext of
// the right length never fails: implicit rejection.
var ErrCiphertext = errors.New("suite: ciphertext of wrong length")
