// Package journal writes what the stand-in was asked and did, one JSON object
// per line, so that a test can read the sequence over all hosts.
package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"time"
)

// File is where the journal of a host is.
const File = "/var/log/lab-rke2.jsonl"

// Journal is a host's journal. Its zero value writes nothing.
type Journal struct {
	file string
	base map[string]any
}

// Open returns a journal whose every line has the fields in base.
func Open(file string, base map[string]any) *Journal { return &Journal{file: file, base: base} }

// Write appends one event. Fields must not hold secrets.
func (j *Journal) Write(event string, fields map[string]any) {
	if j == nil || j.file == "" {
		return
	}
	line := map[string]any{"time": time.Now().UTC().Format(time.RFC3339Nano), "event": event, "pid": os.Getpid()}
	maps.Copy(line, j.base)
	maps.Copy(line, fields)
	content, err := json.Marshal(line)
	if err != nil {
		fmt.Fprintln(os.Stderr, "journal:", err)
		return
	}
	// One write per line: several processes append to the same file.
	file, err := os.OpenFile(j.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, "journal:", err)
		return
	}
	defer file.Close()
	if _, err := file.Write(append(content, '\n')); err != nil {
		fmt.Fprintln(os.Stderr, "journal:", err)
	}
}
