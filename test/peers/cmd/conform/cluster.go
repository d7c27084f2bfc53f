package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"peers/internal/registry"
)

// pumpBadRegistry: one bad value spoils every /status.
func (c *conform) pumpBadRegistry() {
	p := c.newPump("bad-registry")
	if !p.begin() {
		return
	}
	defer p.stop(syscall.SIGTERM)
	for what, entry := range map[string][2]string{
		"bad JSON": {"conform-bad", "{"}, "an empty value": {"conform-bad", ""}, "an id with a slash": {"conform/bad", "{}"},
	} {
		key := registry.Prefix(registry.Pumps) + entry[0]
		c.put(key, entry[1])
		got := p.get("/status")
		status := got.pumpStatus()
		c.expect("facts 1.1", "/status fails on "+what+" in the registry",
			got.code == 200 && status.Status == nil && status.CommitTS == 0 && status.ErrMsg != "", got)
		c.delete(key)
	}
	c.expect("facts 1.1", "/status is well again without it", p.get("/status").pumpStatus().ErrMsg == "", "")
}

// putDrainer registers a drainer that does not exist.
func (c *conform) putDrainer(name, host, state string, maxCommitTS int64) (key string) {
	key = registry.Prefix(registry.Drainers) + name
	value, _ := json.Marshal(registry.Node{NodeID: name, Host: host, State: state, MaxCommitTS: maxCommitTS, UpdateTS: 1})
	c.put(key, string(value))
	return key
}

// pumpDrainers: what registered drainers, dead ones too, do to pumps.
func (c *conform) pumpDrainers() {
	closing, restarted, fresh := c.newPump("closing"), c.newPump("restarted"), c.newPump("fresh")
	if !closing.begin() || !restarted.begin() {
		return
	}
	restarted.stop(syscall.SIGTERM)
	paused := c.putDrainer("conform-paused:1", freeAddr(), registry.Paused, 1)
	drainers := closing.get("/drainers")
	c.expect("facts 1.1", "/drainers: array of node objects", drainers.code == 200 && drainers.body[0] == '[', drainers)
	c.together(func() { c.pumpClosing(closing, paused) }, func() { c.staleDrainer(restarted, fresh) })
}

// pumpClosing: close waits for a drainer that is paused, and listens to nobody meanwhile.
func (c *conform) pumpClosing(p *process, drainer string) {
	defer c.delete(drainer)
	c.expect("facts 1.1", "PUT close: code 200", p.apply(p.id, "close").applied() == 200, "")
	var first registry.Node
	until(5*time.Second, func() bool { // the value freezes as the heartbeat ends
		before := first
		first = p.registered()
		time.Sleep(2500 * time.Millisecond)
		return first == before
	})
	c.expect("facts 1.2", "while closing: etcd shows online, updateTS frozen", first.State == registry.Online && p.registered() == first, p.raw())
	status := p.get("/status")
	c.expect("facts 1.2 (tb:pump/server.go PumpStatus)", "while closing: own /status answers context canceled", status.body == emptyStatus("context canceled"), status)
	again := p.apply(p.id, "pause")
	c.expect("facts 1.1", "while closing: PUT pause is refused with code 3",
		again.applied() == 3 && again.body == "{\n  \"message\": \"this pump's state is closing, apply pause failed!\",\n  \"code\": 3,\n  \"data\": null\n}\n", again)
	p.signal(syscall.SIGTERM)
	c.expect("facts 1.2", "while closing: SIGTERM is ignored", p.exit(1500*time.Millisecond) == -1, p.logs())
	c.putDrainer("conform-paused:1", "127.0.0.1:1", registry.Paused, math.MaxInt64)
	code := p.exit(c.patience)
	c.expect("facts 1.5", "close ends when the drainer has passed: offline, exit 0", code == 0 && p.state() == registry.Offline, fmt.Sprint(code, p.raw()))
}

// staleDrainer: a drainer that is registered online but dead blocks starts, by era.
func (c *conform) staleDrainer(restarted, fresh *process) {
	stale := c.putDrainer("conform-stale:1", freeAddr(), registry.Online, math.MaxInt64)
	defer c.delete(stale)
	state, everyStart := registry.Offline, !c.pumpEra.NotifiesOnlyNew()
	if everyStart {
		state = registry.Paused
	}
	c.together(func() {
		fresh.launch()
		code := fresh.exit(c.patience)
		c.expect("facts 1.2", "a dead drainer registered online: a new pump exits 2, "+state, code == 2 && fresh.state() == state, fmt.Sprint(code, fresh.raw()))
	}, func() {
		if everyStart {
			restarted.launch()
			code := restarted.exit(c.patience)
			c.expect("facts 1.4", "… and so does a restarted one up to 3.0.4", code == 2 && restarted.state() == state, fmt.Sprint(code, restarted.raw()))
			return
		}
		c.expect("facts 1.4", "… but a restarted one starts", restarted.begin() && restarted.state() == registry.Online, restarted.raw())
		restarted.stop(syscall.SIGTERM)
	})
}

// pumpOutage: PD is away for a while.
func (c *conform) pumpOutage() {
	stopped, staying, late := c.newPump("outage-stop"), c.newPump("outage-stay"), c.newPump("outage-late")
	if !stopped.begin() || !staying.begin() {
		return
	}
	before := stopped.registered()
	if err := c.stopPD(); err != nil {
		c.expect("facts 1.1", "PD can be stopped", false, err)
		return
	}
	late.launch()
	c.together(func() {
		got := staying.get("/status")
		status := got.pumpStatus()
		c.expect("facts 1.1", "PD away: /status is 200 with status null, CommitTS 0 and an ErrMsg, or hangs",
			got.code == 0 || got.code == 200 && got.body == emptyStatus(status.ErrMsg) && status.ErrMsg != "", got)
	}, func() {
		got := staying.get("/drainers")
		c.expect("facts 1.1", "PD away: /drainers is null with 200", got.code == 200 && got.body == "null\n", got)
	}, func() {
		code := stopped.stop(syscall.SIGTERM)
		c.expect("facts 1.2", "PD away: SIGTERM still exits 0", code == 0, code)
	})
	c.expect("facts 1.4", "PD away: a starting pump does not answer", late.get("/status").code == 0, "")
	late.stop(syscall.SIGKILL)
	if err := c.startPD(); err != nil || !until(c.patience, c.pdAnswers) {
		c.expect("facts 1.1", "PD can be started again", false, err)
		return
	}
	after := stopped.registered()
	c.expect("facts 1.2", "PD away at the stop: etcd still says online", after.State == registry.Online && after.UpdateTS >= before.UpdateTS, stopped.raw())
	was := staying.registered()
	c.expect("facts 1.2", "PD back: heartbeat and /status go on", until(c.patience, func() bool {
		return staying.registered().UpdateTS > was.UpdateTS && staying.get("/status").pumpStatus().ErrMsg == ""
	}), staying.raw())
	staying.stop(syscall.SIGTERM)
	os.Remove(late.dir)
}
