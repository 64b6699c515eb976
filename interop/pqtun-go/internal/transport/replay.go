// Package transport holds what a session needs for its records beyond the
// layout: the replay window.
package transport

// Window is how far behind the highest counter one is still accepted (§5.4).
const Window = ringBits - wordBits

const (
	ringBits = 8192
	wordBits = 64
	words    = ringBits / wordBits
)

// ReplayWindow is the ring of RFC 6479. To be asked only after the tag has
// verified, for asking moves it.
type ReplayWindow struct {
	highest uint64
	started bool
	ring    [words]uint64
}

// Accept says whether the counter was not seen and lies within the window, and
// remembers it. highest is true when it is the highest received yet.
func (w *ReplayWindow) Accept(counter uint64) (accepted, highest bool) {
	highest = !w.started || counter > w.highest
	if highest {
		w.advance(counter)
	} else if w.highest-counter > Window {
		return false, false
	}
	word, bit := counter/wordBits%words, uint64(1)<<(counter%wordBits)
	if w.ring[word]&bit != 0 {
		return false, false
	}
	w.ring[word] |= bit
	return true, highest
}

// advance clears the words that the window enters on its way to counter.
func (w *ReplayWindow) advance(counter uint64) {
	from, to := w.highest/wordBits, counter/wordBits
	for i := uint64(1); i <= min(to-from, words); i++ {
		w.ring[(from+i)%words] = 0
	}
	w.highest, w.started = counter, true
}
