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
	"syscall"
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
	for _, p := range c.processes {
		if p.running() {
			p.cmd.Process.Kill()
			<-p.ended
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

// process is one node: its folder and address stay, it may be started several times.
type process struct {
	c      *conform
	kind   string // pumps or drainers
	id     string
	addr   string
	dir    string
	args   []string
	stderr string
	cmd    *exec.Cmd
	ended  chan struct{}
}

func (c *conform) node(kind, name string, args ...string) *process {
	p := &process{c: c, kind: kind, addr: freeAddr(), dir: filepath.Join(c.dir, name)}
	p.id = "conform-" + name + ":" + fmt.Sprint(os.Getpid())
	p.args = append([]string{
		"--addr", p.addr, "--advertise-addr", p.addr, "--pd-urls", c.pd,
		"--data-dir", p.dir, "--log-file", p.dir + ".log",
	}, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes = append(c.processes, p)
	return p
}

// newPump has --node-id, and fake binlogs every second to save time.
func (c *conform) newPump(name string) *process {
	p := c.node(registry.Pumps, name, "--fake-binlog-interval", "1")
	p.args = append(p.args, "--node-id", p.id)
	return p
}

func (p *process) binary() string {
	if p.kind == registry.Drainers {
		return p.c.drainer
	}
	return p.c.pump
}

// launch starts the process without waiting for anything.
func (p *process) launch() {
	stderr, err := os.OpenFile(p.dir+".stderr", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0600)
	if err != nil {
		panic(err)
	}
	defer stderr.Close()
	p.cmd = exec.Command(p.binary(), p.args...)
	p.cmd.Stderr = stderr
	if err := p.cmd.Start(); err != nil {
		panic(err)
	}
	p.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		cmd.Wait()
		close(ended)
	}(p.cmd, p.ended)
}

// start launches the process and waits until it answers.
func (p *process) start() bool {
	p.launch()
	return until(p.c.patience, func() bool { return p.get("/status").code == 200 || !p.running() }) && p.running()
}

func (p *process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) signal(sig syscall.Signal) { p.cmd.Process.Signal(sig) }

// exit waits for the end and gives the exit status: -1 for still running, -2 for a signal.
func (p *process) exit(limit time.Duration) int {
	select {
	case <-p.ended:
	case <-time.After(limit):
		return -1
	}
	if code := p.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return -2
}

// stop ends the process gracefully and gives the exit status.
func (p *process) stop(sig syscall.Signal) int {
	p.signal(sig)
	return p.exit(p.c.patience)
}

// raw is the registered value as it is, "" if there is none.
func (p *process) raw() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	reply, err := p.c.client.Get(ctx, registry.Prefix(p.kind)+p.id)
	if err != nil || len(reply.Kvs) == 0 {
		return ""
	}
	return string(reply.Kvs[0].Value)
}

// registered is the value as an object; the zero object if there is none.
func (p *process) registered() registry.Node {
	node, err := p.c.nodes.Node(context.Background(), p.kind, p.id)
	if err != nil || node == nil {
		return registry.Node{}
	}
	return *node
}

func (p *process) state() string { return p.registered().State }

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
