package primitives

import "crypto/ecdh"

// DH is X25519 of RFC 7748. ok is false when the result is all zeros, which is
// a refusal in every position (§1).
func DH(secret, public *Key) (shared Key, ok bool) {
	a, err := ecdh.X25519().NewPrivateKey(secret[:])
	if err != nil {
		return shared, false
	}
	b, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return shared, false
	}
	out, err := a.ECDH(b) // refuses the all-zero result
	if err != nil {
		return shared, false
	}
	copy(shared[:], out)
	clear(out)
	return shared, true
}

// PublicKey is the X25519 public key of a secret.
func PublicKey(secret *Key) (public Key) {
	a, err := ecdh.X25519().NewPrivateKey(secret[:])
	if err != nil {
		panic(err) // the length is fixed by the type
	}
	copy(public[:], a.PublicKey().Bytes())
	return public
}
