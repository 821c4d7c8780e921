package proc

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// canTellOwners says whether the connections of one process can be told from another's here.
const canTellOwners = true

// inodeOf finds the socket that has a local port on this machine and is connected, by the kernel's table. Empty when there is none. A
// closed connection that had the port before, to somebody else, stays in the table for a while (TIME_WAIT) with no socket: inode 0.
func inodeOf(port int) string {
	file, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer file.Close()
	suffix := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		// sl local_address rem_address st … uid timeout inode (proc(5))
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], suffix) && fields[3] != "0A" && fields[9] != "0" {
			return fields[9]
		}
	}
	return ""
}

// owns says whether a process has a socket open.
func owns(pid int, inode string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && target == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
