package controller

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// Controller requests between nodes, integers big-endian:
//
//	request                         response
//	  size        uint32 of the rest  size        uint32 of the rest
//	  correlation uint32              correlation uint32
//	  key         int16               status      uint8
//	  version     int16               metadata    uint64  version that includes the effects
//	  body                            leader      uint16 length, and the address to try, or nothing
//	                                  body
//
// The bodies are Kafka's, of key and version, without Kafka's headers; key -1 is a hello, whose bodies are below. The status
// says whether the node answered as the active controller, which Kafka's responses say in a different place each.
const (
	requestHeader  = 4 + 2 + 2
	responseHeader = 4 + 1 + 8 + 2
	// frameBytesMax bounds a frame: the largest request allowed creates 10,000 partitions.
	frameBytesMax = 16 << 20
)

const (
	statusOK            uint8 = 0
	statusNotController uint8 = 1 // ask the leader named, or another node
	statusUnsupported   uint8 = 2 // a key or version that this node doesn't know
)

const helloKey int16 = -1

var (
	errFrame       = errors.New("controller: malformed frame")
	errUnsupported = errors.New("controller: the active controller does not take this request")
)

type requestFrame struct {
	correlation uint32
	key         int16
	version     int16
	body        []byte
}

type responseFrame struct {
	correlation uint32
	status      uint8
	metadata    uint64
	leader      string
	body        []byte
}

func (f *requestFrame) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(requestHeader+len(f.body)))
	b = binary.BigEndian.AppendUint32(b, f.correlation)
	b = binary.BigEndian.AppendUint16(b, uint16(f.key))
	b = binary.BigEndian.AppendUint16(b, uint16(f.version))
	return append(b, f.body...)
}

func (f *responseFrame) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(responseHeader+len(f.leader)+len(f.body)))
	b = binary.BigEndian.AppendUint32(b, f.correlation)
	b = append(b, f.status)
	b = binary.BigEndian.AppendUint64(b, f.metadata)
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.leader)))
	b = append(b, f.leader...)
	return append(b, f.body...)
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > frameBytesMax {
		return nil, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func parseRequest(b []byte) (f requestFrame, err error) {
	if len(b) < requestHeader {
		return f, fmt.Errorf("%w: request of %d bytes", errFrame, len(b))
	}
	f.correlation = binary.BigEndian.Uint32(b)
	f.key = int16(binary.BigEndian.Uint16(b[4:]))
	f.version = int16(binary.BigEndian.Uint16(b[6:]))
	f.body = b[requestHeader:]
	return f, nil
}

func parseResponse(b []byte) (f responseFrame, err error) {
	if len(b) < responseHeader {
		return f, fmt.Errorf("%w: response of %d bytes", errFrame, len(b))
	}
	f.correlation = binary.BigEndian.Uint32(b)
	f.status = b[4]
	f.metadata = binary.BigEndian.Uint64(b[5:])
	rest := b[responseHeader:]
	n := int(binary.BigEndian.Uint16(b[13:]))
	if n > len(rest) {
		return f, fmt.Errorf("%w: leader's address of %d bytes", errFrame, n)
	}
	f.leader, f.body = string(rest[:n]), rest[n:]
	return f, nil
}

// decodeRequest reads a request's body; nil for one that is not the controller's, or not known in that version.
func decodeRequest(f requestFrame) (kmsg.Request, error) {
	if !handles(f.key) {
		return nil, nil
	}
	req := kmsg.RequestForKey(f.key)
	if f.version < 0 || f.version > req.MaxVersion() {
		return nil, nil
	}
	req.SetVersion(f.version)
	return req, req.ReadFrom(f.body)
}

// hello is what a node says of itself to whoever asks; its wire form is a response's body.
type hello struct {
	nodeID      int32
	directoryID metadata.UUID
	incarnation metadata.UUID
	// hasCluster is set when the node has state of a cluster, whether or not it knows its id.
	hasCluster bool
	clusterID  string
}

func (h *hello) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(h.nodeID))
	b = append(b, h.directoryID[:]...)
	b = append(b, h.incarnation[:]...)
	if h.hasCluster {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, h.clusterID...)
}

func parseHello(b []byte) (h hello, err error) {
	const fixed = 4 + 16 + 16 + 1
	if len(b) < fixed {
		return h, fmt.Errorf("%w: hello of %d bytes", errFrame, len(b))
	}
	h.nodeID = int32(binary.BigEndian.Uint32(b))
	copy(h.directoryID[:], b[4:])
	copy(h.incarnation[:], b[20:])
	h.hasCluster = b[36] != 0
	h.clusterID = string(b[fixed:])
	return h, nil
}
