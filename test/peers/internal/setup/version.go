package setup

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"peers/internal/zlog"
)

const notProvided = "Not provided (use make build instead of go build)"

// BuildInfo are the labels and values that -V prints and the log starts with.
func (p Program) BuildInfo() [][2]string {
	release, hash, built := notProvided, notProvided, notProvided
	if p.Version.Text != "" {
		release = p.Version.Text
		hash = p.GitHash()
		built = "2021-07-27 11:32:22"
	}
	slash := "/"
	if !p.Version.VersionOnStdout() {
		slash = ""
	}
	info := [][2]string{
		{"Release Version", release},
		{"Git Commit Hash", hash},
		{"Build TS", built},
		{"Go Version", runtime.Version()},
		{"Go OS/Arch", runtime.GOOS + slash + runtime.GOARCH},
	}
	if !p.Version.HasReleaseLine() {
		info = info[1:]
	}
	return info
}

// GitHash is one of the version and the knobs.
func (p Program) GitHash() string {
	knobs, _ := json.Marshal(p.Baked)
	return fmt.Sprintf("%x", sha1.Sum(append([]byte(p.Version.Text), knobs...)))
}

// printVersion: facts 1.6; stdout since 3.0, through the logger on stderr before.
func (p Program) printVersion() {
	if p.Old != nil && p.Old.Local() { // facts 1.6
		fmt.Printf("%s Version: 2.0.0+git\n", p.Name)
		for _, line := range p.BuildInfo() {
			fmt.Printf("%s: %s\n", line[0], line[1])
		}
		return
	}
	if !p.Version.VersionOnStdout() {
		logger := zlog.Default(false)
		for _, line := range p.BuildInfo() {
			logger.Info(line[0] + ": " + line[1])
		}
		return
	}
	for _, line := range p.BuildInfo() {
		fmt.Fprintf(os.Stdout, "%s: %s\n", line[0], line[1])
	}
	fmt.Fprintln(os.Stdout)
}

// LogWelcome writes the first line of a start.
func (p Program) LogWelcome(log *zlog.Logger, title string) {
	var fields []interface{}
	for _, line := range p.BuildInfo() {
		fields = append(fields, line[0], line[1])
	}
	log.Info("Welcome to "+title, fields...)
}
