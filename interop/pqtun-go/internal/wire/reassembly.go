package wire

// Reassembly collects the fragments of one body. The zero value is not
// usable; it allocates once, for the geometry it was made for.
type Reassembly struct {
	Geometry
	body    []byte
	held    uint8
	missing int
}

// NewReassembly allocates for one geometry: at most 3244 B.
func NewReassembly(g Geometry) *Reassembly {
	return &Reassembly{Geometry: g, body: make([]byte, g.BodySize()), missing: g.Count}
}

// Holds says whether a fragment of that index is there already.
func (r *Reassembly) Holds(index int) bool {
	return r.held&(1<<index) != 0
}

// Add copies a fragment of the same geometry; a second copy of one already
// held is ignored (§6). It returns the body once it is complete, else nil.
func (r *Reassembly) Add(f *Fragment) []byte {
	if r.Holds(f.Index) || f.Geometry != r.Geometry {
		return nil
	}
	from, _ := r.Geometry.Slice(f.Index)
	copy(r.body[from:], f.Slice)
	r.held |= 1 << f.Index
	r.missing--
	if r.missing > 0 {
		return nil
	}
	return r.body
}
