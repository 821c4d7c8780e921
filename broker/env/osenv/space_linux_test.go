package osenv

import (
	"errors"
	"io/fs"
	"testing"

	"odradek/broker/env"
)

func TestSpace(t *testing.T) {
	d := New().Disk.(env.Spacer)
	total, usable, err := d.Space(t.TempDir())
	if err != nil || total <= 0 || usable < 0 || usable > total {
		t.Errorf("%d of %d bytes, %v", usable, total, err)
	}
	if _, _, err := d.Space(t.TempDir() + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no directory: %v", err)
	}
}
