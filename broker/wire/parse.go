package wire

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What Parse can find wrong with a request; test with errors.Is.
var (
	// ErrUnknownKey says that the API is not one that is served. The reference closes the connection.
	ErrUnknownKey = errors.New("unknown API key")
	// ErrUnsupportedVersion says that the API is served, but not in that version. The reference closes the connection;
	// but for ApiVersions, which is answered by UnsupportedApiVersions.
	ErrUnsupportedVersion = errors.New("unsupported version")
	// ErrMalformed says that the bytes are no such request. The reference closes the connection.
	ErrMalformed = errors.New("malformed")
)

// Parse reads a request out of a frame's content. supports tells the versions in which an API is served.
//
// The header is returned with every error but that of a malformed header. The request's []byte fields point into frame;
// its strings do not. Bytes behind the body are passed over, as the reference does: librdkafka 2.16 asks for the metadata of all
// topics by a count of four bytes, of which the version knows one.
func Parse(frame []byte, supports func(key int16) (minVersion, maxVersion int16, ok bool)) (Header, kmsg.Request, error) {
	s := messageSchema()
	h, body, err := readHeader(frame, s.flexibleRequest)
	if err != nil {
		return h, nil, fmt.Errorf("%w: key %d version %d: %w", ErrMalformed, h.Key, h.Version, err)
	}
	minVersion, maxVersion, ok := supports(h.Key)
	if !ok {
		return h, nil, fmt.Errorf("%w: %d", ErrUnknownKey, h.Key)
	}
	shape := s.requests[h.Key]
	if shape == nil || h.Version < minVersion || h.Version > maxVersion || !shape.versions.has(h.Version) {
		return h, nil, fmt.Errorf("%w: key %d version %d", ErrUnsupportedVersion, h.Key, h.Version)
	}
	length, err := shape.measure(h.Version, body, true)
	if err != nil {
		return h, nil, fmt.Errorf("%w: %s v%d: %w", ErrMalformed, shape.name, h.Version, err)
	}
	req := kmsg.RequestForKey(h.Key)
	req.SetVersion(h.Version)
	if err := req.ReadFrom(body[:length]); err != nil { // not what is behind: kmsg would see it where the walk saw an end
		return h, nil, fmt.Errorf("%w: %s v%d: %w", ErrMalformed, shape.name, h.Version, err)
	}
	return h, req, nil
}

// flexibleRequest says whether the request's header has tags. It has an answer for versions that don't exist yet, as a
// newer client's first ApiVersions needs one.
func (s *schema) flexibleRequest(key, version int16) bool {
	shape := s.requests[key]
	return shape != nil && shape.flexible.has(version)
}
