package wire

import (
	"encoding/binary"
	"errors"
)

// Header is the header of a request, whatever its version.
type Header struct {
	Key           int16
	Version       int16
	CorrelationID int32
	// ClientID is what the client calls itself, not nil-able here: null reads as "". Any bytes, not only UTF-8.
	ClientID string
}

var errHeaderCut = errors.New("header ends before its content does")

// keyApiVersions is the one API whose headers obey rules of their own.
const keyApiVersions = 18

// readHeader takes the header off a request. Tags are skipped. flexible says whether the request's version has them.
func readHeader(frame []byte, flexible func(key, version int16) bool) (h Header, body []byte, err error) {
	if len(frame) < 10 {
		return h, nil, errHeaderCut
	}
	h.Key = int16(binary.BigEndian.Uint16(frame))
	h.Version = int16(binary.BigEndian.Uint16(frame[2:]))
	h.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:]))
	length := int(int16(binary.BigEndian.Uint16(frame[8:])))
	body = frame[10:]
	if length > len(body) {
		return h, nil, errHeaderCut
	}
	if length > 0 {
		h.ClientID = string(body[:length])
		body = body[length:]
	}
	if flexible(h.Key, h.Version) {
		w := walker{rest: body, version: h.Version, flexible: true, elements: ElementsMax}
		w.tags(nil)
		if w.err != nil {
			return h, nil, errHeaderCut
		}
		body = w.rest
	}
	return h, body, nil
}

// appendResponseHeader appends a response's header: version 1 has an empty tag section.
func appendResponseHeader(b []byte, correlationID int32, key int16, flexible bool) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(correlationID))
	if flexible && key != keyApiVersions {
		b = append(b, 0)
	}
	return b
}
