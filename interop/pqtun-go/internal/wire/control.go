package wire

import "encoding/binary"

// Kinds of inner control message (§3.5).
const (
	KindProbe     = 0x01
	KindAnswer    = 0x02
	KindPathProbe = 0x03
)

// MinControl is the length of the smallest control message, and of an answer.
const MinControl = 16

// IsControl says whether a payload is one of ours: first byte 0x00 … 0x0f.
func IsControl(payload []byte) bool {
	return len(payload) > 0 && payload[0] <= 0x0f
}

// BuildProbe makes a probe or path probe with a payload of size bytes, a
// multiple of 16 and at least 16.
func BuildProbe(kind byte, token [8]byte, size int) []byte {
	payload := make([]byte, max(MinControl, (size+15)&^15))
	payload[0] = kind
	copy(payload[1:], token[:])
	return payload
}

// BuildAnswer answers a probe that was received with a payload of length
// bytes: token ‖ LE16(length) ‖ zeros to 16 B.
func BuildAnswer(token [8]byte, length int) []byte {
	payload := make([]byte, MinControl)
	payload[0] = KindAnswer
	copy(payload[1:], token[:])
	binary.LittleEndian.PutUint16(payload[9:], uint16(length))
	return payload
}

// Control is a parsed control message that is not to be ignored.
type Control struct {
	Kind  byte
	Token [8]byte
	// Length is the payload length of the probe: as received, for a probe; as
	// the peer received it, for an answer.
	Length int
}

// ParseControl reads a control message. ok is false for what is to be ignored:
// unknown kinds, and probes that are shorter than 16 B or no multiple of 16.
func ParseControl(payload []byte) (c Control, ok bool) {
	if len(payload) < MinControl {
		return c, false
	}
	c.Kind = payload[0]
	copy(c.Token[:], payload[1:])
	switch c.Kind {
	case KindProbe, KindPathProbe:
		c.Length = len(payload)
		return c, len(payload)%16 == 0
	case KindAnswer:
		c.Length = int(binary.LittleEndian.Uint16(payload[9:]))
		return c, true
	}
	return c, false
}
