// Package old holds what the Kafka and Local versions' Pump and Drainer share (facts 3): eras, positions, binlogs, and
// their registry.
package old

import "fmt"

// Era is one of the old versions.
type Era struct{ Text string }

// The eras, as make-peer takes them. Kafka is the last of its branch.
var (
	Kafka = Era{"kafka"}
	V11   = Era{"v1.1"}
	V10   = Era{"v1.0"}
	Local = Era{"rc2.3"}
)

// ParseEra reads a baked version; none is the Kafka version.
func ParseEra(text string) (Era, error) {
	for _, e := range []Era{Kafka, V11, V10, Local} {
		if text == e.Text || text == "" {
			return e, nil
		}
	}
	return Era{}, fmt.Errorf("%q is none of the old versions kafka, v1.1, v1.0, rc2.3", text)
}

// Local tells whether binlogs stay in the Pump's files, without Kafka.
func (e Era) Local() bool { return e == Local }

// Metrics: GET /metrics came with commit a0ddfced of 2017-11-15, after the Local version, which has a 404 there.
func (e Era) Metrics() bool { return !e.Local() }

// Tolerates: facts 3.2; the Local version's Pump tells TiDB of every write that failed, and loses none.
func (e Era) Tolerates() bool { return !e.Local() }

// TsMap: facts 3.1, in /status since mid-2018.
func (e Era) TsMap() bool { return e == Kafka }

// TimeRule: facts 3.1, Synced also by the time since the last sync, since 2018-03-29.
func (e Era) TimeRule() bool { return e == Kafka || e == V11 }

// TwoPositions: facts 3.2, a Pump reports its files' and Kafka's position; before, one plain position.
func (e Era) TwoPositions() bool { return e == Kafka || e == V11 }

// StartFailureExit: facts 3.2; the Local version's main ends with 2.
func (e Era) StartFailureExit() int {
	if e.Local() {
		return 2
	}
	return 0
}
