package replica

import (
	"time"

	"odradek/broker/commitlog"
)

// BeginVerification takes out a guard for the first batch of a producer's transaction here; see commitlog.Guard. needed is
// false when the batch needs none. Only the leader gives guards. The error is a *kerr.Error.
func (p *Partition) BeginVerification(producerID int64, epoch int16) (guard commitlog.Guard, needed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.readable(-1, true); err != nil {
		return 0, false, err
	}
	guard, needed = p.log.BeginVerification(producerID, epoch, time.Now().UnixMilli())
	return guard, needed, nil
}

// Producers describes the producers that the log remembers, by id. Only the leader answers. The error is a *kerr.Error.
func (p *Partition) Producers() ([]commitlog.ProducerInfo, error) {
	p.mu.Lock()
	err := p.readable(-1, true)
	log := p.log
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return log.Producers(), nil
}
