package config

import (
	"errors"
	"fmt"
	"maps"
)

// Static is what a node was started with: its properties file and its command line. It is checked and never changes.
type Static struct {
	values map[string]string
	node   Node
}

// Load checks settings, later ones replacing earlier ones of the same key, and makes a node's static configuration of them.
// Warnings are for the operator's log: each names a key that is known but has no effect here. The error joins everything
// that is wrong; each part names the key, where it was set and what is allowed.
func Load(settings []Property) (static *Static, warnings []string, err error) {
	origin := make(map[string]Property, len(settings))
	var order []string
	for _, p := range settings {
		if _, seen := origin[p.Key]; !seen {
			order = append(order, p.Key)
		}
		origin[p.Key] = p
	}
	static = &Static{values: make(map[string]string, len(order))}
	var errs []error
	for _, name := range order {
		p := origin[name]
		warning, err := static.set(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Origin, err))
		} else if warning != "" {
			warnings = append(warnings, warning)
		}
	}
	if _, named := origin["broker.id"]; named && static.values["node.id"] == "" {
		errs = append(errs, &Error{Kind: ErrInvalidValue, Key: "broker.id", Text: "broker.id is Kafka's old name: set node.id"})
	}
	if len(errs) == 0 {
		static.node, err = static.Layers(nil, nil).node()
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, warnings, err
	}
	return static, warnings, nil
}

func (s *Static) set(p Property) (warning string, err error) {
	k := Lookup(ScopeBroker, p.Key)
	if k == nil {
		if IsKnownInert(p.Key) {
			return p.Key + " is a key of Kafka's that has no effect here yet", nil
		}
		return "", &Error{Kind: ErrUnknownKey, Key: p.Key, Text: "unknown configuration key " + p.Key + nearest(p.Key)}
	}
	value, err := k.parse(p.Value)
	if err != nil {
		if k.Rule.Text != "" {
			err = fmt.Errorf("%w (allowed: %s)", err, k.Rule.Text)
		}
		return "", err
	}
	s.values[p.Key] = format(value)
	if k.Inert && s.values[p.Key] != k.Default {
		return p.Key + " is checked but has no effect here yet", nil
	}
	return "", nil
}

// Node is the node's configuration as it was when it started.
func (s *Static) Node() Node { return s.node }

// Layers puts what was set by requests over the static configuration: for all brokers (cluster) and for this one (broker).
// The maps are kept, not copied.
func (s *Static) Layers(cluster, broker map[string]string) Layers {
	return Layers{Broker: broker, Cluster: cluster, Static: s.values}
}

// Values are the settings by key, as text, each checked.
func (s *Static) Values() map[string]string { return maps.Clone(s.values) }
