package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"

	"odradek/broker/controller/decide"
	"odradek/broker/env"
	"odradek/broker/metadata"
)

// ErrWrongDisk says that a node was started on a disk that is another node's, another cluster's, or not whole.
var ErrWrongDisk = errors.New("controller: this data directory does not belong here")

const (
	metaPropertiesName = "meta.properties"
	brokerStateName    = "broker.state"
	identityBytesMax   = 1 << 20
)

// identity is what makes a disk this node's: meta.properties, in Kafka's format (KIP-866) but that a directory id is written in its long form. It is made when the disk is first
// used; a node whose disk is lost gets another directory id, and is then no longer taken for its old self.
type identity struct {
	disk        env.Disk
	name        string
	nodeID      int32
	directoryID metadata.UUID

	mu        sync.Mutex
	clusterID string // empty until the node has heard of its cluster
}

// openIdentity reads the identity, or makes one on an empty disk. Errors: ErrWrongDisk and the disk's.
func openIdentity(disk env.Disk, dir string, nodeID int32, clusterID string) (*identity, error) {
	id := &identity{disk: disk, name: path.Join(dir, metaPropertiesName), nodeID: nodeID}
	content, err := env.ReadFile(disk, id.name, identityBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		id.directoryID = uuid.New()
		return id, id.save()
	}
	if err != nil {
		return nil, err
	}
	if err := id.parse(string(content)); err != nil {
		return nil, err
	}
	if id.nodeID != nodeID {
		return nil, fmt.Errorf("%w: %s is of node %d, this is node %d", ErrWrongDisk, id.name, id.nodeID, nodeID)
	}
	if clusterID != "" && id.clusterID != "" && clusterID != id.clusterID {
		return nil, fmt.Errorf("%w: %s is of cluster %s, not %s", ErrWrongDisk, id.name, id.clusterID, clusterID)
	}
	return id, nil
}

// DataDir is a data directory of the node, beside that of the quorum or the same.
type DataDir struct {
	Path string
	ID   metadata.UUID // drawn when it was first used
	// Err says why the directory can't be used: its disk failed.
	Err      error
	identity *identity
}

// OpenDataDir reads or makes the identity of a data directory (meta.properties). What goes wrong is told in it: ErrWrongDisk, for a
// directory that is another node's, and the disk's errors.
func OpenDataDir(disk env.Disk, nodeID int32, path string) DataDir {
	d := DataDir{Path: path}
	if d.Err = makeDirDurably(disk, path); d.Err == nil {
		d.identity, d.Err = openIdentity(disk, path, nodeID, "")
	}
	if d.Err == nil {
		d.ID = d.identity.directoryID
	}
	return d
}

