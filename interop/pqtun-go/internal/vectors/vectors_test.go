package vectors

import (
	"bytes"
	"os"
	"testing"

	"pqtun-go/internal/vectorfile"
)

func TestTheFileIsWhatThisCodeMakes(t *testing.T) {
	var made bytes.Buffer
	if err := Write(&made); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(vectorfile.Path("pqtun-v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, made.Bytes()) {
		t.Fatal("test/vectors/pqtun-v1.json is not what the code makes; the wire is frozen, so the code is wrong")
	}
}
