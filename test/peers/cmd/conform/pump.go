package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"peers/internal/registry"
)

const second = int64(1000) << 18 // of TSO time

var (
	nodeShape   = regexp.MustCompile(`^\{"nodeId":"[^"]+","host":"[^"]+","state":"\w+","isAlive":false,"score":0,"label":null,"maxCommitTS":\d+,"updateTS":\d+\}$`)
	statusShape = regexp.MustCompile(`^\{"status":\{.*\},"CommitTS":\d+,"Checkpoint":\{\},"ErrMsg":""\}\n$`)
)

// emptyStatus is /status when PD can't be asked.
func emptyStatus(message string) string {
	return `{"status":null,"CommitTS":0,"Checkpoint":{},"ErrMsg":"` + message + `"}` + "\n"
}

// begin starts a node, which every scenario depends on.
func (p *process) begin() bool {
	return p.start() || p.c.expect("facts 1.4", p.kind+": starts and answers /status", false, p.logs())
}

func (p *process) logs() string {
	stderr, _ := os.ReadFile(p.dir + ".stderr")
	log, _ := os.ReadFile(p.dir + ".log")
	return string(stderr) + string(log)
}

// pumpLife is a pump without --node-id: registration, pages, refusals, SIGTERM, restart.
func (c *conform) pumpLife() {
	p := c.node(registry.Pumps, "life", "--fake-binlog-interval", "1")
	host, _ := os.Hostname()
	p.id = host + ":" + p.addr[strings.LastIndex(p.addr, ":")+1:]
	if !p.begin() {
		return
	}
	c.expect("facts 1.4", "the first HTTP answer implies that it is registered online", p.state() == registry.Online, p.raw())
	file := filepath.Join(p.dir, ".node")
	info, err := os.Stat(file)
	text, _ := os.ReadFile(file)
	c.expect("facts 1.3", "without --node-id, hostname:port goes into .node, mode 0600",
		err == nil && info.Mode() == 0600 && string(text) == p.id, fmt.Sprint(info, string(text)))
	c.pumpPages(p)
	c.pumpHeartbeat(p)
	c.pumpRefusals(p)
	c.pumpSecondProcess(p)

	before := p.get("/status").pumpStatus().CommitTS
	code := p.stop(syscall.SIGTERM)
	c.expect("facts 1.2", "SIGTERM -> paused, exit 0", code == 0 && p.state() == registry.Paused, fmt.Sprint(code, p.raw()))
	c.expect("facts 1.5", "the port is closed after the stop", !p.portOpen(), "open")
	stderr, _ := os.ReadFile(p.dir + ".stderr")
	c.expect("facts 1.6", "stderr stays empty", len(stderr) == 0, string(stderr))
	if !p.begin() {
		return
	}
	node := p.registered()
	c.expect("facts 1.3", "a restart keeps the id of .node", node.NodeID == p.id, p.raw())
	c.expect("facts 1.4", "after a restart: online, updateTS behind a TSO taken before it",
		node.State == registry.Online && node.UpdateTS > before, p.raw())
	p.stop(syscall.SIGTERM)
}

func (c *conform) pumpPages(p *process) {
	page := p.get("/status")
	status := page.pumpStatus()
	own := status.Status[p.id]
	c.expect("facts 1.1", "/status: compact JSON and newline, keys in order, ErrMsg empty", statusShape.MatchString(page.body), page.body)
	c.expect("facts 1.1", "/status: Content-Type sniffed as text/plain", page.kind == "text/plain; charset=utf-8", page.kind)
	c.expect("facts 1.1", "/status: own entry has the advertised host, online, isAlive false",
		own.Host == p.addr && own.State == registry.Online && !own.IsAlive, page.body)
	c.expect("facts 1.1", "/status: CommitTS is a fresh TSO", status.CommitTS > own.UpdateTS &&
		p.get("/status").pumpStatus().CommitTS > status.CommitTS, page.body)
	c.expect("facts 1.1", "the registered value has all fields in order", nodeShape.MatchString(p.raw()), p.raw())
	drainers := p.get("/drainers")
	c.expect("facts 1.1", "/drainers: null when there are none", drainers.code == 200 && drainers.body == "null\n", drainers)
	metrics := p.get("/metrics").body
	for _, name := range []string{
		"binlog_pump_loss_binlog_count 0", "binlog_pump_storage_max_commit_ts ", "binlog_pump_storage_gc_ts ",
		`binlog_pump_storage_storage_size_bytes{type="available"} `, `binlog_pump_storage_storage_size_bytes{type="capacity"} `,
	} {
		c.expect("facts 1.6", "/metrics has "+name, strings.Contains(metrics, "\n"+name), metrics)
	}
}

func (c *conform) pumpHeartbeat(p *process) {
	first := p.registered()
	c.expect("facts 1.2", "the heartbeat rewrites the value every 2 s, updateTS grows by whole seconds",
		until(6*time.Second, func() bool {
			grown := p.registered().UpdateTS - first.UpdateTS
			return grown >= 2*second && grown <= 5*second && grown%second == 0
		}), p.raw())
	c.expect("facts 1.2", "maxCommitTS advances by fake binlogs",
		until(6*time.Second, func() bool { return p.registered().MaxCommitTS > first.MaxCommitTS }), p.raw())
	fakes := `binlog_pump_rpc_duration_seconds_count{label="succ",method="WriteBinlog"} `
	metrics := p.get("/metrics").body
	c.expect("facts 1.6", "own fake binlogs count as WriteBinlog", strings.Contains(metrics, fakes), metrics)
	const size = "binlog_pump_storage_write_binlog_size"
	small := sample(metrics, size+`_bucket{type="single",le="32"}`)
	c.expect("tidb-binlog:pump/storage/storage.go", "a fake binlog has at most 32 bytes",
		small != "" && small == sample(metrics, size+`_count{type="single"}`), metrics)
	c.put(registry.Prefix(registry.Pumps)+p.id, strings.Replace(p.raw(), `"online"`, `"paused"`, 1))
	c.expect("facts 1.2", "an edit of a live pump's value is overwritten",
		until(5*time.Second, func() bool { return p.state() == registry.Online }), p.raw())
}

