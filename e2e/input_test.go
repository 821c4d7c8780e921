//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// inputBytesMin is how much real text goes through the cluster; lineBytesMax leaves a line room in a record that the default
// of message.max.bytes lets pass (a few generated tables of the Go tree have lines of a megabyte and more).
const (
	inputBytesMin = 200 << 20
	lineBytesMax  = 512 << 10
)

// input is a file of unique lines, and each line's place in it.
type input struct {
	path  string
	bytes int64
	index map[string]int32
}

var makeInput = sync.OnceValues(func() (*input, error) {
	file, err := os.CreateTemp(runDir, "input-")
	if err != nil {
		return nil, err
	}
	in := &input{path: file.Name(), index: map[string]int32{}}
	out := bufio.NewWriterSize(file, 1<<20)
	for _, variable := range []string{"GOROOT", "GOMODCACHE"} {
		root, err := exec.Command("go", "env", variable).Output()
		if err != nil {
			return nil, err
		}
		if err := in.addTree(strings.TrimSpace(string(root)), out); err != nil {
			return nil, err
		}
	}
	if in.bytes < inputBytesMin {
		return nil, fmt.Errorf("only %d bytes of Go source found", in.bytes)
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	return in, file.Close()
})

// addTree appends the lines of every Go file as "name:line:text", as grep -n prints them: unique and never empty. Lines over
// lineBytesMax are left out.
func (in *input) addTree(root string, out *bufio.Writer) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || in.bytes >= inputBytesMin || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		for number, text := range bytes.Split(content, []byte("\n")) {
			if len(text) > lineBytesMax {
				continue
			}
			line := fmt.Sprintf("%s:%d:%s", name, number+1, bytes.TrimRight(text, "\r"))
			in.index[line] = int32(len(in.index))
			in.bytes += int64(len(line)) + 1
			out.WriteString(line)
			if err := out.WriteByte('\n'); err != nil {
				return err
			}
		}
		return nil
	})
}

// testInput returns the input, made once for the whole run.
func testInput(t *testing.T) *input {
	t.Helper()
	in, err := makeInput()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// collector checks what is read: every line of the input once, and in the input's order within a partition.
type collector struct {
	in   *input
	last map[int32]int32
	seen []bool
	left int
}

func newCollector(in *input) *collector {
	return &collector{in: in, last: map[int32]int32{}, seen: make([]bool, len(in.index)), left: len(in.index)}
}

func (c *collector) add(partition int32, line string) error {
	index, ok := c.in.index[line]
	if !ok {
		return fmt.Errorf("partition %d: a line that was never sent: %q", partition, line)
	}
	if c.seen[index] {
		return fmt.Errorf("partition %d: line %d came twice", partition, index)
	}
	if last, ok := c.last[partition]; ok && index < last {
		return fmt.Errorf("partition %d: line %d after line %d", partition, index, last)
	}
	c.last[partition], c.seen[index] = index, true
	c.left--
	return nil
}
