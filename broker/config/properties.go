package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Property is one setting as it was read.
type Property struct {
	Key, Value string
	// Origin says where it came from, for messages: "line 12" or "--set".
	Origin string
}

// ErrSyntax says that a properties file can't be read.
var ErrSyntax = errors.New("malformed properties")

// ParseProperties reads the format of java.util.Properties, which server.properties is written in: a setting a line, key and
// value separated by '=', ':' or white space; '#' and '!' begin comments; a backslash at the end of a line continues it,
// and elsewhere escapes (\t \n \r \f \uXXXX, any other character stands for itself). Text is UTF-8. Settings come in the
// file's order, repeated keys included.
func ParseProperties(text string) ([]Property, error) {
	var properties []Property
	lines := splitLines(text)
	for i := 0; i < len(lines); i++ {
		number := i + 1
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for endsInEscape(line) {
			line = line[:len(line)-1]
			if i+1 == len(lines) {
				break
			}
			i++
			line += strings.TrimLeft(lines[i], " \t\f")
		}
		if line == "" {
			continue
		}
		rawKey, rawValue := splitPair(line)
		key, err := unescape(rawKey)
		if err == nil {
			rawValue, err = unescape(rawValue)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrSyntax, number, err)
		}
		properties = append(properties, Property{key, rawValue, "line " + strconv.Itoa(number)})
	}
	return properties, nil
}

// ParseSetting reads one "key=value", as the command line's --set takes it. There is no escaping: the shell has its own.
func ParseSetting(text string) (Property, error) {
	key, value, found := strings.Cut(text, "=")
	if key = strings.TrimSpace(key); !found || key == "" {
		return Property{}, fmt.Errorf("%w: %q is not key=value", ErrSyntax, text)
	}
	return Property{key, strings.TrimSpace(value), "--set"}, nil
}

func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// endsInEscape says whether a line ends in an odd number of backslashes.
func endsInEscape(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// splitPair cuts a line at the first unescaped separator. White space around an '=' or ':' belongs to the separator.
func splitPair(line string) (key, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
		} else if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	value = strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return line[:end], value
}

func unescape(text string) (string, error) {
	if !strings.Contains(text, `\`) {
		return text, nil
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			break
		}
		switch text[i] {
		case 't':
			out.WriteByte('\t')
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 'f':
			out.WriteByte('\f')
		case 'u':
			char, err := codeUnit(text, i+1)
			if err != nil {
				return "", err
			}
			i += 4
			// A character beyond the basic plane is written as two escapes, a surrogate pair.
			if utf16.IsSurrogate(char) && strings.HasPrefix(text[i+1:], `\u`) {
				if low, err := codeUnit(text, i+3); err == nil && utf16.DecodeRune(char, low) != '\uFFFD' {
					char = utf16.DecodeRune(char, low)
					i += 6
				}
			}
			out.WriteRune(char)
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String(), nil
}

func codeUnit(text string, at int) (rune, error) {
	if at+4 > len(text) {
		return 0, errors.New(`\u needs four hexadecimal digits`)
	}
	unit, err := strconv.ParseUint(text[at:at+4], 16, 16)
	if err != nil {
		return 0, errors.New(`\u needs four hexadecimal digits`)
	}
	return rune(unit), nil
}
