package supervisor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
)

// Client asks a supervisor whose certificate authority it has checked.
type Client struct {
	base  string
	token certs.Token
	node  string
	http  *http.Client
	CA    string
}

// StatusError is an answer other than 200.
type StatusError struct {
	URL     string
	Status  int
	Message string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.URL, e.Status, http.StatusText(e.Status), e.Message)
}

// Refused tells whether a supervisor said no, which waiting does not change.
func Refused(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status < http.StatusInternalServerError
}

// Dial fetches the authority of a supervisor and compares it with the hash in the token, if there is one.
func Dial(ctx context.Context, base string, token certs.Token, node string) (*Client, error) {
	if parsed, err := url.Parse(base); err != nil || parsed.Scheme != "https" || parsed.Host == "" {
		return nil, fmt.Errorf("invalid server url %q: https://HOST:%s is needed", base, Port)
	}
	c := &Client{base: strings.TrimRight(base, "/"), token: token, node: node}
	// The token's hash is the proof, when it has one; RKE2 trusts the first answer too when it has none.
	c.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, //nolint:gosec // see above
	}}
	ca, err := c.do(ctx, http.MethodGet, pathCACerts, nil)
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if err := token.CheckCA(ca); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s%s: no certificate", base, pathCACerts)
	}
	c.CA = string(ca)
	c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	return c, nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.CA != "" {
		request.SetBasicAuth(c.token.User, c.token.Password)
		request.Header.Set("X-Node-Name", c.node)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, &StatusError{URL: c.base + path, Status: response.StatusCode, Message: strings.TrimSpace(string(content))}
	}
	return content, nil
}

func (c *Client) get(ctx context.Context, path string, target any) error {
	content, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, target)
}

// Cluster asks for the cluster's configuration.
func (c *Client) Cluster(ctx context.Context) (ClusterConfig, error) {
	var cluster ClusterConfig
	return cluster, c.get(ctx, pathConfig, &cluster)
}

// APIServers asks for the addresses of all API servers.
func (c *Client) APIServers(ctx context.Context) ([]string, error) {
	var all []string
	return all, c.get(ctx, pathAPIServers, &all)
}

// Members asks for the client URLs of the etcd cluster.
func (c *Client) Members(ctx context.Context) ([]string, error) {
	var all []string
	return all, c.get(ctx, pathMembers, &all)
}

// Bootstrap asks for what servers share.
func (c *Client) Bootstrap(ctx context.Context) (bootstrap.Files, error) {
	files := bootstrap.Files{}
	return files, c.get(ctx, pathBootstrap, &files)
}

// Node asks for a node's certificates.
func (c *Client) Node(ctx context.Context, request NodeRequest) (certs.Node, error) {
	var node certs.Node
	body, err := json.Marshal(request)
	if err != nil {
		return node, err
	}
	content, err := c.do(ctx, http.MethodPost, pathNode, body)
	if err != nil {
		return node, err
	}
	return node, json.Unmarshal(content, &node)
}

// RotateToken asks for another server token.
func (c *Client) RotateToken(ctx context.Context, token string) error {
	body, err := json.Marshal(TokenRequest{NewToken: token})
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPut, pathToken, body)
	return err
}

// Encryption asks for the state of the encryption of secrets.
func (c *Client) Encryption(ctx context.Context) (EncryptionStatus, error) {
	var status EncryptionStatus
	return status, c.get(ctx, pathEncryption, &status)
}

// RotateKeys asks for another key for secrets.
func (c *Client) RotateKeys(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodPut, pathEncryption, nil)
	return err
}
