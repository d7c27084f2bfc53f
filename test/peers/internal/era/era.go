// Package era says what a release of the cluster version did. Each rule cites the facts
// (facts/binlog.md) that it comes from.
package era

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a release such as v3.0.12 or v4.0.0-beta.1-31-g1a25971.
type Version struct {
	Major, Minor, Patch int
	Pre                 bool // older than the release of the same numbers
	Text                string
}

// Latest stands for a binary without a baked version: all rules of today apply.
var Latest = Version{Major: 99}

// Parse reads a release string; anything after the numbers makes it a pre-release,
// except "-dirty", which is a release built from a changed tree.
func Parse(text string) (Version, error) {
	numbers, suffix, _ := strings.Cut(strings.TrimPrefix(text, "v"), "-")
	v := Version{Text: text, Pre: suffix != "" && suffix != "dirty" && !strings.HasPrefix(suffix, "binlog")}
	parts := strings.Split(numbers, ".")
	if len(parts) != 3 {
		return v, fmt.Errorf("version %q is not vX.Y.Z", text)
	}
	for i, target := range []*int{&v.Major, &v.Minor, &v.Patch} {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return v, fmt.Errorf("version %q is not vX.Y.Z", text)
		}
		*target = n
	}
	return v, nil
}

// AtLeast tells whether this is release major.minor.patch or a later one.
func (v Version) AtLeast(major, minor, patch int) bool {
	if v.Major != major {
		return v.Major > major
	}
	if v.Minor != minor {
		return v.Minor > minor
	}
	if v.Patch != patch {
		return v.Patch > patch
	}
	return !v.Pre
}

// never is a patch level that no release line reached.
const never = 1 << 20

// since is for changes that came in the 2.1 line at patch21 and in the 3.0 line at patch30;
// every later line has them. The special 2.0.x-binlog builds count as older than 2.1.
func (v Version) since(patch21, patch30 int) bool {
	switch {
	case v.Major < 2 || v.Major == 2 && v.Minor == 0:
		return false
	case v.Major == 2:
		return v.AtLeast(2, 1, patch21)
	case v.Major == 3 && v.Minor == 0:
		return v.AtLeast(3, 0, patch30)
	}
	return true
}

// VersionOnStdout: facts 1.6, -V prints on stdout since 3.0.0.
func (v Version) VersionOnStdout() bool { return v.Major >= 3 }

// HasReleaseLine: facts 1.6, 2.1.0-2.1.6 print no Release Version.
func (v Version) HasReleaseLine() bool { return v.since(7, 0) || v.Major >= 3 }

// ZapLog: facts 1.6, the log format with brackets, since 3.0.
func (v Version) ZapLog() bool { return v.Major >= 3 }

// StrictConfig: facts 1.6, unknown keys are fatal.
func (v Version) StrictConfig() bool { return v.since(16, 2) }

// StopWriteKey: facts 1.6, storage.stop-write-at-available-space.
func (v Version) StopWriteKey() bool { return v.since(14, 1) }

// RefusesOnlyPrewrite: facts 1.2, before it every non-fake write was refused while not online.
func (v Version) RefusesOnlyPrewrite() bool { return v.since(16, 3) }

// ListensFirst: facts 1.4, listen before register.
func (v Version) ListensFirst() bool { return v.since(17, 3) }

// NotifiesOnlyNew: facts 1.4, only a pump that was offline or absent notifies, and goes back
// to offline when that fails; before, every start notified and a failure left `paused`.
func (v Version) NotifiesOnlyNew() bool { return v.since(never, 5) }

// KeepsPullsWhileClosing: facts 1.5, pull streams end after the state is written.
func (v Version) KeepsPullsWhileClosing() bool { return v.since(17, 4) }

// BoundsGracefulStop: facts 1.5, GracefulStop is given up after 10 s.
func (v Version) BoundsGracefulStop() bool { return v.since(19, 6) }

// HTTPS: facts 1.7, HTTP is served over TLS, and cert-allowed-cn exists.
func (v Version) HTTPS() bool {
	switch {
	case v.Major == 3 && v.Minor == 0:
		return v.AtLeast(3, 0, 13)
	case v.Major == 3:
		return v.AtLeast(3, 1, 0)
	}
	return v.AtLeast(4, 0, 0)
}

// MethodNotAllowed: facts 1.1, a wrong method gives 405; the 2.1 era's router gave 404.
func (v Version) MethodNotAllowed() bool { return v.Major >= 3 }

// DrainerNodeID: facts 2.4, the Drainer's node-id flag.
func (v Version) DrainerNodeID() bool { return v.since(16, 2) }

// DrainerAdvertise: facts 2.4, the Drainer's advertise-addr flag.
func (v Version) DrainerAdvertise() bool { return v.since(13, 0) }

// DrainerStartsNow: facts 2.4, initial-commit-ts defaults to -1 ("now") instead of 0.
func (v Version) DrainerStartsNow() bool { return v.since(never, 6) }

// DetectSeconds: facts 2.2, the Drainer's default detect-interval.
func (v Version) DetectSeconds() int {
	if v.since(never, 5) {
		return 5
	}
	return 10
}

// SavesConsistent: facts 2.5, `consistent` in the checkpoint.
func (v Version) SavesConsistent() bool { return v.since(never, 10) }

// SavesSchemaVersion: facts 2.5, `schema-version` in the checkpoint.
func (v Version) SavesSchemaVersion() bool { return v.AtLeast(4, 0, 10) }

// DrainerExitsOnLostPD: facts 2.4, quits with 2 after 20 failed heartbeats.
func (v Version) DrainerExitsOnLostPD() bool { return v.AtLeast(4, 0, 9) }

// BinlogStatus: facts 5, TiDB's /info has binlog_status.
func (v Version) BinlogStatus() bool { return v.since(19, 6) }

// OldBinlog: facts 3.4, TiDB writes to an old Pump's socket, and knows no other Pumps.
func (v Version) OldBinlog() bool {
	return (v.Major < 2 || v.Major == 2 && v.Minor == 0) && !strings.Contains(v.Text, "-binlog")
}
