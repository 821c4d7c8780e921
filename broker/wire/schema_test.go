package wire

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestSchemaAgreesWithKmsg encodes random messages of every key and version by kmsg, and demands that the walk takes each
// whole, and neither a prefix of it nor it with a byte more. That binds schema.txt, the walk and kmsg to each other.
func TestSchemaAgreesWithKmsg(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	messages := 0
	for key, shape := range messageSchema().requests {
		req := kmsg.RequestForKey(key)
		if req == nil {
			t.Errorf("key %d (%s): kmsg has no request", key, shape.name)
			continue
		}
		for v := shape.versions.first; v <= min(shape.versions.last, req.MaxVersion()); v++ {
			for range 20 {
				req := kmsg.RequestForKey(key)
				req.SetVersion(v)
				fill(random, reflect.ValueOf(req).Elem(), 0)
				checkWalk(t, random, shape, v, req.AppendTo(nil))

				resp := req.ResponseKind()
				resp.SetVersion(v)
				fill(random, reflect.ValueOf(resp).Elem(), 0)
				checkWalk(t, random, messageSchema().responses[key], v, resp.AppendTo(nil))
				messages += 2
			}
		}
	}
	if messages < 5000 {
		t.Errorf("only %d messages were tried", messages)
	}
}

func checkWalk(t *testing.T, random *rand.Rand, shape *messageShape, version int16, body []byte) {
	t.Helper()
	if err := shape.walk(version, body); err != nil {
		t.Fatalf("%s v%d: %v\n%x", shape.name, version, err, body)
	}
	if err := shape.walk(version, append(body[:len(body):len(body)], 0)); err != errLeftOver {
		t.Fatalf("%s v%d with a byte more: %v", shape.name, version, err)
	}
	for range min(len(body), 10) {
		cut := random.IntN(len(body))
		if err := shape.walk(version, body[:cut]); err == nil {
			t.Fatalf("%s v%d cut to %d of %d bytes is taken\n%x", shape.name, version, cut, len(body), body)
		}
	}
}

// fill gives every field of a kmsg message a random value, as deep as it goes, but for Version.
func fill(random *rand.Rand, v reflect.Value, depth int) {
	if tags, ok := v.Addr().Interface().(*kmsg.Tags); ok {
		if random.IntN(8) == 0 {
			tags.Set(100+random.Uint32N(1000), randomBytes(random, 5))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				fill(random, v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(randomBytes(random, 20))
			return
		}
		n := random.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(random, v.Index(i), depth+1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem(), depth+1)
	case reflect.Array:
		reflect.Copy(v, reflect.ValueOf(randomBytes(random, v.Len()+1)))
	case reflect.String:
		v.SetString(string(randomBytes(random, 20)))
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(random.Float64())
	case reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(uint16(random.Uint32())))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(int8(random.Uint32())))
	default:
		panic("no value for " + v.Type().String())
	}
}

