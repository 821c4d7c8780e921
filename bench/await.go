package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// awaitEvery is how often a node that does not answer yet is asked again.
const awaitEvery = time.Millisecond

// frameBytesMax bounds an answer of Await.
const frameBytesMax = 16 << 20

// Await returns when a node answers ApiVersions and, naming a broker at least, Metadata.
func Await(ctx context.Context, address string) error {
	for {
		err := answers(ctx, address)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(awaitEvery):
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", context.Cause(ctx), err)
		}
	}
}

func answers(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version, metadata.Topics = 1, []kmsg.MetadataRequestTopic{}
	if _, err := ask(conn, &kmsg.ApiVersionsRequest{}); err != nil {
		return err
	}
	answer, err := ask(conn, metadata)
	if err != nil {
		return err
	}
	if len(answer.(*kmsg.MetadataResponse).Brokers) == 0 {
		return fmt.Errorf("%s knows of no broker yet", address)
	}
	return nil
}

// ask sends a request of a version without flexible fields, and reads the answer.
func ask(conn net.Conn, req kmsg.Request) (kmsg.Response, error) {
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 4 || size > frameBytesMax {
		return nil, fmt.Errorf("an answer of %d bytes", size)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	response := req.ResponseKind()
	response.SetVersion(req.GetVersion())
	return response, response.ReadFrom(body)
}
