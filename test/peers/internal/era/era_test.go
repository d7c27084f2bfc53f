package era

import "testing"

func TestRules(t *testing.T) {
	rules := map[string]func(Version) bool{
		"strict":      Version.StrictConfig,
		"listens":     Version.ListensFirst,
		"notifiesNew": Version.NotifiesOnlyNew,
		"https":       Version.HTTPS,
		"release":     Version.HasReleaseLine,
	}
	for _, c := range []struct {
		version, rule string
		want          bool
	}{
		{"v2.1.15", "strict", false}, {"v2.1.16", "strict", true}, {"v3.0.1", "strict", false}, {"v3.0.2", "strict", true},
		{"v2.1.16", "listens", false}, {"v2.1.17", "listens", true}, {"v3.0.2", "listens", false}, {"v3.0.3", "listens", true},
		{"v2.1.19", "notifiesNew", false}, {"v3.0.4", "notifiesNew", false}, {"v3.0.5", "notifiesNew", true},
		{"v3.1.0-beta.1", "notifiesNew", true}, {"v4.0.0-beta", "https", false}, {"v4.0.0", "https", true},
		{"v3.0.12", "https", false}, {"v3.0.13", "https", true}, {"v3.1.0-rc", "https", false}, {"v3.1.0", "https", true},
		{"v4.0.0-beta.1-31-g1a25971", "strict", true}, {"v4.0.14-dirty", "https", true},
		{"v2.0.8-binlog", "strict", false}, {"v2.1.6", "release", false}, {"v2.1.7", "release", true}, {"v3.0.0-rc.1", "release", true},
	} {
		v, err := Parse(c.version)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules[c.rule](v); got != c.want {
			t.Errorf("%s %s: got %v", c.version, c.rule, got)
		}
	}
	if _, err := Parse("latest"); err == nil {
		t.Error("a text that is no version was accepted")
	}
	if !Latest.HTTPS() || !Latest.NotifiesOnlyNew() {
		t.Error("an unbaked binary is not of the latest era")
	}
}
