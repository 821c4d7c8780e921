package wire

import "encoding/binary"

// IsPlainProduce says whether a frame is a produce request outside of a transaction, by its first bytes: one that a leader answers, or
// has wait for its replicas, without asking another node first. false also for what makes no sense.
func IsPlainProduce(frame []byte) bool {
	const flexibleSince = 9
	if len(frame) < 10 || binary.BigEndian.Uint16(frame) != keyProduce {
		return false
	}
	version := binary.BigEndian.Uint16(frame[2:])
	rest := frame[10:]
	if n := int(int16(binary.BigEndian.Uint16(frame[8:]))); n > len(rest) {
		return false
	} else if n > 0 { // the client's id
		rest = rest[n:]
	}
	switch {
	case version < 3: // transactions are later
		return true
	case version < flexibleSince:
		return len(rest) >= 2 && rest[0] == 0xFF && rest[1] == 0xFF
	default: // the header has no tags, the transactional id is null
		return len(rest) >= 2 && rest[0] == 0 && rest[1] == 0
	}
}
