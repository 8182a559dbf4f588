// Package config reads the configuration of the RKE2 stand-in as RKE2 does:
// config.yaml, then config.yaml.d in alphabetical order, then the environment,
// then the command line; the last one wins, and "key+" appends.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Roles of a node.
const (
	Server = "server"
	Agent  = "agent"
)

// Config is the merged configuration of one node.
type Config struct {
	Role string
	// given are the values by key; keys that have none take their default.
	given map[string][]string
}

// Load reads the files, the environment and the arguments "--key=value" or "--key value".
// The error names every mistake.
func Load(role string, arguments []string, environment func(string) string) (*Config, error) {
	flags, err := parseArguments(arguments)
	if err != nil {
		return nil, err
	}
	c := &Config{Role: role, given: map[string][]string{}}
	file := environment(keys["config"].env)
	if last := flags["config"]; len(last) > 0 {
		file = last[len(last)-1]
	}
	if file == "" {
		file = keys["config"].value
	}
	if err := c.readFiles(file); err != nil {
		return nil, err
	}
	for name, known := range keys {
		if value := environment(known.env); known.env != "" && value != "" {
			c.given[name] = []string{value}
		}
	}
	for name, values := range flags {
		c.given[name] = values
	}
	return c, c.check()
}

// readFiles merges config.yaml and what is in config.yaml.d beside it; none has to exist.
func (c *Config) readFiles(file string) error {
	files, err := filepath.Glob(filepath.Join(file+".d", "*.yaml"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	for _, path := range append([]string{file}, files...) {
		content, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		} else if err != nil {
			return err
		}
		values := map[string]any{}
		if err := yaml.UnmarshalStrict(content, &values); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for name, value := range values {
			c.merge(name, texts(value))
		}
	}
	return nil
}

// merge sets a key, or appends to it when its name ends with a plus sign.
func (c *Config) merge(name string, values []string) {
	if base, appends := strings.CutSuffix(name, "+"); appends {
		c.given[base] = append(slices.Clone(c.given[base]), values...)
		return
	}
	c.given[name] = values
}

// texts turns a value of YAML into the words of a command line.
func texts(value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	default:
		return []string{fmt.Sprint(v)}
	}
}

// parseArguments reads flags; a repeated flag is a list.
func parseArguments(arguments []string) (map[string][]string, error) {
	flags := map[string][]string{}
	for index := 0; index < len(arguments); index++ {
		argument := arguments[index]
		name, value, hasValue := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		if name == "c" {
			name = "config"
		}
		known, ok := keys[name]
		if !ok || !strings.HasPrefix(argument, "-") {
			return nil, fmt.Errorf("flag provided but not defined: %s", argument)
		}
		if !hasValue && known.kind == Bool {
			value, hasValue = "true", true
		}
		if !hasValue {
			index++
			if index == len(arguments) {
				return nil, fmt.Errorf("flag needs an argument: %s", argument)
			}
			value = arguments[index]
		}
		if known.kind != List {
			flags[name] = nil // the last one counts
		}
		flags[name] = append(flags[name], value)
	}
	return flags, nil
}

// check reports all mistakes that can be seen without the machine.
func (c *Config) check() error {
	var mistakes []string
	for _, name := range sortedKeys(c.given) {
		known, ok := keys[name]
		switch {
		case !ok || c.Role == Agent && !known.agent:
			mistakes = append(mistakes, "flag provided but not defined: -"+name)
		case known.kind != List && len(c.given[name]) > 1:
			mistakes = append(mistakes, fmt.Sprintf("%s: one value is allowed, not %d", name, len(c.given[name])))
		default:
			for _, value := range c.given[name] {
				if problem := wrong(name, known.kind, value); problem != "" {
					mistakes = append(mistakes, problem)
				}
			}
		}
	}
	if c.Role == Agent && c.Text("server") == "" {
		mistakes = append(mistakes, "--server is required")
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("%s", strings.Join(mistakes, "; "))
	}
	return nil
}

// wrong says what is not right with a value, or nothing.
func wrong(name string, kind Kind, value string) string {
	var err error
	switch kind {
	case Bool:
		_, err = strconv.ParseBool(value)
	case Number:
		_, err = strconv.Atoi(value)
	case Duration:
		_, err = time.ParseDuration(value)
	case Text, List:
	}
	if err != nil {
		return fmt.Sprintf("invalid value %q for flag -%s: %v", value, name, err)
	}
	if name == "write-kubeconfig-mode" {
		if _, err := strconv.ParseUint(value, 8, 32); err != nil {
			return fmt.Sprintf("invalid value %q for flag -%s: not an octal mode (quote it in YAML)", value, name)
		}
	}
	if allowed, limited := choices[name]; limited && !slices.Contains(allowed, value) {
		return fmt.Sprintf("invalid value %q provided for --%s flag; allowed: %s", value, name, strings.Join(allowed, ", "))
	}
	return ""
}

// Text returns the value of a key. A list's last item is returned for a list.
func (c *Config) Text(name string) string {
	if values := c.List(name); len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// List returns the values of a key; a single value may have several, separated by commas.
func (c *Config) List(name string) []string {
	known, ok := keys[name]
	if !ok {
		panic("no such key: " + name)
	}
	values, given := c.given[name]
	if !given && known.value != "" {
		values = []string{known.value}
	}
	return values
}

// Items is List with values that hold commas split.
func (c *Config) Items(name string) []string {
	var items []string
	for _, value := range c.List(name) {
		items = append(items, strings.Split(value, ",")...)
	}
	return items
}

// Bool returns a key that is true or false.
func (c *Config) Bool(name string) bool {
	value, _ := strconv.ParseBool(c.Text(name))
	return value
}

// Number returns a key that is a whole number.
func (c *Config) Number(name string) int {
	value, _ := strconv.Atoi(c.Text(name))
	return value
}

// Given tells the keys that somebody set, for the journal.
func (c *Config) Given() []string { return sortedKeys(c.given) }

func sortedKeys[V any](all map[string]V) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
