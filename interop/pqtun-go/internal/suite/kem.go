package suite

import "crypto/mlkem"

// Decapsulator is the secret half of a KEM key pair.
type Decapsulator interface {
	// Decapsulate is KEM.dec; it errs only on a wrong length.
	Decapsulate(ciphertext []byte) (shared []byte, err error)
}

// Generate is KEM.gen from the seed d ‖ z.
func (s *Suite) Generate(seed *[SeedSize]byte) (Decapsulator, []byte) {
	return s.kem.generate(seed[:])
}

// CheckKey is the check of FIPS 203 §7.2 on a key from the network.
func (s *Suite) CheckKey(key []byte) error {
	return s.kem.check(key)
}

// Encapsulate is KEM.enc with randomness of the standard library. It checks
// the key first.
func (s *Suite) Encapsulate(key []byte) (shared, ciphertext []byte, err error) {
	return s.kem.encapsulate(key)
}

// kem is one ML-KEM parameter set of crypto/mlkem.
type kem interface {
	generate(seed []byte) (Decapsulator, []byte)
	check(key []byte) error
	encapsulate(key []byte) (shared, ciphertext []byte, err error)
}

type kem768 struct{}

func (kem768) generate(seed []byte) (Decapsulator, []byte) {
	dk, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		panic(err) // the length is fixed by Generate
	}
	return dk, dk.EncapsulationKey().Bytes()
}

func (kem768) check(key []byte) error {
	if _, err := mlkem.NewEncapsulationKey768(key); err != nil {
		return ErrKey
	}
	return nil
}

func (kem768) encapsulate(key []byte) (shared, ciphertext []byte, err error) {
	ek, err := mlkem.NewEncapsulationKey768(key)
	if err != nil {
		return nil, nil, ErrKey
	}
	shared, ciphertext = ek.Encapsulate()
	return shared, ciphertext, nil
}

type kem1024 struct{}

func (kem1024) generate(seed []byte) (Decapsulator, []byte) {
	dk, err := mlkem.NewDecapsulationKey1024(seed)
	if err != nil {
		panic(err) // the length is fixed by Generate
	}
	return dk, dk.EncapsulationKey().Bytes()
}

func (kem1024) check(key []byte) error {
	if _, err := mlkem.NewEncapsulationKey1024(key); err != nil {
		return ErrKey
	}
	return nil
}

func (kem1024) encapsulate(key []byte) (shared, ciphertext []byte, err error) {
	ek, err := mlkem.NewEncapsulationKey1024(key)
	if err != nil {
		return nil, nil, ErrKey
	}
	shared, ciphertext = ek.Encapsulate()
	return shared, ciphertext, nil
}
