// Command pqtun-go is a second implementation of pqtun v1 for tests: a UDP
// endpoint without a TUN device, steered by JSON lines, and the maker of the
// project's protocol vectors.
//
//	pqtun-go run --config FILE [--listen ADDR] [--clock-scale N] …
//	pqtun-go keys [--config FILE]
//	pqtun-go vectors
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"pqtun-go/internal/vectors"
)

func main() {
	if err := dispatch(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pqtun-go:", err)
		os.Exit(1)
	}
}

func dispatch(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want one of: run, keys, vectors")
	}
	switch args[0] {
	case "run":
		return run(args[1:], in, out)
	case "keys":
		return keys(args[1:], out)
	case "vectors":
		return vectors.Write(out)
	}
	return fmt.Errorf("unknown command %q; want one of: run, keys, vectors", args[0])
}
