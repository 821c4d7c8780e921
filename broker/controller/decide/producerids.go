package decide

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// ProducerIDBlock is how many producer ids a broker gets at a time, as Kafka's ProducerIdsBlock.
const ProducerIDBlock = 1000

// AllocateProducerIDs gives a broker the next block of producer ids. A block whose answer is lost is never given again.
func (p *Plan) AllocateProducerIDs(req *kmsg.AllocateProducerIDsRequest) *kmsg.AllocateProducerIDsResponse {
	resp := req.ResponseKind().(*kmsg.AllocateProducerIDsResponse)
	if code := checkEpoch(p.Image().Brokers[req.BrokerID], req.BrokerEpoch); code != nil {
		resp.ErrorCode = code.Code
		return resp
	}
	first := p.Image().NextProducerID
	if first > math.MaxInt64-ProducerIDBlock {
		resp.ErrorCode = kerr.UnknownServerError.Code
		return resp
	}
	p.add(&metadata.ProducerIDsRecord{Next: first + ProducerIDBlock})
	resp.ProducerIDStart, resp.ProducerIDLen = first, ProducerIDBlock
	return resp
}
