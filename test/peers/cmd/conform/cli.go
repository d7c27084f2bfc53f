package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"peers/internal/era"
)

// ran is one run of a binary to its end.
type ran struct {
	code           int
	stdout, stderr string
}

func run(binary string, args ...string) ran {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	result := ran{0, stdout.String(), stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		result.code = exit.ExitCode()
	} else if err != nil {
		result.code = -1
	}
	return result
}

func (c *conform) pumpCommandLine() {
	c.commandLine("pump", c.pump, c.pumpEra, c.pumpBuild,
		"addr advertise-addr node-id socket pd-urls data-dir heartbeat-interval gc L log-file config metrics-addr metrics-interval fake-binlog-interval max-message-size V",
		"gc = 7\nheartbeat-interval = 2\n[security]\nssl-ca = \"\"\n[storage]\nsync-log = true\n[storage.kv]\nblock-size = 4096\n")
	dir := filepath.Join(c.dir, "not-made")
	bad := run(c.pump, "--addr", "0.0.0.0:1", "--advertise-addr", "0.0.0.0:1", "--pd-urls", c.pd, "--data-dir", dir)
	c.expect("facts 1.6", "pump: a configuration that is not valid -> exit 1", bad.code == 1 && !exists(dir), bad)
}

func (c *conform) drainerCommandLine() {
	if c.drainer == "" {
		return
	}
	c.commandLine("drainer", c.drainer, c.drainerEra, c.drainerInfo,
		"addr data-dir detect-interval pd-urls initial-commit-ts synced-check-time c txn-batch dest-db-type safe-mode config log-file V",
		"detect-interval = 10\n[syncer]\ndb-type = \"file\"\ntxn-batch = 20\ndisable-dispatch = false\n[syncer.to]\ndir = \"x\"\n")
}

var release = map[bool]*regexp.Regexp{
	true: regexp.MustCompile(`^Release Version: .+\nGit Commit Hash: .+\nBuild TS: .+\nGo Version: go.+\nGo OS/Arch: linux/\w+\n`),
	false: regexp.MustCompile(`^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \w+\.go:\d+: \x1b\[0;37m\[info\] ` +
		`(Release Version|Git Commit Hash|Build TS|Go Version|Go OS/Arch): .+\x1b\[0m\n){4,5}$`),
}

func (c *conform) commandLine(name, binary string, version era.Version, build, flags, config string) {
	v := run(binary, "-V")
	text, other := v.stdout, v.stderr
	if !version.VersionOnStdout() {
		text, other = other, text
	}
	c.expect("facts 1.6", name+" -V: labels on the era's stream, exit 0",
		v.code == 0 && other == "" && release[version.VersionOnStdout()].MatchString(text), v)
	c.expect("facts 1.6", name+" -V: a Release Version line from 2.1.7 on ("+build+")",
		strings.Contains(text, "Release Version: ") == version.HasReleaseLine(), v)

	help := run(binary, "-help")
	c.expect("facts 1.6", name+" -help: `Usage of "+name+":` on stderr, exit 0",
		help.code == 0 && strings.HasPrefix(help.stderr, "Usage of "+name+":\n"), help)
	var missing []string
	for _, flag := range strings.Fields(flags) {
		if !strings.Contains(help.stderr, "\n  -"+flag) {
			missing = append(missing, flag)
		}
	}
	c.expect("facts 1.6, 2.4", name+" has the known flags", missing == nil, missing)
	bad := run(binary, "--no-such-flag")
	c.expect("facts 1.6", name+": bad flag -> exit 2", bad.code == 2, bad)

	file := filepath.Join(c.dir, name+"-probe.toml")
	dir := filepath.Join(c.dir, name+"-probe")
	os.WriteFile(file, []byte(config), 0600)
	probe := run(binary, "-config", file, "-data-dir", dir, "probe")
	c.expect("facts 1.6", name+" -config FILE probe: 'probe' is not a valid flag, exit 1, nothing made",
		probe.code == 1 && strings.Contains(probe.stdout+probe.stderr, "'probe' is not a valid flag") && !exists(dir), probe)
	os.WriteFile(file, []byte("no-such-key = 1\n"+config), 0600)
	probe = run(binary, "-config", file, "-data-dir", dir, "probe")
	c.expect("facts 1.6", name+" -config FILE probe: an unknown key is named since 2.1.16, 3.0.2",
		probe.code == 1 && strings.Contains(probe.stdout+probe.stderr, "no-such-key") == version.StrictConfig(), probe)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
