package config

import (
	"regexp"
	"strconv"
	"time"
)

// Origin is where a share group begins in a partition that it has not read yet (share.auto.offset.reset): at its end, unless it says otherwise.
type Origin struct {
	Earliest bool
	// Ago, if above 0, is the age of the oldest records to begin with (by_duration).
	Ago time.Duration
}

// isoDuration is ISO 8601's form of a duration, as far as days, in the words of the key.
var isoDuration = regexp.MustCompile(`^by_duration:P(?:(\d{1,5})D)?(T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,10}(?:\.\d{0,9})?)S)?)?$`)

// anOrigin allows what originOf understands.
var anOrigin = Rule{"[latest, earliest] or by_duration: with an ISO 8601 duration", func(value any) string {
	switch text := value.(string); {
	case text == "latest", text == "earliest", originOf(text).Ago > 0:
		return ""
	}
	return "Value must be latest, earliest, or by_duration:PnDTnHnMn.nS with a duration above zero"
}}

// originOf reads an origin; the zero Origin is that of latest, and of what is none.
func originOf(text string) (o Origin) {
	if text == "earliest" {
		return Origin{Earliest: true}
	}
	parts := isoDuration.FindStringSubmatch(text)
	if parts == nil || parts[2] == "T" {
		return o
	}
	const day = 24 * time.Hour
	for at, unit := range map[int]time.Duration{1: day, 3: time.Hour, 4: time.Minute, 5: time.Second} {
		n, err := strconv.ParseFloat(parts[at], 64)
		if err == nil { // what is not said is not added
			o.Ago += time.Duration(n * float64(unit))
		}
	}
	return o
}
