package wire

import (
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
	"pqtun-go/internal/timestamp"
)

// Lengths of body fields that do not depend on the suite (§3.2).
const (
	keySize      = 32
	encIDSize    = 32 + primitives.TagSize
	encTSSize    = timestamp.Size + primitives.TagSize
	encEmptySize = primitives.TagSize
)

// InitiationBody is body1 of §3.2; every field is a slice of one buffer.
type InitiationBody struct {
	Ephemeral         []byte // E_i, 32 B
	KEMEphemeral      []byte // ek_i
	WrappedCiphertext []byte // ct1x, to the responder's static KEM key
	EncryptedID       []byte // enc_id, 48 B
	EncryptedTS       []byte // enc_ts, 28 B
}

// ResponseBody is body2 of §3.2.
type ResponseBody struct {
	Ephemeral         []byte // E_r, 32 B
	Ciphertext        []byte // ct2, to ek_i
	WrappedCiphertext []byte // ct3x, to the initiator's static KEM key
	EncryptedNothing  []byte // enc_0, 16 B
}

// InitiationBodySize is the length of body1.
func InitiationBodySize(s *suite.Suite) int {
	return keySize + s.KEMKeySize + s.CiphertextSize + encIDSize + encTSSize
}

// ResponseBodySize is the length of body2.
func ResponseBodySize(s *suite.Suite) int {
	return keySize + 2*s.CiphertextSize + encEmptySize
}

// ParseInitiationBody cuts body1; ok is false on any other length.
func ParseInitiationBody(s *suite.Suite, body []byte) (b InitiationBody, ok bool) {
	if len(body) != InitiationBodySize(s) {
		return b, false
	}
	c := cutter(body)
	b.Ephemeral = c.next(keySize)
	b.KEMEphemeral = c.next(s.KEMKeySize)
	b.WrappedCiphertext = c.next(s.CiphertextSize)
	b.EncryptedID = c.next(encIDSize)
	b.EncryptedTS = c.next(encTSSize)
	return b, true
}

// Bytes joins the fields of body1.
func (b *InitiationBody) Bytes() []byte {
	return join(b.Ephemeral, b.KEMEphemeral, b.WrappedCiphertext, b.EncryptedID, b.EncryptedTS)
}

// ParseResponseBody cuts body2; ok is false on any other length.
func ParseResponseBody(s *suite.Suite, body []byte) (b ResponseBody, ok bool) {
	if len(body) != ResponseBodySize(s) {
		return b, false
	}
	c := cutter(body)
	b.Ephemeral = c.next(keySize)
	b.Ciphertext = c.next(s.CiphertextSize)
	b.WrappedCiphertext = c.next(s.CiphertextSize)
	b.EncryptedNothing = c.next(encEmptySize)
	return b, true
}

// Bytes joins the fields of body2.
func (b *ResponseBody) Bytes() []byte {
	return join(b.Ephemeral, b.Ciphertext, b.WrappedCiphertext, b.EncryptedNothing)
}

// cutter hands out consecutive pieces of a buffer whose length was checked.
type cutter []byte

func (c *cutter) next(n int) []byte {
	piece := (*c)[:n:n]
	*c = (*c)[n:]
	return piece
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
