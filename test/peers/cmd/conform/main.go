// Conform drives one Pump and one Drainer binary, stand-in or real, through their lives, and
// compares what they answer, register and exit with to the facts. Each expectation cites its
// line of facts/binlog.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	c := &conform{}
	flag.StringVar(&c.pump, "pump", os.Getenv("PUMP"), "Pump `binary`")
	flag.StringVar(&c.drainer, "drainer", os.Getenv("DRAINER"), "Drainer `binary`")
	flag.StringVar(&c.pd, "pd", os.Getenv("PD"), "`URL` of a PD whose cluster is only there for this; none: an etcd from PATH is started")
	flag.StringVar(&c.pdStop, "pd-stop", os.Getenv("PD_STOP"), "shell `command` that stops that PD; none: no outage is tried")
	flag.StringVar(&c.pdStart, "pd-start", os.Getenv("PD_START"), "shell `command` that starts it again")
	flag.StringVar(&c.claimed, "version", "", "the binaries' `release`, where -V does not tell it (2.1.0-2.1.6)")
	flag.DurationVar(&c.patience, "patience", 30*time.Second, "how long to wait for a start or a stop")
	keep := flag.Bool("keep", false, "keep the working folder")
	flag.Parse()
	if c.pump == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "conform: PUMP=path or -pump is needed")
		flag.Usage()
		os.Exit(100)
	}
	began := time.Now()
	err := c.prepare()
	if err == nil {
		err = c.run()
	}
	c.cleanUp(*keep)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(111)
	}
	fmt.Printf("%d expectations held, %d did not, %.1f s\n", c.held, c.failed, time.Since(began).Seconds())
	if c.failed > 0 {
		os.Exit(1)
	}
}

// run goes through the phases. Within one, nodes live side by side; what all nodes of the
// cluster would notice (drainers, bad values, an outage) has a phase of its own.
func (c *conform) run() error {
	c.section("command line")
	c.together(c.pumpCommandLine, c.drainerCommandLine)
	c.section("pumps without drainers")
	c.together(c.pumpLife, c.pumpKilled, c.pumpSignals, c.pumpIdentity, c.pumpClose)
	c.section("pumps with drainers")
	c.together(c.pumpBadRegistry)
	c.together(c.pumpDrainers)
	c.forget() // a drainer stalls while a pump that is not offline is away
	c.together(c.drainerLife)
	if c.pdStop == "" && !c.ownPD() {
		fmt.Println("skip  PD outage: no -pd-stop")
		return nil
	}
	c.section("PD outage")
	c.together(c.pumpOutage)
	return nil
}

func (c *conform) section(name string) { fmt.Println("# " + name) }

// shell runs one of the operator's commands.
func shell(command string) error {
	cmd := exec.Command("sh", "-c", command)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
