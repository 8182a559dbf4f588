package config

import "strings"

// Flags turns settings "key=value" into flags "--key=value". A setting in extra
// (what an administrator gave as kube-apiserver-arg and so on) replaces those of
// the same key in base.
func Flags(base, extra []string) []string {
	replaced := map[string]bool{}
	for _, setting := range extra {
		replaced[settingKey(setting)] = true
	}
	var flags []string
	for _, setting := range base {
		if !replaced[settingKey(setting)] {
			flags = append(flags, "--"+setting)
		}
	}
	for _, setting := range extra {
		flags = append(flags, "--"+strings.TrimLeft(setting, "-"))
	}
	return flags
}

func settingKey(setting string) string {
	key, _, _ := strings.Cut(strings.TrimLeft(setting, "-"), "=")
	return key
}
