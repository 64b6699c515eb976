package primitives

import (
	"crypto/cipher"
	"encoding/binary"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// TagSize is what an AEAD adds to a plaintext.
const TagSize = chacha20poly1305.Overhead

// XNonceSize is the length of an XAEAD nonce.
const XNonceSize = chacha20poly1305.NonceSizeX

// Seal is AEAD of §1. It appends ciphertext and tag to dst.
func Seal(dst []byte, key *Key, counter uint64, ad, plaintext []byte) []byte {
	nonce := aeadNonce(counter)
	return newAEAD(key).Seal(dst, nonce[:], plaintext, ad)
}

// Open undoes Seal and appends the plaintext to dst. ok is false when the tag
// does not verify.
func Open(dst []byte, key *Key, counter uint64, ad, ciphertext []byte) (plaintext []byte, ok bool) {
	nonce := aeadNonce(counter)
	plaintext, err := newAEAD(key).Open(dst, nonce[:], ciphertext, ad)
	return plaintext, err == nil
}

// XSeal is XAEAD of §1.
func XSeal(dst []byte, key *Key, nonce *[XNonceSize]byte, ad, plaintext []byte) []byte {
	return newXAEAD(key).Seal(dst, nonce[:], plaintext, ad)
}

// XOpen undoes XSeal.
func XOpen(dst []byte, key *Key, nonce *[XNonceSize]byte, ad, ciphertext []byte) (plaintext []byte, ok bool) {
	plaintext, err := newXAEAD(key).Open(dst, nonce[:], ciphertext, ad)
	return plaintext, err == nil
}

// Stream is STREAM of §1: input XOR the ChaCha20 key stream of key, block
// counter 0, nonce 0^12. It is its own inverse.
func Stream(key *Key, input []byte) []byte {
	var nonce [chacha20.NonceSize]byte
	c, err := chacha20.NewUnauthenticatedCipher(key[:], nonce[:])
	if err != nil {
		panic(err) // the lengths are fixed by the types
	}
	out := make([]byte, len(input))
	c.XORKeyStream(out, input)
	return out
}

// aeadNonce is 0^4 ‖ LE64(counter).
func aeadNonce(counter uint64) (nonce [chacha20poly1305.NonceSize]byte) {
	binary.LittleEndian.PutUint64(nonce[4:], counter)
	return nonce
}

func newAEAD(key *Key) cipher.AEAD {
	a, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic(err) // the length is fixed by the type
	}
	return a
}

func newXAEAD(key *Key) cipher.AEAD {
	a, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err) // the length is fixed by the type
	}
	return a
}
