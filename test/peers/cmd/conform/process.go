package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"peers/internal/registry"
)

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
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.c.children = append(p.c.children, *p)
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
