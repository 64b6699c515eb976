package transport

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"testing"

	. "pqtun-go/internal/vectorfile"
)

// accept is the window below REJECT_AFTER_MESSAGES, as a receiver uses it.
func accept(w *ReplayWindow, counter uint64) bool {
	if counter >= 1<<64-1<<13-1 {
		return false
	}
	ok, _ := w.Accept(counter)
	return ok
}

func TestTheWindowGivesTheAnswersOfThePublishedSequences(t *testing.T) {
	var file struct {
		Sequences []struct {
			Name  string
			Steps [][2]json.RawMessage
		}
	}
	Load(t, "wireguard/replay.json", &file)
	ran := 0
	for _, s := range file.Sequences {
		var w ReplayWindow
		for i, step := range s.Steps {
			var text string
			var want bool
			if json.Unmarshal(step[0], &text) != nil || json.Unmarshal(step[1], &want) != nil {
				t.Fatalf("%s step %d: unreadable", s.Name, i)
			}
			counter, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			ran++
			if got := accept(&w, counter); got != want {
				t.Fatalf("%s step %d counter %d: %v", s.Name, i, counter, got)
			}
		}
	}
	if ran < 34 {
		t.Fatalf("ran %d steps", ran)
	}
}

func TestTheWindowAgreesWithASetOfAllCountersSeen(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	var w ReplayWindow
	seen := map[uint64]bool{}
	var highest uint64
	for range 200_000 {
		counter := highest + 40 - min(highest+40, uint64(chance.IntN(9000)))
		if chance.IntN(2000) == 0 {
			counter = highest + uint64(chance.IntN(20_000))
		}
		want := !seen[counter] && (counter >= highest || highest-counter <= Window)
		got, isHighest := w.Accept(counter)
		if got != want || got && isHighest != (len(seen) == 0 || counter > highest) {
			t.Fatalf("counter %d, highest %d: %v", counter, highest, got)
		}
		if got {
			seen[counter] = true
			highest = max(highest, counter)
		}
	}
}
