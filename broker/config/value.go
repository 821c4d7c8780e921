package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// What can be wrong with a setting; test with errors.Is.
var (
	ErrUnknownKey   = errors.New("unknown configuration key")
	ErrReadOnly     = errors.New("configuration key can't change while a node runs")
	ErrInvalidValue = errors.New("invalid configuration value")
)

// Error is a refused setting. It names the key and says what is allowed.
type Error struct {
	Kind error // ErrUnknownKey, ErrReadOnly or ErrInvalidValue
	Key  string
	Text string
}

func (e *Error) Error() string { return e.Text }

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Rule limits a key's values beyond their type. Text says what it allows, as Kafka's documentation writes it.
type Rule struct {
	Text string
	// refuse returns why a parsed value isn't allowed, in Kafka's words, or "".
	refuse func(value any) string
}

func atLeast(low int64) Rule { return between(low, math.MaxInt64) }

func between(low, high int64) Rule {
	text := fmt.Sprintf("[%d,...,%d]", low, high)
	if high == math.MaxInt64 {
		text = fmt.Sprintf("[%d,...]", low)
	}
	return Rule{text, func(value any) string {
		number, isFloat := value.(float64)
		if !isFloat {
			integer := value.(int64)
			if integer > high {
				return fmt.Sprintf("Value must be no more than %d", high)
			}
			if integer < low {
				return fmt.Sprintf("Value must be at least %d", low)
			}
			return ""
		}
		switch {
		case !(number >= float64(low)):
			return fmt.Sprintf("Value must be at least %d", low)
		case !(number <= float64(high)):
			return fmt.Sprintf("Value must be no more than %d", high)
		}
		return ""
	}}
}

// orMinusOne allows -1 beside what another rule allows.
func orMinusOne(rule Rule) Rule {
	return Rule{rule.Text + " or -1", func(value any) string {
		if value.(int64) == -1 {
			return ""
		}
		return rule.refuse(value)
	}}
}

// oneOf allows some words, alone or, for a list, any number of them but each once.
func oneOf(words ...string) Rule {
	allowed := strings.Join(words, ", ")
	return Rule{"[" + allowed + "]", func(value any) string {
		list, isList := value.([]string)
		if !isList {
			list = []string{value.(string)}
		}
		for i, item := range list {
			if !slices.Contains(words, item) {
				return "String must be one of: " + allowed
			}
			if slices.Contains(list[:i], item) {
				return "Configuration must not have duplicate values, and " + item + " is there twice"
			}
		}
		return ""
	}}
}

// throttledReplicas allows partition:broker pairs, or a star for all of them (KIP-73).
var throttledReplicas = Rule{"[partitionId]:[brokerId],[partitionId]:[brokerId],...", func(value any) string {
	list := value.([]string)
	if len(list) == 1 && list[0] == "*" {
		return ""
	}
	for _, pair := range list {
		partition, broker, found := strings.Cut(pair, ":")
		_, partitionErr := strconv.ParseUint(partition, 10, 31)
		_, brokerErr := strconv.ParseUint(broker, 10, 31)
		if !found || partitionErr != nil || brokerErr != nil {
			return "must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
		}
	}
	return ""
}}

// perIPOverrides allows pairs of an address and the most connections that it may have.
var perIPOverrides = Rule{"ADDRESS:NUMBER,…", func(value any) string {
	_, why := parsePerIP(value.(string))
	return why
}}

// parsePerIP reads such pairs; why is not empty when they are none.
func parsePerIP(text string) (most map[string]int, why string) {
	most = map[string]int{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		at := strings.LastIndexByte(pair, ':') // an address of version 6 has more of them
		if at < 0 {
			return nil, fmt.Sprintf("%q is not of the form ADDRESS:NUMBER", pair)
		}
		address, err := netip.ParseAddr(strings.Trim(pair[:at], "[]"))
		if err != nil {
			return nil, fmt.Sprintf("%q is no address", pair[:at])
		}
		number, err := strconv.ParseInt(pair[at+1:], 10, 32)
		if err != nil {
			return nil, fmt.Sprintf("%q is no number", pair[at+1:])
		}
		most[address.String()] = int(number)
	}
	return most, ""
}

// parse turns a value's text into bool, int64, float64, string or []string, checked.
func (k *Key) parse(text string) (any, error) {
	text = strings.TrimSpace(text)
	value, why := parseAs(k.Type, text)
	if why == "" && k.Rule.refuse != nil {
		why = k.Rule.refuse(value)
	}
	if why != "" {
		shown := text
		if k.Sensitive() {
			shown = "[hidden]"
		}
		return nil, &Error{Kind: ErrInvalidValue, Key: k.Name, Text: fmt.Sprintf("Invalid value %s for configuration %s: %s", shown, k.Name, why)}
	}
	return value, nil
}

func parseAs(t Type, text string) (value any, why string) {
	switch t {
	case Boolean:
		switch strings.ToLower(text) {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
		return nil, "Expected value to be either true or false"
	case Int, Short, Long:
		bits := map[Type]int{Int: 32, Short: 16, Long: 64}[t]
		number, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return nil, "Not a number of type " + t.String()
		}
		return number, ""
	case Double:
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, "Not a number of type DOUBLE"
		}
		return number, ""
	case List:
		list := []string{}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, ""
	}
	return text, ""
}

// format is the text of a parsed value, as Kafka shows it.
func format(value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	case []string:
		return strings.Join(v, ",")
	}
	return value.(string)
}
