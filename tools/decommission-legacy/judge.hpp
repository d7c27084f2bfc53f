// The rules, each over one part of what was seen. Pure.
#pragma once

#include "binlog/metrics_page.hpp"
#include "settings.hpp"
#include "snapshot.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace decommission_legacy {

// The first five of them, for a sentence.
std::string joined(std::vector<std::string> const& texts);

class judge {
 public:
  judge(settings const& s, snapshot const& seen, std::vector<std::string>& used) : s_(s), seen_(seen), used_(used) {}

  void tls();           // nobody speaks plaintext, or shows another certificate, where TLS is demanded
  void proof();         // there, good, young, of this Drainer
  void cluster();       // of this cluster
  void node();          // its parts belong together, and it is of an old version
  void order();         // what needs it is gone
  void new_pumps();     // online
  void new_drainers();  // online and past the proof
  void writes();        // no TiDB has an old Pump to write to
  void quiet();         // none does, and nothing was lost
  void on_the_spot();   // the old Drainer still says what the proof says
  void users();         // Kafka and ZooKeeper have none but the binlog

  std::vector<core::error> reasons() && { return std::move(reasons_); }

 private:
  // Two clocks and a lease: an entry or a window this old has not been refreshed.
  static constexpr core::milliseconds most_age{30000};

  void refuse(core::errc code, std::string cause, std::string hint = {});
  void unknown(std::string cause, std::string hint = {});
  void accept(std::string what);
  [[nodiscard]] bool own(binlog::old_node const& entry) const;
  void others_gone(std::vector<binlog::old_node> const& entries, std::string const& kind);
  void absent(std::vector<absentee> const& all, bool registry_says_gone);
  void tidb_servers();
  void topics(core::result<std::vector<std::string>> const& topics);
  void clients();
  void znodes();
  [[nodiscard]] bool serves_nobody() const;
  // Whether two looks are a version's that serves no metrics; then it is accepted, or refused as unknown.
  template <class T>
  bool without_metrics(core::result<T> const& first, core::result<T> const& second, std::string const& of,
                       std::string_view by_hand) {
    auto const none = [](core::result<T> const& look) { return !look && binlog::serves_none(look.error()); };
    if (!none(first) || !none(second)) return false;
    if (s_.accept.metrics)
      accept("metrics");
    else
      unknown(of + ": " + second.error().what, std::string(by_hand) + "; accept metrics says so");
    return true;
  }

  settings const& s_;
  snapshot const& seen_;
  std::vector<std::string>& used_;
  std::vector<core::error> reasons_;
};

}  // namespace decommission_legacy
