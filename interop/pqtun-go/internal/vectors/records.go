package vectors

import (
	"encoding/binary"
	"strconv"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/primitives"
	"pqtun-go/internal/wire"
)

// tunnelMTU bounds the padding of the records.
const tunnelMTU = 1420

// Record is one transport packet of the session.
type Record struct {
	From     string `json:"from"` // initiator or responder
	What     string `json:"what"`
	Counter  string `json:"counter"` // decimal
	MTU      int    `json:"mtu"`
	Payload  Hex    `json:"payload"` // before padding
	Padded   int    `json:"padded"`  // length after padding
	Datagram Hex    `json:"datagram"`
}

func (h *Handshake) makeRecords(keys *handshake.Keys) (out []Record) {
	token := [8]byte{0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff}
	for _, r := range []struct {
		from    string
		what    string
		counter uint64
		payload []byte
	}{
		{"initiator", "keepalive", 0, nil},
		{"initiator", "IPv4, padded by 12", 1, ipv4(20)},
		{"initiator", "IPv4, padded by 15", 2, ipv4(33)},
		{"initiator", "IPv4, no padding", 3, ipv4(64)},
		{"initiator", "IPv4, padding stopped by the MTU", 4, ipv4(tunnelMTU - 1)},
		{"initiator", "IPv4, counter above 32 bits", 1 << 32, ipv4(21)},
		{"initiator", "probe", 1<<32 + 1, wire.BuildProbe(wire.KindProbe, token, 16)},
		{"initiator", "probe above the MTU", 1<<32 + 2, wire.BuildProbe(wire.KindProbe, token, 1424)},
		{"initiator", "path probe", 1<<32 + 3, wire.BuildProbe(wire.KindPathProbe, token, 48)},
		{"responder", "IPv6, padded by 8", 0, ipv6(40)},
		{"responder", "keepalive", 1, nil},
		{"responder", "answer to the probe", 2, wire.BuildAnswer(token, 16)},
		{"responder", "answer to the probe above the MTU", 3, wire.BuildAnswer(token, 1424)},
		{"responder", "IPv6, last counter", 1<<64 - 1<<13 - 2, ipv6(57)},
	} {
		key, receiver := keys.InitiatorToResponder, h.Chance.SenderR
		if r.from == "responder" {
			key, receiver = keys.ResponderToInitiator, h.Chance.SenderI
		}
		padded := wire.Pad(r.payload, tunnelMTU)
		out = append(out, Record{
			From: r.from, What: r.what, Counter: strconv.FormatUint(r.counter, 10), MTU: tunnelMTU,
			Payload: r.payload, Padded: len(padded),
			Datagram: wire.BuildTransport(receiver, r.counter, (*primitives.Key)(&key), padded),
		})
	}
	return out
}

// ipv4 is a packet of that length from 10.0.0.1 to 10.0.0.2; its checksum is
// left zero, for nothing here looks at it.
func ipv4(length int) []byte {
	p := make([]byte, length)
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(length))
	copy(p[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	for i := 20; i < length; i++ {
		p[i] = byte(i)
	}
	return p
}

// ipv6 is a packet of that length from fd00::1 to fd00::2.
func ipv6(length int) []byte {
	p := make([]byte, length)
	p[0], p[6], p[7] = 0x60, 59, 64
	binary.BigEndian.PutUint16(p[4:], uint16(length-40))
	p[8], p[23], p[24], p[39] = 0xfd, 1, 0xfd, 2
	for i := 40; i < length; i++ {
		p[i] = byte(i)
	}
	return p
}
