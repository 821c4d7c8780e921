package metadata

import (
	"fmt"
	"maps"
)

func (r *FeatureRecord) apply(b *Builder) error {
	if r.Name == "" || r.Level < 0 {
		return fmt.Errorf("%w: feature %q at level %d", ErrInconsistent, r.Name, r.Level)
	}
	b.image.Features = maps.Clone(b.image.Features) // a handful, and hardly ever changed
	if r.Level == 0 {
		delete(b.image.Features, r.Name)
	} else {
		b.image.Features[r.Name] = r.Level
	}
	b.delta.features = true
	return nil
}

func (r *QuotaRecord) apply(b *Builder) error {
	if r.Entity == (QuotaEntity{}) || r.Key == "" {
		return fmt.Errorf("%w: quota %q of nobody", ErrInconsistent, r.Key)
	}
	if !b.ownsQuotas {
		b.image.Quotas = maps.Clone(b.image.Quotas)
		b.ownsQuotas = true
	}
	limits := maps.Clone(b.image.Quotas[r.Entity])
	if r.Remove {
		delete(limits, r.Key)
	} else {
		if limits == nil {
			limits = Quotas{}
		}
		limits[r.Key] = r.Value
	}
	if len(limits) == 0 {
		delete(b.image.Quotas, r.Entity)
	} else {
		b.image.Quotas[r.Entity] = limits
	}
	b.delta.quotas = true
	return nil
}

func (r *ScramRecord) apply(b *Builder) error {
	if r.User.Name == "" {
		return fmt.Errorf("%w: SCRAM credential of nobody", ErrInconsistent)
	}
	if !b.ownsScram {
		b.image.Scram = maps.Clone(b.image.Scram)
		b.ownsScram = true
	}
	if r.Remove {
		delete(b.image.Scram, r.User)
		return nil
	}
	credential := r.Credential
	b.image.Scram[r.User] = &credential
	return nil
}
