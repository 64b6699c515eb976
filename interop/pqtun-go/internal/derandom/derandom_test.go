package derandom

import (
	"bytes"
	"testing"

	"pqtun-go/internal/suite"
	. "pqtun-go/internal/vectorfile"
)

func TestEncapsulationAgreesWithWycheproof(t *testing.T) {
	for _, set := range []struct {
		suite *suite.Suite
		file  string
	}{
		{suite.One, "mlkem/wycheproof/mlkem_768_encaps_test.json.gz"},
		{suite.Two, "mlkem/wycheproof/mlkem_1024_encaps_test.json.gz"},
	} {
		var file struct {
			TestGroups []struct {
				Tests []struct {
					M, EK, C, K Hex
					Result      string
				}
			}
		}
		Load(t, set.file, &file)
		valid := 0
		for _, g := range file.TestGroups {
			for _, c := range g.Tests {
				m := [32]byte(c.M)
				k, ct, err := Encapsulate(set.suite, c.EK, &m)
				if (err == nil) != (c.Result == "valid") || (set.suite.CheckKey(c.EK) == nil) != (err == nil) {
					t.Fatalf("key check: %v, want %s", err, c.Result)
				}
				if err == nil {
					valid++
					if !bytes.Equal(k, c.K) || !bytes.Equal(ct, c.C) {
						t.Fatal("encapsulation differs")
					}
				}
			}
		}
		if valid != 133 {
			t.Fatalf("ran %d valid cases", valid)
		}
	}
}

func TestTheStandardLibraryOpensDerandomisedCiphertexts(t *testing.T) {
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		seed := [suite.SeedSize]byte{1, 2, 3}
		dk, ek := s.Generate(&seed)
		k, ct, err := Encapsulate(s, ek, &[32]byte{9})
		if err != nil || len(ek) != s.KEMKeySize || len(ct) != s.CiphertextSize {
			t.Fatalf("lengths %d %d, %v", len(ek), len(ct), err)
		}
		got, err := dk.Decapsulate(ct)
		if err != nil || !bytes.Equal(got, k) {
			t.Fatal("decapsulation differs")
		}
	}
}