func randomBytes(random *rand.Rand, below int) []byte {
	b := make([]byte, random.IntN(below))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func TestWalkNulls(t *testing.T) {
	metadata := messageSchema().requests[3]
	for _, test := range []struct {
		name    string
		version int16
		body    []byte
		want    error
	}{
		{"null where it is allowed", 1, []byte{0xff, 0xff, 0xff, 0xff}, nil},
		{"any negative count is null", 1, []byte{0xff, 0xff, 0xff, 0xfe}, nil},
		{"null where it is not", 0, []byte{0xff, 0xff, 0xff, 0xff}, errNull},
		{"null element", 1, []byte{0, 0, 0, 1, 0xff, 0xff}, errNull},
		{"compact null", 9, []byte{0, 1, 1, 1, 0}, nil},
		{"compact null element", 9, []byte{2, 0, 0, 1, 1, 1, 0}, errNull},
		{"count beyond the bytes", 1, []byte{0x7f, 0xff, 0xff, 0xff}, errCut},
		{"compact count beyond the bytes", 9, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1, 0}, errCut},
		{"count of too many bytes", 9, []byte{0xff, 0xff, 0xff, 0xff, 0x1f, 1, 1, 1, 0}, errCut},
		{"tag count beyond the bytes", 9, []byte{0, 1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f}, errCut},
		{"unknown tag", 9, []byte{0, 1, 1, 1, 1, 99, 2, 0xab, 0xcd}, nil},
		{"unknown tag cut", 9, []byte{0, 1, 1, 1, 1, 99, 3, 0xab, 0xcd}, errCut},
	} {
		if err := metadata.walk(test.version, test.body); err != test.want {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// TestWalkKnownTag: a tag that the version knows must be exactly of its type.
func TestWalkKnownTag(t *testing.T) {
	fetch := messageSchema().requests[1]
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(15)
	plain := req.AppendTo(nil)
	withTag := func(size byte, content ...byte) []byte {
		return append(append(plain[:len(plain)-1:len(plain)-1], 1, 1, size), content...)
	}
	state := make([]byte, 13) // replica id, epoch, no tags
	if err := fetch.walk(15, withTag(13, state...)); err != nil {
		t.Error("exact:", err)
	}
	if err := fetch.walk(15, withTag(14, append(state, 0)...)); err != errTagSize {
		t.Error("a byte too many:", err)
	}
	if err := fetch.walk(15, withTag(12, state[:12]...)); err != errCut {
		t.Error("a byte too few:", err)
	}
}

// TestWalkTagOfALaterVersion: kmsg decodes a tag that it knows from a later version. Here the replica's state, of version 15, ends in a
// tag section that counts four thousand million.
func TestWalkTagOfALaterVersion(t *testing.T) {
	body, err := hex.DecodeString("00000061ffffffd100000058ffffffdd95ffffffa9ffffff910101065c1f5c9154" +
		"02" + "000894ac5dbd66e4d7" + "0111" + "ffffffdfffffff7fffffffffffffffff0f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := messageSchema().requests[1].measure(13, body, true); err != errCut {
		t.Error(err)
	}
}

// TestWalkPresence: what is neither -1 nor a number from 0 is null to the reference and there to kmsg.
func TestWalkPresence(t *testing.T) {
	describe := messageSchema().requests[75]
	for presence, want := range map[byte]error{0xff: nil, 0xfe: errPresence} {
		if err := describe.walk(0, []byte{1, 0, 0, 0, 9, presence, 0}); err != want {
			t.Errorf("%x: %v, want %v", presence, err, want)
		}
	}
}

func TestWalkBoundsElements(t *testing.T) {
	names := make([]byte, 4+2*(ElementsMax+1))
	names[1], names[3] = 0x10, 1 // ElementsMax+1
	if err := messageSchema().requests[3].walk(1, names); err != errElements {
		t.Error(err)
	}
	names[3] = 0
	if err := messageSchema().requests[3].walk(1, names[:len(names)-2]); err != nil {
		t.Error("the very limit:", err)
	}
}

func TestParseSchemaFaults(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"request 1 A 0-1", "is not a message"},
		{"reply 1 A 0-1 flexible none", "neither request nor response"},
		{"request x A 0 flexible none", "invalid syntax"},
		{"request 1 A 0 flexible none\n B int33 0+", "unknown type"},
		{"request 1 A 0 flexible none\n B int32", "is not a field"},
		{"request 1 A 0 flexible none\n B int32 0+ what", "makes no sense"},
		{"request 1 A 0 flexible none\n   B int32 0+", "too deep"},
		{"request 1 A 0-x flexible none", "invalid syntax"},
	} {
		if _, err := parseSchema(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.text, err, test.want)
		}
	}
}

func TestParseVersions(t *testing.T) {
	for text, want := range map[string]string{"3": "3-3", "3-7": "3-7", "3+": "3-32767", "none": "1-0"} {
		v, err := parseVersions(text)
		if got := fmt.Sprintf("%d-%d", v.first, v.last); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func BenchmarkParseSchema(b *testing.B) {
	for b.Loop() {
		if _, err := parseSchema(schemaText); err != nil {
			b.Fatal(err)
		}
	}
}
