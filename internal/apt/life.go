package apt

import (
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// checkTimes judges the life of key, subkey and signature as of the given time.
func checkTimes(key openpgp.Key, sig *packet.Signature, at time.Time) error {
	e := key.Entity
	self, id := e.PrimarySelfSignature()
	if revoked(e.Revocations, at) || id != nil && revoked(id.Revocations, at) {
		return errors.New("is revoked")
	}
	if err := alive(e.PrimaryKey, self, sig, at); err != nil {
		return err
	}
	if key.PublicKey != e.PrimaryKey {
		if revoked(key.Revocations, at) {
			return errors.New("is a revoked subkey")
		}
		if err := alive(key.PublicKey, key.SelfSignature, sig, at); err != nil {
			return err
		}
	}
	if sig.CreationTime.After(at.Add(futureSlack)) {
		return fmt.Errorf(signedInFuture+", at %s", stamp(sig.CreationTime))
	}
	if end, ok := lifeEnd(sig.CreationTime, sig.SigLifetimeSecs); ok && at.After(end) {
		return fmt.Errorf("the signature expired at %s", stamp(end))
	}
	return nil
}

func alive(pk *packet.PublicKey, self, sig *packet.Signature, at time.Time) error {
	if end, ok := lifeEnd(pk.CreationTime, self.KeyLifetimeSecs); ok && at.After(end) {
		return fmt.Errorf("expired at %s", stamp(end))
	}
	if end, ok := lifeEnd(self.CreationTime, self.SigLifetimeSecs); ok && at.After(end) {
		return fmt.Errorf("its self-signature expired at %s", stamp(end))
	}
	if sig.CreationTime.Before(pk.CreationTime) {
		return fmt.Errorf("made at %s, after the signature", stamp(pk.CreationTime))
	}
	return nil
}

func lifeEnd(from time.Time, seconds *uint32) (time.Time, bool) {
	if seconds == nil || *seconds == 0 {
		return time.Time{}, false
	}
	return from.Add(time.Duration(*seconds) * time.Second), true
}

// revoked follows RFC 9580, section 5.2.3.31: a key that was superseded or
// retired is bad from then on; any other revocation casts doubt on all that the
// key ever signed.
func revoked(revocations []*packet.Signature, at time.Time) bool {
	for _, r := range revocations {
		soft := r.RevocationReason != nil && (*r.RevocationReason == packet.KeySuperseded || *r.RevocationReason == packet.KeyRetired)
		if !soft || !r.CreationTime.After(at) {
			return true
		}
	}
	return false
}
