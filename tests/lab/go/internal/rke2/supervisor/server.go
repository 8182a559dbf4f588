package supervisor

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/journal"
)

// Server answers on the supervisor's port. It listens before the API server is
// there; what needs the API then is answered with 503, and those who join wait.
type Server struct {
	Directory string // the server's directory, with tls and cred
	Cluster   ClusterConfig
	Journal   *journal.Journal
	// Ready tells whether everything of this server is up.
	Ready func() error
	// Members are the client URLs of the etcd cluster.
	Members func(ctx context.Context) ([]string, error)
	// RotateToken makes another server token the one that opens the bootstrap data.
	RotateToken func(ctx context.Context, token string) error
	// Encryption answers "status"; RotateKeys begins a rotation.
	Encryption func(ctx context.Context) (EncryptionStatus, error)
	RotateKeys func(ctx context.Context) error

	mu     sync.Mutex
	api    kubernetes.Interface
	tokens map[string]string
}

// SetAPI tells that the API server answers.
func (s *Server) SetAPI(api kubernetes.Interface) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.api = api
}

// SetTokens sets the passwords of the users "server" and "node".
func (s *Server) SetTokens(server, node string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]string{"server": server, "node": node}
}

// errUnavailable is what asks the other side to come again.
var errUnavailable = errors.New("apiserver not ready")

// refusal is an error with the status that tells it.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

// Run serves until the context ends.
func (s *Server) Run(ctx context.Context, listener net.Listener) {
	tree := certs.Tree{Dir: s.Directory + "/tls"}
	server := &http.Server{Handler: s.routes(tree), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug)}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	err := server.ServeTLS(listener, tree.Path(certs.APIServer+".crt"), tree.Path(certs.APIServer+".key"))
	if ctx.Err() == nil {
		slog.Error("supervisor ended", "error", err)
	}
}

func (s *Server) routes(tree certs.Tree) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathPing, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "pong") })
	mux.HandleFunc("GET "+pathCACerts, func(w http.ResponseWriter, _ *http.Request) {
		ca, err := tree.Read("server-ca.crt")
		s.answer(w, []byte(ca), err)
	})
	s.handle(mux, "GET "+pathReady, "node", func(*http.Request) (any, error) {
		if err := s.Ready(); err != nil {
			return nil, refusal{http.StatusInternalServerError, err.Error()}
		}
		return []byte("ok"), nil
	})
	s.handle(mux, "GET "+pathConfig, "node", func(*http.Request) (any, error) { return s.Cluster, nil })
	s.handle(mux, "GET "+pathAPIServers, "node", func(r *http.Request) (any, error) { return s.apiServers(r.Context()) })
	s.handle(mux, "POST "+pathNode, "node", func(r *http.Request) (any, error) { return s.node(r, tree) })
	s.handle(mux, "GET "+pathBootstrap, "server", func(*http.Request) (any, error) { return bootstrap.Read(s.Directory) })
	s.handle(mux, "GET "+pathMembers, "server", func(r *http.Request) (any, error) {
		urls, err := s.Members(r.Context())
		if err != nil {
			return nil, errUnavailable
		}
		return urls, nil
	})
	s.handle(mux, "PUT "+pathToken, "server", s.rotateToken)
	s.handle(mux, "GET "+pathEncryption, "server", func(r *http.Request) (any, error) { return s.Encryption(r.Context()) })
	s.handle(mux, "PUT "+pathEncryption, "server", func(r *http.Request) (any, error) {
		return []byte("ok"), s.RotateKeys(r.Context())
	})
	return mux
}

// handle registers a route for one of the users; "server" may do all that "node" may.
func (s *Server) handle(mux *http.ServeMux, pattern, user string, serve func(*http.Request) (any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		status := http.StatusUnauthorized
		if s.authorized(name, password, user) {
			body, err := serve(r)
			status = s.answer(w, body, err)
		} else {
			http.Error(w, "not authorized", status)
		}
		_, path, _ := strings.Cut(pattern, " ")
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		s.Journal.Write("request", map[string]any{
			"method": r.Method, "path": path, "user": name, "status": status, "from": host, "node_name": r.Header.Get("X-Node-Name"),
		})
	})
}

func (s *Server) authorized(name, password, user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	expected := s.tokens[name]
	if expected == "" || subtle.ConstantTimeCompare([]byte(password), []byte(expected)) != 1 {
		return false
	}
	return name == "server" || name == user
}

// answer writes a body (bytes as they are, anything else as JSON) or an error. It returns the status.
func (s *Server) answer(w http.ResponseWriter, body any, err error) int {
	var refused refusal
	switch {
	case errors.As(err, &refused):
		http.Error(w, refused.message, refused.status)
		return refused.status
	case errors.Is(err, errUnavailable):
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return http.StatusServiceUnavailable
	case err != nil:
		slog.Error("supervisor", "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return http.StatusInternalServerError
	}
	content, isBytes := body.([]byte)
	if !isBytes {
		if content, err = json.Marshal(body); err != nil {
			return s.answer(w, nil, err)
		}
		w.Header().Set("Content-Type", "application/json")
	}
	_, _ = w.Write(content)
	return http.StatusOK
}

func (s *Server) rotateToken(r *http.Request) (any, error) {
	var request TokenRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.NewToken == "" {
		return nil, refusal{http.StatusBadRequest, "newToken: a token is needed"}
	}
	return []byte("ok"), s.RotateToken(r.Context(), request.NewToken)
}
