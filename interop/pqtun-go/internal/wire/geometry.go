package wire

import "pqtun-go/internal/suite"

// Overheads of the two kinds of fragment (§3.1).
const (
	initiationHeader   = 8
	responseHeader     = 12
	InitiationOverhead = initiationHeader + 2*MacSize
	ResponseOverhead   = responseHeader + 2*MacSize
)

// Geometry is what type, suite and count fix: how a body is cut (§3.1).
type Geometry struct {
	Type  byte
	Suite *suite.Suite
	Count int
}

// Legal says whether the count is one of the suite's.
func (g Geometry) Legal() bool {
	return g.Count >= g.Suite.MinCount && g.Count <= g.Suite.MaxCount
}

// BodySize is the length of the whole body.
func (g Geometry) BodySize() int {
	if g.Type == TypeInitiation {
		return InitiationBodySize(g.Suite)
	}
	return ResponseBodySize(g.Suite)
}

// Overhead is what a fragment adds to its slice.
func (g Geometry) Overhead() int {
	if g.Type == TypeInitiation {
		return InitiationOverhead
	}
	return ResponseOverhead
}

// Header is what stands before the slice.
func (g Geometry) Header() int {
	return g.Overhead() - 2*MacSize
}

// Slice is the half-open range of the body that fragment index carries.
func (g Geometry) Slice(index int) (from, to int) {
	length := ceilDiv(g.BodySize(), g.Count)
	from = index * length
	return from, min(from+length, g.BodySize())
}

// DatagramSize is the length of the datagram that carries fragment index.
func (g Geometry) DatagramSize(index int) int {
	from, to := g.Slice(index)
	return to - from + g.Overhead()
}

// InitiationGeometry is max(2, ceil(body1 / (M − 40))) fragments.
func InitiationGeometry(s *suite.Suite, largest int) Geometry {
	count := max(2, ceilDiv(InitiationBodySize(s), largest-InitiationOverhead))
	return Geometry{Type: TypeInitiation, Suite: s, Count: count}
}

// ResponseGeometry is min(max(2, ceil(body2 / (m − 44))), count of the
// initiation) fragments, m being the smaller of our own M and the largest
// datagram received of that initiation. So the response is never larger, in
// sum, than the initiation.
func ResponseGeometry(initiation Geometry, largest int) Geometry {
	m := min(largest, initiation.DatagramSize(0))
	count := max(2, ceilDiv(ResponseBodySize(initiation.Suite), m-ResponseOverhead))
	return Geometry{Type: TypeResponse, Suite: initiation.Suite, Count: min(count, initiation.Count)}
}

func ceilDiv(a, b int) int {
	return (a + b - 1) / b
}
