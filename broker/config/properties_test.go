package config

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseProperties(t *testing.T) {
	for _, test := range []struct{ name, text, key, value string }{
		{"equals", "a=b", "a", "b"},
		{"colon and space", "a : b ", "a", "b "},
		{"white space alone", "a\tb c", "a", "b c"},
		{"no value", "a", "a", ""},
		{"empty value", "a=", "a", ""},
		{"second separator belongs to the value", "a = = b", "a", "= b"},
		{"escaped separator in the key", `a\=\:\ b=c`, "a=: b", "c"},
		{"escapes", `a=\t\n\r\f\\\q`, "a", "\t\n\r\f\\q"},
		{"unicode", `a=\u00e9\u20AC`, "a", "é€"},
		{"surrogate pair", `a=\uD83D\uDE00`, "a", "😀"},
		{"continued", "a=b,\\\n   c", "a", "b,c"},
		{"even backslashes end the line", "a=b\\\\\n#c", "a", `b\`},
		{"a continued line is no comment", "a=b\\\n#c", "a", "b#c"},
		{"continued at the end", "a=b\\", "a", "b"},
		{"comments", "# x=y\n  ! z\n\n a=b", "a", "b"},
		{"carriage returns", "#x\r\na=b\r", "a", "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseProperties(test.text)
			if err != nil || len(got) != 1 || got[0].Key != test.key || got[0].Value != test.value {
				t.Errorf("%q gives %q, %v", test.text, got, err)
			}
		})
	}
	if _, err := ParseProperties("x=1\na=\\u00g0"); !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad escape gives %v", err)
	}
	if got, _ := ParseProperties("a=1\\\n\n\nb=2"); len(got) != 2 || got[1].Origin != "line 4" {
		t.Errorf("lines are counted as %v", got)
	}
}

func TestParseSetting(t *testing.T) {
	if p, err := ParseSetting(" a.b = c=d "); err != nil || p.Key != "a.b" || p.Value != "c=d" {
		t.Errorf("got %v, %v", p, err)
	}
	for _, bad := range []string{"a", "=b", ""} {
		if _, err := ParseSetting(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q gives %v", bad, err)
		}
	}
}

func FuzzParseProperties(f *testing.F) {
	for _, seed := range []string{"a=b", "a\\", "\\u12", "a=\\uD83D\\uDE00", "\\\n\\\n=", ":\r\\:=", "a\x00=\xff"} {
		f.Add(seed)
	}
	escape := strings.NewReplacer(`\`, `\\`, "=", `\=`, ":", `\:`, " ", `\ `, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\f", `\f`, "#", `\#`, "!", `\!`)
	f.Fuzz(func(t *testing.T, text string) {
		properties, err := ParseProperties(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, p := range properties {
			again.WriteString(escape.Replace(p.Key) + "=" + escape.Replace(p.Value) + "\n")
		}
		second, err := ParseProperties(again.String())
		if err != nil || len(second) != len(properties) {
			t.Fatalf("%q read, written and read: %q, %v", text, second, err)
		}
		for i := range second {
			if second[i].Key != properties[i].Key || second[i].Value != properties[i].Value {
				t.Fatalf("%q became %q", properties[i], second[i])
			}
			if utf8.ValidString(text) && !utf8.ValidString(second[i].Value) {
				t.Fatalf("%q became invalid UTF-8: %q", text, second[i].Value)
			}
		}
	})
}
