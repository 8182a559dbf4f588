// Package snapshot saves, lists, deletes and restores snapshots of etcd.
package snapshot

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// OnDemand begins the names of snapshots that somebody asked for.
const OnDemand = "on-demand"

// File is one snapshot in a node's directory.
type File struct {
	Name    string
	Path    string
	Size    int64
	Created time.Time
}

// Store is the directory of a node with its snapshots.
type Store struct {
	Directory, Node string
}

// Save writes a snapshot "<prefix>-<node>-<seconds>"; compressed ones are zip archives, as RKE2's.
func (s Store) Save(ctx context.Context, client *clientv3.Client, prefix string, compress bool, now time.Time) (File, error) {
	if err := os.MkdirAll(s.Directory, 0o700); err != nil {
		return File{}, err
	}
	name := fmt.Sprintf("%s-%s-%d", prefix, s.Node, now.Unix())
	path := filepath.Join(s.Directory, name)
	part := path + ".part"
	defer os.Remove(part)
	if err := fetch(ctx, client, part); err != nil {
		return File{}, fmt.Errorf("snapshot %s: %w", name, err)
	}
	if compress {
		name, path = name+".zip", path+".zip"
		if err := pack(part, path, strings.TrimSuffix(name, ".zip")); err != nil {
			return File{}, err
		}
	} else if err := os.Rename(part, path); err != nil {
		return File{}, err
	}
	return s.stat(name)
}

func fetch(ctx context.Context, client *clientv3.Client, path string) error {
	reader, err := client.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, reader); err != nil {
		return err
	}
	return file.Sync()
}

func pack(source, target, name string) error {
	file, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	writer, err := archive.Create(name)
	if err != nil {
		return err
	}
	input, err := os.Open(source)
	if err != nil {
		return err
	}
	defer input.Close()
	if _, err := io.Copy(writer, input); err != nil {
		return err
	}
	return archive.Close()
}

func (s Store) stat(name string) (File, error) {
	path := filepath.Join(s.Directory, name)
	info, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	return File{Name: name, Path: path, Size: info.Size(), Created: info.ModTime()}, nil
}

// List returns the snapshots of this node, the oldest first.
func (s Store) List() ([]File, error) {
	entries, err := os.ReadDir(s.Directory)
	if os.IsNotExist(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var files []File
	for _, entry := range entries {
		if entry.IsDir() || strings.HasSuffix(entry.Name(), ".part") {
			continue
		}
		file, err := s.stat(entry.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	sort.Slice(files, func(i, j int) bool {
		if !files[i].Created.Equal(files[j].Created) {
			return files[i].Created.Before(files[j].Created)
		}
		return files[i].Name < files[j].Name
	})
	return files, nil
}

// Delete removes snapshots by name; a name that is not there is an error, and the others are removed all the same.
func (s Store) Delete(names ...string) error {
	var problems []error
	for _, name := range names {
		if filepath.Base(name) != name {
			problems = append(problems, fmt.Errorf("%q is not the name of a snapshot", name))
		} else if err := os.Remove(filepath.Join(s.Directory, name)); err != nil {
			problems = append(problems, fmt.Errorf("snapshot %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

// Prune keeps the newest snapshots of this node whose names begin with a prefix. It returns the names of those removed.
func (s Store) Prune(prefix string, keep int) ([]string, error) {
	files, err := s.List()
	if err != nil {
		return nil, err
	}
	var matching []string
	for _, file := range files {
		if strings.HasPrefix(file.Name, prefix+"-"+s.Node+"-") {
			matching = append(matching, file.Name)
		}
	}
	if len(matching) <= keep {
		return nil, nil
	}
	gone := matching[:len(matching)-keep]
	return gone, s.Delete(gone...)
}
