package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// parseListeners reads NAME://host:port entries. Names are upper-cased, as Kafka does, and must differ.
func parseListeners(key string, list []string) ([]Listener, error) {
	var listeners []Listener
	for _, text := range list {
		name, address, found := strings.Cut(text, "://")
		host, port, err := net.SplitHostPort(address)
		number, portErr := strconv.ParseUint(port, 10, 16)
		if !found || name == "" || err != nil || portErr != nil {
			return nil, invalid(key, "%q is not NAME://host:port", text)
		}
		name = strings.ToUpper(name)
		if slices.ContainsFunc(listeners, func(l Listener) bool { return l.Name == name }) {
			return nil, invalid(key, "each listener must have a different name, and %s is there twice", name)
		}
		listener := Listener{Name: name, Host: host, Port: int32(number), AdvertisedHost: host, AdvertisedPort: int32(number)}
		if host == "" || host == "0.0.0.0" || host == "::" {
			listener.AdvertisedHost = "localhost"
		}
		listeners = append(listeners, listener)
	}
	if len(listeners) == 0 {
		return nil, invalid(key, "there must be at least one, as NAME://host:port")
	}
	return listeners, nil
}

// advertise puts the advertised addresses into the listeners of the same names.
func advertise(listeners []Listener, advertised []string) error {
	const key = "advertised.listeners"
	told, err := parseListeners(key, advertised)
	if err != nil {
		return err
	}
	for _, a := range told {
		i := slices.IndexFunc(listeners, func(l Listener) bool { return l.Name == a.Name })
		if i < 0 {
			return invalid(key, "%s is not among the listeners", a.Name)
		}
		if a.Host == "0.0.0.0" || a.Host == "::" {
			return invalid(key, "%s can't be reached by anyone; use an address that can", a.Host)
		}
		listeners[i].AdvertisedHost, listeners[i].AdvertisedPort = a.AdvertisedHost, a.AdvertisedPort
	}
	return nil
}

// checkProtocols refuses listeners whose security protocol isn't spoken here. A controller's listener may go unnamed in the
// map as long as the map is the default one, as in Kafka.
func checkProtocols(r reader, listeners []Listener, controllers []string) error {
	const key = "listener.security.protocol.map"
	text := r.string(key)
	protocols := make(map[string]string)
	for pair := range strings.SplitSeq(text, ",") {
		name, protocol, found := strings.Cut(strings.TrimSpace(pair), ":")
		if !found {
			return invalid(key, "%q is not NAME:PROTOCOL", pair)
		}
		protocols[strings.ToUpper(name)] = strings.ToUpper(protocol)
	}
	for _, l := range listeners {
		protocol, mapped := protocols[l.Name]
		if !mapped && text == Lookup(ScopeBroker, key).Default && slices.Contains(controllers, l.Name) {
			continue
		}
		if !mapped {
			return invalid(key, "listener %s has no security protocol", l.Name)
		}
		if protocol != "PLAINTEXT" {
			return invalid(key, "listener %s asks for %s; allowed: PLAINTEXT", l.Name, protocol)
		}
	}
	return nil
}
