package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/era"
	"peers/internal/registry"
)

// conform is the run: binaries, PD, results.
type conform struct {
	pump, drainer          string
	pd, pdStop, pdStart    string
	claimed                string
	patience               time.Duration
	pumpEra, drainerEra    era.Version
	pumpBuild, drainerInfo string

	dir    string
	etcd   *exec.Cmd
	client *clientv3.Client
	nodes  registry.Registry

	mu           sync.Mutex
	held, failed int
	processes    []*process
	children     []process // each launch; a node may have several when a stop did not work
}

// expect reports one expectation; cite is where the facts state it.
func (c *conform) expect(cite, what string, ok bool, got interface{}) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok {
		c.held++
		fmt.Printf("ok    %s: %s\n", cite, what)
		return true
	}
	c.failed++
	text := strings.TrimSpace(fmt.Sprint(got))
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	fmt.Printf("FAIL  %s: %s\n      got: %s\n", cite, what, text)
	return false
}

// together runs scenarios side by side.
func (c *conform) together(scenarios ...func()) {
	var all sync.WaitGroup
	for _, scenario := range scenarios {
		all.Add(1)
		go func(scenario func()) {
			defer all.Done()
			scenario()
		}(scenario)
	}
	all.Wait()
}

// until polls a condition; false when the limit has passed.
func until(limit time.Duration, condition func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(30 * time.Millisecond) {
		if condition() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

func (c *conform) ownPD() bool { return c.etcd != nil }

func (c *conform) prepare() error {
	var err error
	if c.dir, err = os.MkdirTemp("", "peers-conform-"); err != nil {
		return err
	}
	if c.pd == "" {
		c.pd = "http://" + freeAddr()
		if err := c.startEtcd(); err != nil {
			return err
		}
	}
	if c.client, err = registry.Dial(c.pd, nil); err != nil {
		return err
	}
	c.nodes = registry.Registry{KV: c.client}
	if !until(c.patience, func() bool { return c.pdAnswers() }) {
		return errors.New(c.pd + " does not answer")
	}
	if c.pumpEra, c.pumpBuild, err = c.version(c.pump); err != nil {
		return err
	}
	if c.drainer != "" {
		c.drainerEra, c.drainerInfo, err = c.version(c.drainer)
	}
	return err
}

func (c *conform) pdAnswers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := c.client.Get(ctx, "/pd")
	return err == nil
}

func (c *conform) startEtcd() error {
	peer := "http://" + freeAddr()
	if c.etcd != nil {
		peer = argument(c.etcd.Args, "--listen-peer-urls")
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "etcd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0600)
	if err != nil {
		return err
	}
	defer log.Close()
	c.etcd = exec.Command("etcd", "--data-dir", filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", c.pd, "--advertise-client-urls", c.pd,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	c.etcd.Stdout, c.etcd.Stderr = log, log
	return c.etcd.Start()
}

func argument(args []string, name string) string {
	for i := range args {
		if args[i] == name {
			return args[i+1]
		}
	}
	return ""
}

func (c *conform) stopPD() error {
	if c.pdStop != "" {
		return shell(c.pdStop)
	}
	c.etcd.Process.Kill()
	c.etcd.Wait()
	return nil
}

func (c *conform) startPD() error {
	if c.pdStop != "" {
		return shell(c.pdStart)
	}
	return c.startEtcd()
}

var releaseLine = regexp.MustCompile(`Release Version: (\S+)`)

// version asks a binary for its release; a text that is none means the latest era.
func (c *conform) version(binary string) (era.Version, string, error) {
	out, err := exec.Command(binary, "-V").CombinedOutput()
	if err != nil {
		return era.Latest, "", fmt.Errorf("%s -V: %w", binary, err)
	}
	text := c.claimed
	if match := releaseLine.FindSubmatch(out); text == "" && match != nil {
		text = strings.TrimSuffix(string(match[1]), "\x1b[0m")
	}
	version, err := era.Parse(text)
	if err != nil {
		return era.Latest, text, nil
	}
	return version, text, nil
}

// cleanUp ends what was started here, and removes what was registered here.
func (c *conform) cleanUp(keep bool) {
	for _, child := range c.children {
		if child.running() {
			child.cmd.Process.Kill()
			<-child.ended
		}
	}
	if c.etcd != nil && c.etcd.Process != nil {
		c.etcd.Process.Kill()
		c.etcd.Wait()
	} else if c.client != nil {
		c.forget()
	}
	if keep {
		fmt.Println("kept " + c.dir)
		return
	}
	os.RemoveAll(c.dir)
}

// forget removes the registered values of nodes that are not running.
func (c *conform) forget() {
	for _, p := range c.processes {
		if !p.running() {
			c.delete(registry.Prefix(p.kind) + p.id)
		}
	}
}

func freeAddr() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// put writes a value of somebody else's.
func (c *conform) put(key, value string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.client.Put(ctx, key, value)
}

func (c *conform) delete(key string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.client.Delete(ctx, key)
}
