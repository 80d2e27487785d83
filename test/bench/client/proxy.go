package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// exchange is one request of a driver to the API server, as the proxy between them sees it.
type exchange struct {
	method, path string
	watch        bool
	status       int
	begin, end   time.Time // end: the answer was handed to the connection
}

// isClaimRead tells whether it is the read that each Prepare needs, and of which claim.
func (e exchange) isClaimRead() (name string, is bool) {
	if e.method != http.MethodGet || e.watch {
		return "", false
	}
	_, name, is = strings.Cut(e.path, "/resourceclaims/")
	return name, is && !strings.Contains(name, "/")
}

// isSliceWrite tells whether it published something.
func (e exchange) isSliceWrite() bool {
	return strings.Contains(e.path, "/resourceslices") && e.method != http.MethodGet && e.status/100 == 2
}

// isOfPrepare leaves out what is not part of preparing a claim: watches, Events, and the status of claims.
func (e exchange) isOfPrepare() bool {
	return !e.watch && !strings.HasSuffix(e.path, "/status") && !strings.Contains(e.path, "/events")
}

// proxy stands between a driver and the API server: speaks TLS and HTTP/2 with both, and writes down every exchange.
type proxy struct {
	address string
	server  *http.Server

	mutex     sync.Mutex
	idle      sync.Cond
	underWay  int // without watches, which never end
	exchanges []exchange
}

// startProxy forwards to `server`. It serves with the API server's own certificate.
func startProxy(server, caFile, certificateFile, keyFile string) (*proxy, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	roots, err := loadRoots(caFile)
	if err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(request *httputil.ProxyRequest) { request.SetURL(target) },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
		FlushInterval: -1, // watches
	}
	p := &proxy{address: fmt.Sprintf("https://%s", listener.Addr())}
	p.idle.L = &p.mutex
	p.server = &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(forward, w, r) }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	go p.server.ServeTLS(listener, "", "")
	return p, nil
}

func (p *proxy) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if p.server.Shutdown(ctx) != nil {
		p.server.Close()
	}
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the forwarding code flush.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (p *proxy) serve(forward http.Handler, w http.ResponseWriter, r *http.Request) {
	one := exchange{method: r.Method, path: r.URL.Path, watch: r.URL.Query().Get("watch") != "", begin: time.Now()}
	if !one.watch {
		p.mutex.Lock()
		p.underWay++
		p.mutex.Unlock()
	}
	recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	defer func() { // also when a driver goes away in the middle, which panics
		one.status, one.end = recorder.status, time.Now()
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.exchanges = append(p.exchanges, one)
		if !one.watch {
			p.underWay--
			p.idle.Broadcast()
		}
	}()
	forward.ServeHTTP(recorder, r)
}

// take returns what was written down since the last call, after the requests under way.
func (p *proxy) take() []exchange {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for p.underWay > 0 {
		p.idle.Wait()
	}
	taken := p.exchanges
	p.exchanges = nil
	return taken
}
