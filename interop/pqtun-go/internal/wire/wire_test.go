package wire

import (
	"bytes"
	"testing"

	"pqtun-go/internal/suite"
)

func TestDefaultSizesAreThoseOfTheDocument(t *testing.T) {
	g := InitiationGeometry(suite.One, DefaultDatagram)
	r := ResponseGeometry(g, DefaultDatagram)
	if g.Count != 2 || g.DatagramSize(0) != 1230 || g.DatagramSize(1) != 1230 {
		t.Fatalf("initiation %d of %d", g.Count, g.DatagramSize(0))
	}
	if r.Count != 2 || r.DatagramSize(0) != 1156 || r.DatagramSize(1) != 1156 {
		t.Fatalf("response %d of %d", r.Count, r.DatagramSize(0))
	}
}

func TestEveryMGivesALegalCountAndAResponseNoLargerInSum(t *testing.T) {
	sum := func(g Geometry) (n int) {
		for i := range g.Count {
			n += g.DatagramSize(i)
		}
		return n
	}
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for m := MinDatagram; m <= MaxDatagram; m++ {
			g := InitiationGeometry(s, m)
			if !g.Legal() || g.DatagramSize(0) > m {
				t.Fatalf("suite %d M %d: %d fragments", s.Byte, m, g.Count)
			}
			for own := MinDatagram; own <= MaxDatagram; own += 59 {
				r := ResponseGeometry(g, own)
				if !r.Legal() || r.Count > g.Count || sum(r) > sum(g) {
					t.Fatalf("suite %d M %d own %d: response of %d", s.Byte, m, own, r.Count)
				}
			}
		}
	}
}

func TestFragmentsComeTogetherInAnyOrderAndCopiesAreIgnored(t *testing.T) {
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for _, m := range []int{MinDatagram, 700, DefaultDatagram, MaxDatagram} {
			g := InitiationGeometry(s, m)
			body := make([]byte, g.BodySize())
			for i := range body {
				body[i] = byte(i * 7)
			}
			r := NewReassembly(g)
			datagrams := Split(g, 9, 0, body, make([]byte, 32))
			for i := g.Count - 1; i >= 0; i-- {
				f, ok := ParseFragment(datagrams[i])
				if !ok || f.Sender != 9 || f.Index != i {
					t.Fatal("fragment does not parse")
				}
				whole := r.Add(&f)
				if (i == 0) != (whole != nil) {
					t.Fatalf("complete at fragment %d: %v", i, whole != nil)
				}
				if whole != nil && !bytes.Equal(whole, body) {
					t.Fatal("body differs")
				}
				if r.Add(&f) != nil {
					t.Fatal("a second copy counted")
				}
			}
		}
	}
}

func TestAnyOtherGeometryIsDropped(t *testing.T) {
	g := InitiationGeometry(suite.One, DefaultDatagram)
	good := Split(g, 9, 0, make([]byte, g.BodySize()), make([]byte, 32))[0]
	change := func(at int, to byte) []byte {
		d := bytes.Clone(good)
		d[at] = to
		return d
	}
	for name, d := range map[string][]byte{
		"too long":        append(bytes.Clone(good), 0),
		"too short":       good[:len(good)-1],
		"count one":       change(3, 1),
		"count seven":     change(3, 7),
		"index = count":   change(2, 2),
		"another suite":   change(1, 2),
		"unknown suite":   change(1, 0x10),
		"type of another": change(0, TypeResponse),
	} {
		if _, ok := ParseFragment(d); ok {
			t.Errorf("%s was accepted", name)
		}
	}
	for n := range 1600 {
		ParseFragment(append([]byte{TypeInitiation, 1, 0, 2}, make([]byte, n)...)[:n])
	}
}

func TestPaddingStopsAtTheTunnelMTU(t *testing.T) {
	for _, c := range [][3]int{{0, 1420, 0}, {1, 1420, 16}, {16, 1420, 16}, {17, 1420, 32}, {1409, 1410, 1410}, {1410, 1410, 1410}, {1500, 1410, 1500}} {
		if got := len(Pad(make([]byte, c[0]), c[1])); got != c[2] {
			t.Errorf("%d B at MTU %d became %d", c[0], c[1], got)
		}
	}
}

func TestInnerLengthsComeFromTheHeader(t *testing.T) {
	four := make([]byte, 32)
	four[0], four[3] = 0x45, 21
	if p, _, ok := InnerSource(four); !ok || len(p) != 21 {
		t.Error("IPv4 with padding")
	}
	for _, length := range []byte{19, 33} {
		four[3] = length
		if _, _, ok := InnerSource(four); ok {
			t.Errorf("IPv4 length %d", length)
		}
	}
	six := make([]byte, 48)
	six[0], six[5] = 0x60, 8
	if p, _, ok := InnerSource(six); !ok || len(p) != 48 {
		t.Error("IPv6")
	}
	six[5] = 9
	if _, _, ok := InnerSource(six); ok {
		t.Error("IPv6 beyond the payload")
	}
	if _, _, ok := InnerSource([]byte{0x70, 0}); ok {
		t.Error("nibble 7")
	}
}

func TestControlMessagesThatAreIgnored(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		ok      bool
	}{
		{BuildProbe(KindProbe, [8]byte{1}, 16), true},
		{BuildProbe(KindPathProbe, [8]byte{1}, 1424), true},
		{BuildAnswer([8]byte{1}, 1424), true},
		{[]byte{1, 2, 3}, false},
		{append(BuildProbe(KindProbe, [8]byte{1}, 16), 0), false},
		{append([]byte{4}, make([]byte, 15)...), false},
		{make([]byte, 16), false},
	} {
		if _, ok := ParseControl(c.payload); ok != c.ok {
			t.Errorf("%x: %v", c.payload, ok)
		}
	}
}
