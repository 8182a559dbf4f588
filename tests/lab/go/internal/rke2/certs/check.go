package certs

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Status is what "rke2 certificate check" tells of one certificate.
type Status struct {
	File     string    `json:"filename"`
	Subject  string    `json:"subject"`
	Usages   []string  `json:"usages"`
	Expires  time.Time `json:"expires"`
	Residual string    `json:"residualTime"`
	Status   string    `json:"status"`
}

// Check reads all certificates below the directories.
func Check(now time.Time, directories ...string) ([]Status, error) {
	var all []Status
	for _, directory := range directories {
		err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
			if os.IsNotExist(err) || err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), "tls-") {
				return fs.SkipDir
			} else if err != nil || filepath.Ext(path) != ".crt" {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			cert, err := parse(content)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, statusOf(path, cert, now))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func statusOf(path string, cert *x509.Certificate, now time.Time) Status {
	left := cert.NotAfter.Sub(now)
	status := Status{
		File: filepath.Base(path), Subject: cert.Subject.String(), Expires: cert.NotAfter.UTC(),
		Residual: fmt.Sprintf("%d days", int(left.Hours()/24)), Status: "OK",
	}
	for usage, name := range map[x509.ExtKeyUsage]string{x509.ExtKeyUsageClientAuth: "ClientAuth", x509.ExtKeyUsageServerAuth: "ServerAuth"} {
		if slices.Contains(cert.ExtKeyUsage, usage) {
			status.Usages = append(status.Usages, name)
		}
	}
	if cert.IsCA {
		status.Usages = append(status.Usages, "CertSign")
	}
	slices.Sort(status.Usages)
	switch {
	case now.After(cert.NotAfter):
		status.Status = "EXPIRED"
	case now.Before(cert.NotBefore):
		status.Status = "NOT YET VALID"
	case left < renewBefore:
		status.Status = "WARNING"
	}
	return status
}

// Print writes the list as a table or as JSON.
func Print(out io.Writer, all []Status, format string) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	case "table", "text":
		table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, "FILENAME\tSUBJECT\tUSAGES\tEXPIRES\tRESIDUAL TIME\tSTATUS")
		fmt.Fprintln(table, "--------\t-------\t------\t-------\t-------------\t------")
		for _, one := range all {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", one.File, one.Subject, strings.Join(one.Usages, ","),
				one.Expires.Format("Jan 02, 2006 15:04 MST"), one.Residual, one.Status)
		}
		return table.Flush()
	}
	return fmt.Errorf("invalid output format %q; allowed: table, text, json", format)
}

// Rotate puts the leaf certificates aside, so that the next start makes new ones. It returns the backup's directory.
func (t Tree) Rotate(services []string, now time.Time) (string, error) {
	backup := fmt.Sprintf("%s-%d", t.Dir, now.Unix())
	for name, service := range leafServices {
		if len(services) > 0 && !slices.Contains(services, service) {
			continue
		}
		for _, file := range []string{name + ".crt", name + ".key"} {
			if !t.Exists(file) {
				continue
			}
			target := filepath.Join(backup, file)
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				return "", err
			}
			if err := os.Rename(t.Path(file), target); err != nil {
				return "", err
			}
		}
	}
	return backup, nil
}

// Services are the names that --service takes.
func Services() []string {
	var names []string
	for _, service := range leafServices {
		if !slices.Contains(names, service) {
			names = append(names, service)
		}
	}
	slices.Sort(names)
	return names
}

var leafServices = map[string]string{
	Admin: "admin", Controller: "controller-manager", Scheduler: "scheduler", APIServer: "api-server",
	KubeletClient: "api-server", AuthProxy: "auth-proxy", Supervisor: "supervisor",
	EtcdClient: "etcd", EtcdServer: "etcd", EtcdPeer: "etcd",
	Kubelet: "kubelet", KubeletServing: "kubelet", KubeProxy: "kube-proxy", NodeController: "rke2-controller",
}
