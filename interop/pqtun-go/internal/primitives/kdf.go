package primitives

// KDF1, KDF2 and KDF3 are KDFn of §1: t0 = HMAC(k, x), t1 = HMAC(t0, 0x01),
// t_{i+1} = HMAC(t0, t_i ‖ i+1); the outputs are t1 … tn.

// KDF1 returns the first output for key and the concatenated input.
func KDF1(key []byte, input ...[]byte) Key {
	t := expand(1, key, input)
	return t[0]
}

// KDF2 returns the first two outputs.
func KDF2(key []byte, input ...[]byte) (Key, Key) {
	t := expand(2, key, input)
	return t[0], t[1]
}

// KDF3 returns the first three outputs.
func KDF3(key []byte, input ...[]byte) (Key, Key, Key) {
	t := expand(3, key, input)
	return t[0], t[1], t[2]
}

func expand(n int, key []byte, input [][]byte) (t [3]Key) {
	t0 := hmacBlake2s(key, input...)
	t[0] = hmacBlake2s(t0[:], []byte{1})
	for i := 1; i < n; i++ {
		t[i] = hmacBlake2s(t0[:], t[i-1][:], []byte{byte(i + 1)})
	}
	clear(t0[:])
	return t
}