func (id *identity) parse(content string) error {
	properties := map[string]string{}
	for line := range strings.SplitSeq(content, "\n") {
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			properties[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	if properties["version"] != "1" {
		return fmt.Errorf("%w: %s has version %q, known is 1", ErrWrongDisk, id.name, properties["version"])
	}
	node, err := strconv.ParseInt(properties["node.id"], 10, 32)
	if err != nil {
		return fmt.Errorf("%w: %s: node.id %q", ErrWrongDisk, id.name, properties["node.id"])
	}
	directory, err := uuid.Parse(properties["directory.id"])
	if err != nil {
		return fmt.Errorf("%w: %s: directory.id %q", ErrWrongDisk, id.name, properties["directory.id"])
	}
	id.nodeID, id.clusterID, id.directoryID = int32(node), properties["cluster.id"], directory
	return nil
}

func (id *identity) save() error {
	text := fmt.Sprintf("version=1\nnode.id=%d\ndirectory.id=%s\n", id.nodeID, id.directoryID)
	if id.clusterID != "" {
		text += "cluster.id=" + id.clusterID + "\n"
	}
	return env.WriteFileAtomic(id.disk, id.name, []byte(text))
}

// join notes the cluster this disk belongs to from now on. Errors: ErrWrongDisk when it belongs to another, and the disk's.
func (id *identity) join(clusterID string) error {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.clusterID == clusterID {
		return nil
	}
	if id.clusterID != "" {
		return fmt.Errorf("%w: %s is of cluster %s, the quorum is %s", ErrWrongDisk, id.name, id.clusterID, clusterID)
	}
	id.clusterID = clusterID
	return id.save()
}

// cluster is the id of the cluster that the disk belongs to, empty when that is not known yet.
func (id *identity) cluster() string {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.clusterID
}

// makeDirDurably makes a directory and those above it that are missing, so that a power failure does not take them back.
func makeDirDurably(disk env.Disk, dir string) error {
	var parents []string
	for at := dir; ; at = path.Dir(at) {
		if _, err := disk.Stat(at); err == nil || at == path.Dir(at) {
			break
		}
		parents = append(parents, path.Dir(at))
	}
	if err := disk.MkdirAll(dir); err != nil {
		return err
	}
	// The directory itself may be from a process that died before it made the name durable.
	parents = append(parents, path.Dir(dir))
	for _, parent := range parents {
		if err := disk.SyncDir(parent); err != nil {
			return err
		}
	}
	return nil
}

// brokerState is what a process leaves to the next one on the same disk, so that the controller can be told whether the logs
// still hold all they held: broker.state, as JSON.
type brokerState struct {
	disk env.Disk
	name string

	Version int `json:"version"` // 1
	// BrokerEpoch is the last one that this disk's processes know they got; -1 for none.
	BrokerEpoch int64 `json:"broker_epoch"`
	// Incarnations are the processes since then, oldest first: any of them may have been registered without learning of it.
	Incarnations []metadata.UUID `json:"incarnations"`
	// BootID is the machine's, when this was written.
	BootID string `json:"boot_id"`
	// Clean says that the last process closed its logs.
	Clean bool `json:"clean"`
	// Directories are those that the node's replicas were in.
	Directories []metadata.UUID `json:"directories"`

	// intact says that the logs in the directories at hold should hold all they held, as the controller is told by this process or by
	// one to come.
	intact bool
	// lacking says that a directory of before is missing. What this process registers is all the controller knows of it then; until it
	// has, the next one that has the directory again may claim what the last one could.
	lacking   bool
	wasClean  bool            // that the one before closed its logs
	own       metadata.UUID   // this process
	available []metadata.UUID // the directories at hand
}

// openBrokerState reads what the last process left and writes what this one would leave if it died now. When the logs may have
// lost something since, the epoch and the incarnations are forgotten.
func openBrokerState(disk env.Disk, dir string, incarnation metadata.UUID, directories []metadata.UUID) (*brokerState, error) {
	s := &brokerState{}
	name := path.Join(dir, brokerStateName)
	content, err := env.ReadFile(disk, name, identityBytesMax)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	bootID := disk.BootID()
	readable := err == nil && json.Unmarshal(content, s) == nil && s.Version == 1
	if !readable || !s.Clean && (bootID == "" || bootID != s.BootID) {
		*s = brokerState{BrokerEpoch: -1, Directories: s.Directories}
	}
	s.intact = s.BrokerEpoch >= 0 || len(s.Incarnations) > 0
	s.disk, s.name, s.own, s.available = disk, name, incarnation, directories
	s.lacking = slices.ContainsFunc(s.Directories, func(id metadata.UUID) bool { return !slices.Contains(directories, id) })
	for _, id := range directories {
		if !slices.Contains(s.Directories, id) {
			s.Directories = append(s.Directories, id)
		}
	}
	s.wasClean = s.Clean
	s.Version, s.Clean, s.BootID = 1, false, bootID
	s.Incarnations = append(s.Incarnations, incarnation)
	if extra := len(s.Incarnations) - decide.MaxPreviousIncarnations; extra > 0 {
		s.Incarnations = s.Incarnations[extra:]
	}
	return s, s.save()
}

func (s *brokerState) save() error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return env.WriteFileAtomic(s.disk, s.name, content)
}

// claims are the registrations since which the logs have lost nothing: of the epoch, -1 for none, and of the incarnations.
func (s *brokerState) claims() (epoch int64, incarnations []metadata.UUID) {
	if s.lacking {
		return -1, []metadata.UUID{s.own}
	}
	return s.BrokerEpoch, s.Incarnations
}

// registered notes the epoch this process got. The controller knows now which directories there are.
func (s *brokerState) registered(epoch int64) error {
	s.BrokerEpoch, s.Incarnations = epoch, []metadata.UUID{s.own}
	s.Directories, s.lacking = s.available, false
	return s.save()
}

// stoppedCleanly notes that the logs were closed. Those of a directory that is missing are as they were.
func (s *brokerState) stoppedCleanly() error {
	s.Clean = !s.lacking || s.wasClean
	return s.save()
}
