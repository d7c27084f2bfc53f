// Package zlog writes log lines as the real programs do (facts 1.6): brackets since 3.0, the
// older one-line format before.
package zlog

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Logger is safe for concurrent use.
type Logger struct {
	mu      sync.Mutex
	out     io.Writer
	zap     bool // the format since 3.0
	colours bool // the older logger coloured what did not go to a file
	debug   bool
}

// Default is the logger before any log file is known: stdout since 3.0, stderr before.
func Default(zap bool) *Logger {
	if zap {
		return &Logger{out: os.Stdout, zap: true}
	}
	return &Logger{out: os.Stderr, colours: true}
}

// Open switches to the given level and file (none: as Default).
func Open(zap bool, level, file string) (*Logger, error) {
	logger := Default(zap)
	logger.debug = level == "debug"
	if file == "" {
		return logger, nil
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0600)
	if err != nil {
		return nil, err
	}
	logger.out, logger.colours = out, false
	return logger, nil
}

// Debug, Info, Warn and Error take a message and alternating names and values.
func (l *Logger) Debug(msg string, fields ...interface{}) {
	if l.debug {
		l.write("debug", msg, fields)
	}
}
func (l *Logger) Info(msg string, fields ...interface{})  { l.write("info", msg, fields) }
func (l *Logger) Warn(msg string, fields ...interface{})  { l.write("warn", msg, fields) }
func (l *Logger) Error(msg string, fields ...interface{}) { l.write("error", msg, fields) }

// Fatal logs and ends the process with 1.
func (l *Logger) Fatal(msg string, fields ...interface{}) {
	l.write("fatal", msg, fields)
	os.Exit(1)
}

func (l *Logger) write(level, msg string, fields []interface{}) {
	where := "unknown:0"
	if _, file, line, ok := runtime.Caller(2); ok {
		where = fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}
	text := l.old(level, msg, where, fields)
	if l.zap {
		text = bracketed(level, msg, where, fields)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.out, text)
}

func bracketed(level, msg, where string, fields []interface{}) string {
	var line strings.Builder
	fmt.Fprintf(&line, "[%s] [%s] [%s] [%s]", time.Now().Format("2006/01/02 15:04:05.000 -07:00"), strings.ToUpper(level), where, quoted(msg))
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&line, " [%s=%s]", quoted(fmt.Sprint(fields[i])), quoted(fmt.Sprint(fields[i+1])))
	}
	line.WriteByte('\n')
	return line.String()
}

func quoted(text string) string {
	special := func(r rune) bool { return r <= ' ' || strings.ContainsRune(`\"[]=`, r) }
	if text == "" || strings.IndexFunc(text, special) >= 0 {
		return strconv.Quote(text)
	}
	return text
}

func (l *Logger) old(level, msg, where string, fields []interface{}) string {
	text := fmt.Sprintf("[%s] %s", level, msg)
	for i := 0; i+1 < len(fields); i += 2 {
		text += fmt.Sprintf(" %v=%v", fields[i], fields[i+1])
	}
	if l.colours {
		text = "\x1b[0;37m" + text + "\x1b[0m"
	}
	return time.Now().Format("2006/01/02 15:04:05 ") + where + ": " + text + "\n"
}
