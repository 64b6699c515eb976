package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"strconv"

	"pqtun-go/internal/handshake"
	"pqtun-go/internal/suite"
)

// keys prints the public keys and IDs of a configuration's secrets, or of fresh
// ones, which it then prints too.
func keys(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("keys", flag.ContinueOnError)
	path := flags.String("config", "", "configuration whose keys to show; without it, fresh ones")
	if err := flags.Parse(args); err != nil {
		return err
	}
	shown := map[string]any{}
	var statics handshake.Statics
	if *path == "" {
		rand.Read(statics.Secret[:])
		rand.Read(statics.Seed[:])
		shown["privateKey"], shown["kemSeed"] = hex.EncodeToString(statics.Secret[:]), hex.EncodeToString(statics.Seed[:])
	} else {
		c, err := loadConfig(*path)
		if err != nil {
			return err
		}
		if statics, err = c.statics(); err != nil {
			return err
		}
	}
	for _, s := range []*suite.Suite{suite.One, suite.Two} {
		id := handshake.NewIdentity(s, &statics)
		shown["publicKey"] = hex.EncodeToString(id.Public[:])
		shown["suite"+strconv.Itoa(int(s.Byte))] = map[string]string{
			"kemPublicKey": hex.EncodeToString(id.KEMPublic),
			"id":           hex.EncodeToString(id.ID[:]),
		}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(shown)
}
