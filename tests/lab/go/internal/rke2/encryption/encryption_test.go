package encryption

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestKeysRotate(t *testing.T) {
	for kind, name := range map[string]string{"aescbc": "AES-CBC", "secretbox": "XSalsa20-POLY1305"} {
		path := filepath.Join(t.TempDir(), "config.json")
		made, err := New(kind)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.AddKey(time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		if err := made.Write(path); err != nil {
			t.Fatal(err)
		}
		read, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{kind + "key-1970-01-01T00:00:00Z", kind + "key"}; !slices.Equal(read.Keys(), want) || read.Type() != name {
			t.Errorf("%s: keys %v of type %s", kind, read.Keys(), read.Type())
		}
		read.DropOldKeys()
		if len(read.Keys()) != 1 {
			t.Errorf("keys %v", read.Keys())
		}
	}
}
