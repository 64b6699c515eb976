package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
)

// live is a running program with its two ends of JSON lines.
type live struct {
	t      *testing.T
	in     *io.PipeWriter
	events chan event
	done   chan error
}

func startLive(t *testing.T, cfg map[string]any, args ...string) *live {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	data, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	l := &live{t: t, in: inWrite, events: make(chan event, 10_000), done: make(chan error, 1)}
	go func() {
		err := dispatch(append([]string{"run", "--config", path}, args...), inRead, outWrite)
		outWrite.Close()
		l.done <- err
	}()
	go func() {
		defer close(l.events)
		for lines := bufio.NewScanner(outRead); lines.Scan(); {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				l.events <- e
			}
		}
	}()
	return l
}

func (l *live) do(format string, args ...any) {
	fmt.Fprintf(l.in, format+"\n", args...)
}

// await returns the next event of a kind and skips the others.
func (l *live) await(kind string) event {
	l.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case e, open := <-l.events:
			if !open {
				l.t.Fatalf("ended before %q: %v", kind, <-l.done)
			}
			if e.Event == kind {
				return e
			}
		case <-deadline:
			l.t.Fatalf("no %q", kind)
		}
	}
}

// TestTwoProgramsRekeyThreeTimesOverLoopback runs on the real clock and real
// sockets; it wants PQTUN_GO_LIVE=1, best in a namespace of its own.
func TestTwoProgramsRekeyThreeTimesOverLoopback(t *testing.T) {
	if os.Getenv("PQTUN_GO_LIVE") != "1" {
		t.Skip("SKIPPED: uses sockets and the real clock; set PQTUN_GO_LIVE=1")
	}
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		for _, args := range [][]string{nil, {"--force-cookies", "--max-datagram", "508"}, {"--reorder-every", "3", "--duplicate-every", "5"}} {
			t.Run(fmt.Sprint(s.Byte, args), func(t *testing.T) { threeRekeys(t, s, args) })
		}
	}
}

func threeRekeys(t *testing.T, s *suite.Suite, args []string) {
	a, b := handshake.Statics{Secret: handshake.Key{1}, Seed: [64]byte{1}}, handshake.Statics{Secret: handshake.Key{2}, Seed: [64]byte{2}}
	configOf := func(own, other *handshake.Statics, endpoint string) map[string]any {
		id := handshake.NewIdentity(s, other)
		return map[string]any{
			"privateKey": hex.EncodeToString(own.Secret[:]), "kemSeed": hex.EncodeToString(own.Seed[:]),
			"peers": []any{map[string]any{
				"name": "peer", "suite": s.Byte, "endpoint": endpoint,
				"publicKey": hex.EncodeToString(id.Public[:]), "kemPublicKey": hex.EncodeToString(id.KEMPublic),
			}},
		}
	}
	args = append([]string{"--clock-scale", "60"}, args...)
	server := startLive(t, configOf(&b, &a, ""), args...)
	client := startLive(t, configOf(&a, &b, server.await("ready").Listen), args...)
	client.await("ready")
	packet := "4500001500000000000000000a0000010a00000299"
	established := 0
	for start := time.Now(); established < 4; {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("%d sessions in 30 s", established)
		}
		client.do(`{"do":"send","peer":"peer","packet":"%s"}`, packet)
		if got := server.await("packet"); got.Packet != packet {
			t.Fatalf("received %s", got.Packet)
		}
		for len(client.events) > 0 {
			if e := <-client.events; e.Event == "established" {
				established++
			}
		}
		time.Sleep(20 * time.Millisecond) // the pace of the sender, awaited by nobody
	}
	client.do(`{"do":"probe","peer":"peer","token":"0102030405060708","size":1200}`)
	if e := client.await("answer"); e.Token != "0102030405060708" || e.Length != 1200 {
		t.Fatalf("answer %+v", e)
	}
	client.do(`{"do":"rebind"}`)
	client.await("ready")
	client.do(`{"do":"send","peer":"peer","packet":"%s"}`, packet)
	server.await("moved")
	for _, l := range []*live{client, server} {
		l.do(`{"do":"quit"}`)
		l.await("bye")
		if err := <-l.done; err != nil {
			t.Fatal(err)
		}
	}
}
