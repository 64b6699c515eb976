package vectors

import (
	"pqtun-go/internal/suite"
	"pqtun-go/internal/wire"
)

// Cut is how the bodies are cut for the M of either party.
type Cut struct {
	Suite      byte  `json:"suite"`
	MInitiator int   `json:"mInitiator"`
	MResponder int   `json:"mResponder"`
	Initiation []int `json:"initiation"` // lengths of the datagrams
	Response   []int `json:"response"`
}

func geometry() (out []Cut) {
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for _, m := range []int{508, 515, 516, 576, 635, 834, 1124, 1229, 1230, 1232, 1280, 1452} {
			for _, own := range []int{508, 1232, 1452} {
				initiation := wire.InitiationGeometry(s, m)
				response := wire.ResponseGeometry(initiation, own)
				out = append(out, Cut{s.Byte, m, own, sizes(initiation), sizes(response)})
			}
		}
	}
	return out
}

func sizes(g wire.Geometry) (out []int) {
	for i := range g.Count {
		out = append(out, g.DatagramSize(i))
	}
	return out
}
