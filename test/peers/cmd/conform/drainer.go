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

var drainerShape = regexp.MustCompile(`^\{"PumpPos":(null|\{.*\}),"Synced":(true|false),"LastTS":\d+,"TsMap":""\}\n$`)

// drainerLife is a drainer with a pump: pages, progress, SIGTERM, SIGKILL, close.
func (c *conform) drainerLife() {
	if c.drainer == "" {
		return
	}
	pump := c.newPump("drained")
	d := c.newDrainer()
	if !pump.begin() || !d.begin() {
		return
	}
	c.expect("facts 2.4", "drainer: the first HTTP answer implies that it is registered online", d.state() == registry.Online && nodeShape.MatchString(d.raw()), d.raw())
	page := d.get("/status")
	c.expect("facts 2.1", "drainer /status: compact JSON, keys in order, text/plain", drainerShape.MatchString(page.body) && page.kind == "text/plain; charset=utf-8", page)
	c.drainerProgress(d, pump)
	c.drainerRefusals(d)

	code := d.stop(syscall.SIGTERM)
	c.expect("facts 2.4", "drainer: SIGTERM -> paused, exit 0", code == 0 && d.state() == registry.Paused, fmt.Sprint(code, d.raw()))
	savepoint, err := os.ReadFile(filepath.Join(d.dir, "savepoint"))
	c.expect("facts 2.5", "drainer: file destination saves commitTS in <data-dir>/savepoint", err == nil && strings.Contains(string(savepoint), "commitTS = "), string(savepoint))
	saved := d.registered().MaxCommitTS
	if !d.begin() {
		return
	}
	c.expect("facts 2.4", "drainer: a restart goes on from the checkpoint",
		until(c.patience, func() bool { return d.get("/status").drainerStatus().LastTS >= saved }), d.get("/status"))
	d.stop(syscall.SIGKILL)
	c.expect("facts 2.4", "drainer: SIGKILL leaves online", d.state() == registry.Online, d.raw())
	if !d.begin() {
		return
	}
	got := d.apply(d.id, "close")
	code = d.exit(c.patience)
	c.expect("facts 2.4", "drainer: PUT close -> offline without waiting, exit 0", got.applied() == 200 && code == 0 && d.state() == registry.Offline, fmt.Sprint(got, code, d.raw()))
	pump.stop(syscall.SIGTERM)
}

func (c *conform) newDrainer() *process {
	d := c.node(registry.Drainers, "drainer", "--detect-interval", "1", "--initial-commit-ts", "0")
	config := filepath.Join(c.dir, "drainer.toml")
	os.WriteFile(config, []byte(fmt.Sprintf("[syncer]\ndb-type = \"file\"\n[syncer.to]\ndir = %q\n", filepath.Join(c.dir, "drainer-out"))), 0600)
	d.args = append(d.args, "--config", config)
	if c.drainerEra.DrainerNodeID() {
		d.args = append(d.args, "--node-id", d.id)
		return d
	}
	host, _ := os.Hostname()
	d.id = host + ":" + d.addr[strings.LastIndex(d.addr, ":")+1:]
	if !c.drainerEra.DrainerAdvertise() {
		d.args = append(d.args[:2], d.args[4:]...) // no --advertise-addr yet
	}
	return d
}

func (c *conform) drainerProgress(d, pump *process) {
	before := pump.get("/status").pumpStatus().CommitTS
	c.expect("facts 2.1", "drainer /status: PumpPos has the pump, and its position passes a TSO",
		until(c.patience, func() bool { return d.get("/status").drainerStatus().PumpPos[pump.id] > before }), d.get("/status"))
	c.expect("facts 2.3", "drainer /status: LastTS passes a TSO while all non-offline pumps run",
		until(c.patience, func() bool { return d.get("/status").drainerStatus().LastTS > before }), d.get("/status"))
	c.expect("facts 2.2", "drainer /status: not Synced within 5 minutes of its start", !d.get("/status").drainerStatus().Synced, d.get("/status"))
	got := d.get("/commit_ts")
	c.expect("facts 2.1", "drainer /commit_ts: indented, code 200, data.ts",
		regexp.MustCompile(`^\{\n  "message": "get drainer's latest ts success!",\n  "code": 200,\n  "data": \{\n    "ts": \d+\n  \}\n\}\n$`).MatchString(got.body), got)
	first := d.registered()
	c.expect("facts 2.3", "drainer: heartbeat every second",
		until(5*time.Second, func() bool { return d.registered().UpdateTS >= first.UpdateTS+2*second }), d.raw())
	metrics := d.get("/metrics").body
	c.expect("facts 2.3", "drainer /metrics: checkpoint_tso and pump_position",
		strings.Contains(metrics, "\nbinlog_drainer_checkpoint_tso ") && strings.Contains(metrics, "\nbinlog_drainer_pump_position{nodeID="), metrics)
}

func (c *conform) drainerRefusals(d *process) {
	wrong, unknown := d.apply("d:8249", "pause"), d.apply(d.id, "stop")
	c.expect("facts 2.1", "drainer PUT /state: another id or action is code 3", wrong.applied() == 3 && unknown.applied() == 3 &&
		strings.Contains(wrong.body, "invalid nodeID d:8249, this pump's nodeID is "+d.id) && strings.Contains(unknown.body, "invalid action stop"), fmt.Sprint(wrong, unknown))
}
