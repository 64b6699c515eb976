// Package primitives holds the symmetric functions and X25519 exactly as
// protocol.md §1 names them.
package primitives

import (
	"crypto/hmac"
	"hash"

	"golang.org/x/crypto/blake2s"
)

// Key is a 32-byte key, hash, or chaining key.
type Key = [32]byte

// Tag is a 16-byte mac1, mac2 or cookie.
type Tag = [16]byte

// Hash is HASH of §1: BLAKE2s-256 without a key over the parts in order.
func Hash(parts ...[]byte) Key {
	h := newBlake2s()
	var out Key
	writeAll(h, parts)
	h.Sum(out[:0])
	return out
}

// MAC is MAC of §1: BLAKE2s keyed with 16 or 32 bytes, output length 16.
func MAC(key []byte, parts ...[]byte) Tag {
	h, err := blake2s.New128(key)
	if err != nil {
		panic("primitives: MAC key of " + err.Error()) // a caller's mistake, never data from the network
	}
	var out Tag
	writeAll(h, parts)
	h.Sum(out[:0])
	return out
}

// hmacBlake2s is HMAC of §1, with BLAKE2s's block of 64 bytes.
func hmacBlake2s(key []byte, parts ...[]byte) Key {
	h := hmac.New(newBlake2s, key)
	var out Key
	writeAll(h, parts)
	h.Sum(out[:0])
	return out
}

func newBlake2s() hash.Hash {
	h, err := blake2s.New256(nil)
	if err != nil {
		panic(err) // only a key that is too long can fail
	}
	return h
}

func writeAll(h hash.Hash, parts [][]byte) {
	for _, p := range parts {
		h.Write(p)
	}
}
