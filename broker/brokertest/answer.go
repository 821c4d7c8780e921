package brokertest

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrorAnswer is the answer to a request that says err of everything that the request names: each topic, partition, group or
// resource. When it names nothing the error is the answer's own. It serves in Fault.Answer, to be changed further.
func ErrorAnswer(req kmsg.Request, err *kerr.Error) kmsg.Response {
	resp := req.ResponseKind()
	from, to := reflect.ValueOf(req).Elem(), reflect.ValueOf(resp).Elem()
	if !mirror(from, to, err.Code) && !setCode(to, err.Code) {
		addAny(to, err.Code)
	}
	return resp
}

// namedElsewhere are the lists of answers for which the request's list has another name.
var namedElsewhere = map[string][]string{
	"Topics":            {"TopicNames"},
	"Coordinators":      {"CoordinatorKeys"},
	"TransactionStates": {"TransactionalIDs"},
	"Results":           {"Groups", "Creations", "Filters", "Upsertions", "Deletions"},
	"Responses":         {"Topics", "Resources"},
}

// mirror fills the lists of an answer by those of the request, each with the error, and says whether there was a place for it.
func mirror(req, resp reflect.Value, code int16) (told bool) {
	for i := range resp.NumField() {
		field := resp.Type().Field(i)
		if !isList(field.Type) {
			continue
		}
		for _, name := range append([]string{field.Name}, namedElsewhere[field.Name]...) {
			list := req.FieldByName(name)
			if list.IsValid() && list.Kind() == reflect.Slice && list.Len() > 0 {
				told = mirrorList(list, resp.Field(i), code) || told
			}
		}
	}
	return told
}

// isList says whether a field is a list of parts of a message.
func isList(field reflect.Type) bool {
	return field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct
}

func mirrorList(req, resp reflect.Value, code int16) (told bool) {
	for i := range req.Len() {
		element := newElement(resp.Type())
		asked := req.Index(i)
		if asked.Kind() == reflect.Struct {
			copyNames(asked, element)
			told = mirror(asked, element, code) || told
		} else {
			setFirst(element, asked)
		}
		told = setCode(element, code) || told
		resp.Set(reflect.Append(resp, element))
	}
	return told
}

// newElement makes what a list has, with its defaults.
func newElement(list reflect.Type) reflect.Value {
	element := reflect.New(list.Elem())
	if e, ok := element.Interface().(interface{ Default() }); ok {
		e.Default()
	}
	return element.Elem()
}

// addAny is for an answer that has a place for an error only in lists which the request's don't correspond to: one element tells it.
func addAny(resp reflect.Value, code int16) (told bool) {
	for i := range resp.NumField() {
		field := resp.Type().Field(i)
		if told || !isList(field.Type) {
			continue
		}
		element := newElement(field.Type)
		if told = setCode(element, code) || addAny(element, code); told {
			resp.Field(i).Set(reflect.Append(resp.Field(i), element))
		}
	}
	return told
}

// copyNames copies what the request and the answer have under the same name: the topic's, the partition's, …
func copyNames(req, resp reflect.Value) {
	for i := range resp.NumField() {
		field := resp.Type().Field(i)
		if field.Type.Kind() == reflect.Slice {
			continue
		}
		if from := req.FieldByName(field.Name); from.IsValid() && from.Type() == field.Type {
			resp.Field(i).Set(from)
		}
	}
}

// setFirst sets the first field that a name or number fits, which is what the element is about.
func setFirst(resp, value reflect.Value) {
	for i := range resp.NumField() {
		field := resp.Field(i)
		switch {
		case resp.Type().Field(i).Name == "ErrorCode":
		case field.Type() == value.Type():
			field.Set(value)
			return
		case field.Kind() == reflect.Pointer && field.Type().Elem() == value.Type():
			pointer := reflect.New(value.Type())
			pointer.Elem().Set(value)
			field.Set(pointer)
			return
		}
	}
}

func setCode(resp reflect.Value, code int16) (told bool) {
	field := resp.FieldByName("ErrorCode")
	if !field.IsValid() || field.Kind() != reflect.Int16 {
		return false
	}
	field.SetInt(int64(code))
	return true
}
