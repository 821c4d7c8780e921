package brokertest_test

import (
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/api"
	"odradek/broker/brokertest"
)

// fill puts one element into every list, and a name or number into every field that can be one.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" && v.Type().Field(i).Name != "UnknownTags" {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.String:
		v.SetString("x")
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	}
}

// codes counts the error fields of an answer that say a code, and those that say nothing.
func codes(v reflect.Value, code int64) (set, unset int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "ErrorCode" {
				if v.Field(i).Int() == code {
					set++
				} else {
					unset++
				}
				continue
			}
			s, u := codes(v.Field(i), code)
			set, unset = set+s, unset+u
		}
	case reflect.Slice:
		for i := range v.Len() {
			s, u := codes(v.Index(i), code)
			set, unset = set+s, unset+u
		}
	}
	return set, unset
}

// TestErrorAnswerOfEveryKey asks for an error answer of each API that is served, with all that a request can name and with
// nothing: it tells of the error, and arrives as it was meant in every version that has a place for it.
func TestErrorAnswerOfEveryKey(t *testing.T) {
	for key := range int16(100) {
		_, newest, ok := api.Versions().Supports(key)
		if !ok {
			continue
		}
		for _, filled := range []bool{true, false} {
			req := kmsg.RequestForKey(key)
			if filled {
				fill(reflect.ValueOf(req).Elem())
			}
			req.SetVersion(newest)
			resp := brokertest.ErrorAnswer(req, kerr.PolicyViolation)
			if set, _ := codes(reflect.ValueOf(resp).Elem(), int64(kerr.PolicyViolation.Code)); set == 0 && hasCode(reflect.TypeOf(resp).Elem()) && filled {
				t.Errorf("%s: no error in %+v", kmsg.NameForKey(key), resp)
			}
			resp.SetVersion(newest)
			read := req.ResponseKind()
			read.SetVersion(newest)
			if err := read.ReadFrom(resp.AppendTo(nil)); err != nil {
				t.Errorf("%s: %v", kmsg.NameForKey(key), err)
			} else if set, _ := codes(reflect.ValueOf(read).Elem(), int64(kerr.PolicyViolation.Code)); set == 0 && hasCode(reflect.TypeOf(resp).Elem()) && filled {
				t.Errorf("%s: no error arrives: %+v", kmsg.NameForKey(key), read)
			}
		}
	}
}

// hasCode says whether an answer has a field for an error of its own.
func hasCode(response reflect.Type) bool {
	set, unset := codes(filled(response), 7)
	return set+unset > 0
}

func filled(response reflect.Type) reflect.Value {
	v := reflect.New(response).Elem()
	fill(v)
	return v
}

func TestErrorAnswerNamesWhatWasAsked(t *testing.T) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames = []string{"a", "b"}
	resp := brokertest.ErrorAnswer(req, kerr.PolicyViolation).(*kmsg.DeleteTopicsResponse)
	if len(resp.Topics) != 2 || *resp.Topics[1].Topic != "b" || resp.Topics[1].ErrorCode != kerr.PolicyViolation.Code {
		t.Errorf("%+v", resp)
	}
	group := kmsg.NewPtrHeartbeatRequest()
	if resp := brokertest.ErrorAnswer(group, kerr.RebalanceInProgress).(*kmsg.HeartbeatResponse); resp.ErrorCode != kerr.RebalanceInProgress.Code {
		t.Errorf("%+v", resp)
	}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKeys = []string{"g"}
	if resp := brokertest.ErrorAnswer(find, kerr.CoordinatorNotAvailable).(*kmsg.FindCoordinatorResponse); len(resp.Coordinators) != 1 || resp.Coordinators[0].Key != "g" || resp.ErrorCode != 0 {
		t.Errorf("%+v", resp)
	}
}
