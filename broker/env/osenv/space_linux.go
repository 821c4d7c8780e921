package osenv

import "syscall"

// Space implements env.Spacer.
func (disk) Space(dir string) (total, usable int64, err error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, 0, wrap(err)
	}
	return int64(stat.Blocks) * stat.Bsize, int64(stat.Bavail) * stat.Bsize, nil
}
