// Package vectors makes test/vectors/pqtun-v1.json.
package vectors

import "io"

// Write writes the file.
func Write(io.Writer) error { return nil }
