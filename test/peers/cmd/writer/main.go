// Writer writes transactions to Pumps as TiDB's pump client does, and counts what was lost.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"peers/internal/setup"
	"peers/internal/writer"
)

func main() {
	pd := flag.String("pd-urls", "http://127.0.0.1:2379", "comma separated list of PD (etcd) `URLs`")
	rate := flag.Float64("rate", 50, "transactions per second")
	delay := flag.Int("txn-delay-ms", 0, "`milliseconds` between prewrite and commit")
	duration := flag.Duration("duration", 0, "end after this time; none: on SIGTERM or SIGINT")
	drain := flag.Duration("drain", 10*time.Minute, "how long commits are retried once it is to end")
	out := flag.String("out", "", "`file` for the summary; none: stdout")
	rows := flag.String("rows", "", "`file` for the payloads of committed transactions, one a line")
	tag := flag.String("tag", "row", "begins every payload")
	var security setup.Security
	flag.StringVar(&security.CA, "ssl-ca", "", "CA `file`; then pumps and PD are spoken to over TLS")
	flag.StringVar(&security.Cert, "ssl-cert", "", "certificate `file`")
	flag.StringVar(&security.Key, "ssl-key", "", "key `file`")
	flag.Parse()
	if flag.NArg() > 0 || *rate <= 0 {
		flag.Usage()
		os.Exit(100)
	}
	err := run(*out, *rows, security, *duration, writer.Options{
		PDURLs: *pd, Rate: *rate, TxnDelay: time.Duration(*delay) * time.Millisecond, Drain: *drain, Tag: *tag,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "writer:", err)
		os.Exit(1)
	}
}

func run(out, rows string, security setup.Security, duration time.Duration, options writer.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	var err error
	if options.Security, err = security.TLS(); err != nil {
		return err
	}
	if rows != "" {
		file, err := os.Create(rows)
		if err != nil {
			return err
		}
		defer file.Close()
		buffer := bufio.NewWriter(file)
		defer buffer.Flush()
		options.Rows = buffer
	}
	w, err := writer.New(ctx, options)
	if err != nil {
		return err
	}
	text, err := json.Marshal(w.Run(ctx))
	if err != nil {
		return err
	}
	if out == "" {
		_, err = fmt.Println(string(text))
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0644)
}
