package web

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
)

// Serve answers on a listener until it is closed; over TLS if security is given.
func Serve(listener net.Listener, security *tls.Config, pages http.Handler) {
	if security != nil {
		listener = hidden{tls.NewListener(listener, security)}
	}
	server := http.Server{Handler: pages, ErrorLog: log.New(io.Discard, "", 0)}
	server.Serve(listener)
}

// hidden keeps net/http from seeing TLS: it would tell a client that speaks plain HTTP so, but
// the real programs, whose connections pass through a splitter first, close without a word.
type hidden struct{ net.Listener }

func (h hidden) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	return struct{ net.Conn }{conn}, err
}