func (c *conform) pumpRefusals(p *process) {
	wrong := p.apply("pump-z:8250", "pause")
	c.expect("facts 1.1", "PUT /state of another id: HTTP 200, code 3, indented JSON", wrong.body ==
		"{\n  \"message\": \"invalide nodeID pump-z:8250, this pump's nodeID is "+p.id+"\",\n  \"code\": 3,\n  \"data\": null\n}\n" &&
		wrong.kind == "application/json; charset=UTF-8", wrong)
	unknown := p.apply(p.id, "stop")
	c.expect("facts 1.1", "PUT /state with an unknown action: code 3",
		unknown.applied() == 3 && strings.Contains(unknown.body, "invalide action stop"), unknown)
	for _, try := range [][2]string{{"POST", "/status"}, {"GET", "/state/" + p.id + "/pause"}, {"GET", "/nothing"}} {
		got := p.ask(try[0], try[1])
		c.expect("facts 1.1", try[0]+" "+try[1]+": 404 or 405", got.code == 404 || got.code == 405, got)
	}
	c.expect("facts 1.2", "refusals leave it online", p.state() == registry.Online, p.raw())
}

func (c *conform) pumpSecondProcess(p *process) {
	second := *p
	second.args = append(append([]string{}, p.args...), "--addr", freeAddr())
	second.launch()
	code := second.exit(c.patience)
	if code == -1 {
		second.stop(syscall.SIGKILL)
	}
	c.expect("facts 1.3", "a second pump on the same data dir: exit 1", code == 1, code)
	c.expect("facts 1.3", "the first one goes on", p.get("/status").pumpStatus().Status[p.id].State == registry.Online, p.raw())
}

// pumpKilled: SIGKILL leaves `online` behind, and the next start heals it.
func (c *conform) pumpKilled() {
	p := c.newPump("killed")
	if !p.begin() {
		return
	}
	p.stop(syscall.SIGKILL)
	first := p.registered()
	time.Sleep(3 * time.Second)
	later := p.registered()
	c.expect("facts 1.2", "SIGKILL -> stays online, updateTS frozen", later == first && first.State == registry.Online, p.raw())
	if p.begin() {
		now := p.registered()
		c.expect("facts 1.3", "starts again: the lock was released by the kernel", now.State == registry.Online && now.UpdateTS > later.UpdateTS, p.raw())
		p.stop(syscall.SIGTERM)
	}
}

// pumpSignals: the other signals, and pause by HTTP.
func (c *conform) pumpSignals() {
	p := c.newPump("signals")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		if !p.begin() {
			return
		}
		code := p.stop(sig)
		c.expect("facts 1.2", sig.String()+" -> paused, exit 0", code == 0 && p.state() == registry.Paused, fmt.Sprint(code, p.raw()))
	}
	if !p.begin() {
		return
	}
	got := p.apply(p.id, "pause")
	c.expect("facts 1.1", "PUT pause: accepted, code 200", got.applied() == 200 && strings.Contains(got.body, "apply action pause success!"), got)
	code := p.exit(c.patience)
	c.expect("facts 1.2", "PUT pause -> paused, exit 0", code == 0 && p.state() == registry.Paused, fmt.Sprint(code, p.raw()))
}

// pumpIdentity: where the node id comes from.
func (c *conform) pumpIdentity() {
	p := c.newPump("identity")
	if !p.begin() {
		return
	}
	c.expect("facts 1.3", "--node-id is used and not saved in .node",
		p.state() == registry.Online && !exists(filepath.Join(p.dir, ".node")), p.raw())
	p.stop(syscall.SIGTERM)
	flagged := p.registered()
	p.id = "conform-saved:" + fmt.Sprint(os.Getpid())
	os.WriteFile(filepath.Join(p.dir, ".node"), []byte(" "+p.id+"\n"), 0600)
	if !p.begin() {
		return
	}
	c.expect("facts 1.3", "the trimmed content of .node wins over --node-id", p.state() == registry.Online, p.raw())
	p.stop(syscall.SIGTERM)
	c.delete(registry.Prefix(registry.Pumps) + flagged.NodeID)
}

// pumpClose without any drainer.
func (c *conform) pumpClose() {
	p := c.newPump("close")
	if !p.begin() {
		return
	}
	got := p.apply(p.id, "close")
	c.expect("facts 1.1", "PUT close: accepted, code 200", got.applied() == 200 && strings.Contains(got.body, "apply action close success!"), got)
	code := p.exit(c.patience)
	c.expect("facts 1.5", "close without drainers finishes: offline, exit 0", code == 0 && p.state() == registry.Offline, fmt.Sprint(code, p.raw()))
	if p.begin() {
		c.expect("facts 1.4", "a pump that was offline comes back online", p.state() == registry.Online, p.raw())
		p.stop(syscall.SIGTERM)
	}
}
