// Release versions of TiDB Binlog as `-V` prints them: "v4.0.16", "v4.0.0-beta.1-31-g1a25971-dirty".
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace binlog {

class version {
 public:
  version() = default;  // unknown
  // Anything that does not start with three numbers is unknown ("Not provided", "", a git hash, "nightly").
  static version parse(std::string_view text);

  [[nodiscard]] bool known() const { return known_; }
  [[nodiscard]] std::string const& text() const { return text_; }

  // By release, then pre-release as semver says, then commits since that tag. An 8-digit suffix is a hotfix after the
  // release (v2.1.16-20210910 is a tag upstream), "-dirty" does not count. Unknown versions are unordered, also with
  // themselves.
  friend std::partial_ordering operator<=>(version const& a, version const& b);
  friend bool operator==(version const& a, version const& b) { return (a <=> b) == 0; }

 private:
  bool known_ = false;
  unsigned long release_[3] = {0, 0, 0};
  std::vector<std::string> pre_release_;
  unsigned long hotfix_ = 0;
  unsigned long commits_ = 0;
  std::string text_;
};

// Whether a Pump of this version asks every Drainer that is `online` in the registry on each start, so that one dead
// Drainer keeps it from starting: all before v3.0.5 (tidb-binlog PR 727; read in the tags), v4.0.0-alpha too. Unknown
// versions count as such. Later ones ask only when their own entry was offline or absent.
bool notifies_drainers_on_every_start(version const& pump);

}  // namespace binlog
