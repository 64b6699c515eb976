package wire

import (
	"encoding/binary"

	"pqtun-go/internal/primitives"
	"pqtun-go/internal/suite"
)

// Fragment is one parsed 0x11 or 0x12 datagram. Nothing in it is
// authenticated until mac1 was checked; all slices point into the datagram.
type Fragment struct {
	Geometry
	Index    int
	Sender   Index
	Receiver Index // 0x12 only
	Slice    []byte

	datagram []byte
}

// ParseFragment reads a datagram of type 0x11 or 0x12 and refuses whatever
// does not have the one geometry of its type, suite and count (§3.1).
func ParseFragment(datagram []byte) (f Fragment, ok bool) {
	if len(datagram) < ResponseOverhead {
		return f, false
	}
	f.Geometry = Geometry{Type: datagram[0], Suite: suite.ByByte(datagram[1]), Count: int(datagram[3])}
	f.Index = int(datagram[2])
	if f.Type != TypeInitiation && f.Type != TypeResponse || f.Suite == nil {
		return f, false
	}
	if !f.Legal() || f.Index >= f.Count || len(datagram) != f.DatagramSize(f.Index) {
		return f, false
	}
	f.Sender = binary.LittleEndian.Uint32(datagram[4:])
	if f.Type == TypeResponse {
		f.Receiver = binary.LittleEndian.Uint32(datagram[8:])
	}
	f.Slice = datagram[f.Header() : len(datagram)-2*MacSize]
	f.datagram = datagram
	return f, true
}

// Mac1 is mac1 as received.
func (f *Fragment) Mac1() primitives.Tag {
	return primitives.Tag(f.datagram[len(f.datagram)-2*MacSize:])
}

// Mac2 is mac2 as received.
func (f *Fragment) Mac2() primitives.Tag {
	return primitives.Tag(f.datagram[len(f.datagram)-MacSize:])
}

// BeforeMac1 is what mac1 is computed over.
func (f *Fragment) BeforeMac1() []byte {
	return f.datagram[:len(f.datagram)-2*MacSize]
}

// BeforeMac2 is what mac2 is computed over.
func (f *Fragment) BeforeMac2() []byte {
	return f.datagram[:len(f.datagram)-MacSize]
}

// Size is the length of the datagram.
func (f *Fragment) Size() int {
	return len(f.datagram)
}

// Split cuts a body into datagrams whose mac1 is made with mac1Key and whose
// mac2 is zero. receiver is ignored for an initiation.
func Split(g Geometry, sender, receiver Index, body, mac1Key []byte) [][]byte {
	datagrams := make([][]byte, g.Count)
	for i := range datagrams {
		from, to := g.Slice(i)
		d := make([]byte, 0, to-from+g.Overhead())
		d = append(d, g.Type, g.Suite.Byte, byte(i), byte(g.Count))
		d = binary.LittleEndian.AppendUint32(d, sender)
		if g.Type == TypeResponse {
			d = binary.LittleEndian.AppendUint32(d, receiver)
		}
		d = append(d, body[from:to]...)
		mac1 := primitives.MAC(mac1Key, d)
		d = append(d, mac1[:]...)
		datagrams[i] = append(d, make([]byte, MacSize)...)
	}
	return datagrams
}

// WithMac2 returns a copy of an initiation fragment whose mac2 is made with
// the cookie.
func WithMac2(datagram []byte, cookie *primitives.Tag) []byte {
	before := datagram[:len(datagram)-MacSize]
	mac2 := primitives.MAC(cookie[:], before)
	return append(append(make([]byte, 0, len(datagram)), before...), mac2[:]...)
}
