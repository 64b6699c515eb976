package wire

import (
	"encoding/binary"

	"pqtun-go/internal/primitives"
)

// transportHeader is what stands before the ciphertext (§3.4).
const transportHeader = 16

// MinTransport is the length of a keepalive.
const MinTransport = transportHeader + primitives.TagSize

// Transport is a parsed type 0x04 datagram; its counter is claimed until Open
// has verified the tag.
type Transport struct {
	Receiver Index
	Counter  uint64
	sealed   []byte
}

// ParseTransport reads the header; ok is false when the datagram is too short
// or bytes 1–3 are not zero.
func ParseTransport(datagram []byte) (t Transport, ok bool) {
	if len(datagram) < MinTransport || !hasHeader(datagram, TypeTransport) {
		return t, false
	}
	t.Receiver = binary.LittleEndian.Uint32(datagram[4:])
	t.Counter = binary.LittleEndian.Uint64(datagram[8:])
	t.sealed = datagram[transportHeader:]
	return t, true
}

// Open verifies and decrypts the payload, padding included.
func (t *Transport) Open(key *primitives.Key) (payload []byte, ok bool) {
	return primitives.Open(nil, key, t.Counter, nil, t.sealed)
}

// BuildTransport seals an already padded payload.
func BuildTransport(receiver Index, counter uint64, key *primitives.Key, padded []byte) []byte {
	d := make([]byte, 0, transportHeader+len(padded)+primitives.TagSize)
	d = append(d, TypeTransport, 0, 0, 0)
	d = binary.LittleEndian.AppendUint32(d, receiver)
	d = binary.LittleEndian.AppendUint64(d, counter)
	return primitives.Seal(d, key, counter, nil, padded)
}

// Pad extends a payload with zeros to a multiple of 16 B, but not beyond the
// tunnel's MTU (§3.4). A payload above the MTU is left as it is.
func Pad(payload []byte, mtu int) []byte {
	size := max(len(payload), min((len(payload)+15)&^15, mtu))
	padded := make([]byte, size)
	copy(padded, payload)
	return padded
}
