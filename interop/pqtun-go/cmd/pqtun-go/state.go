package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"pqtun-go/internal/timestamp"
)

// stateFile keeps the ceiling of C6.
type stateFile string

// load returns what was stored, or zero when nothing was yet.
func (f stateFile) load() (ts timestamp.TS, err error) {
	data, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return ts, nil
	}
	if err == nil && len(data) != timestamp.Size {
		err = fmt.Errorf("%s: %d B, want %d", f, len(data), timestamp.Size)
	}
	copy(ts[:], data)
	return ts, err
}

// store replaces the file in one step, so a crash leaves the old or the new.
func (f stateFile) store(ts timestamp.TS) error {
	fresh := string(f) + ".new"
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(ts[:])
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(fresh, string(f))
}
