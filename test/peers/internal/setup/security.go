package setup

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Security is the [security] section of either program.
type Security struct {
	CA            string   `toml:"ssl-ca"`
	Cert          string   `toml:"ssl-cert"`
	Key           string   `toml:"ssl-key"`
	CertAllowedCN []string `toml:"cert-allowed-cn"`
}

// TLS makes a configuration for both ends, nil when no CA is given (facts 1.7): no client
// certificate is asked for unless names are listed, and files are read again per handshake.
func (s Security) TLS() (*tls.Config, error) {
	if s.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, fmt.Errorf("could not read ca certificate: %s", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("failed to append ca certs")
	}
	config := &tls.Config{RootCAs: pool, ClientCAs: pool}
	if s.Cert != "" && s.Key != "" {
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
			if err != nil {
				return nil, fmt.Errorf("could not load client key pair: %s", err)
			}
			return &pair, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() }
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	if len(s.CertAllowedCN) > 0 {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.VerifyPeerCertificate = s.checkName
	}
	return config, nil
}

func (s Security) checkName(_ [][]byte, chains [][]*x509.Certificate) error {
	var names []string
	for _, chain := range chains {
		for _, certificate := range chain {
			names = append(names, certificate.Subject.CommonName)
			for _, allowed := range s.CertAllowedCN {
				if strings.TrimSpace(allowed) == certificate.Subject.CommonName {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("client certificate authentication failed: Common Name %v is none of %v", names, s.CertAllowedCN)
}
