package snapshot

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	etcdsnapshot "go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// Find returns the path of a snapshot that is given by path or by name.
func (s Store) Find(given string) (string, error) {
	for _, path := range []string{given, filepath.Join(s.Directory, given)} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("etcd: snapshot path does not exist: %s", given)
}

// Restore makes the data directory of a member of a new cluster from a snapshot; it checks the snapshot's hash.
func Restore(path, directory, name, peerURL string) error {
	if strings.HasSuffix(path, ".zip") {
		plain := directory + ".unpacked"
		defer os.Remove(plain)
		if err := unpack(path, plain); err != nil {
			return err
		}
		path = plain
	}
	return etcdsnapshot.NewV3(zap.NewNop()).Restore(etcdsnapshot.RestoreConfig{
		SnapshotPath: path, Name: name, OutputDataDir: directory,
		PeerURLs: []string{peerURL}, InitialCluster: name + "=" + peerURL, InitialClusterToken: "etcd-cluster",
	})
}

func unpack(path, target string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	if len(archive.File) != 1 {
		return fmt.Errorf("%s: one file is expected in a compressed snapshot, not %d", path, len(archive.File))
	}
	reader, err := archive.File[0].Open()
	if err != nil {
		return err
	}
	defer reader.Close()
	file, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, reader) //nolint:gosec // our own snapshot
	return err
}
