// One call on one node: looks, plans, refuses or goes through with it.
#pragma once

#include "binlog/lock.hpp"
#include "cluster.hpp"
#include "node.hpp"
#include "plan.hpp"
#include "prove.hpp"
#include "settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rolling_restart {

class session {
 public:
  session(settings settings, module::context const& context);
  module::outcome run();

 private:
  // look.cpp: what is there, what should be, what that calls for
  core::result<void> open();
  void read_ahead() const;
  [[nodiscard]] known_versions versions_asked() const;
  core::result<void> look();
  core::result<void> look_around();
  core::result<void> choose_target();
  core::result<void> read_target();
  void judge_own_readiness();
  core::result<void> use_configured_tls();
  [[nodiscard]] std::filesystem::path drainer_toml() const;
  [[nodiscard]] files::staged_file const* brought_by_set(std::filesystem::path const& path) const;
  [[nodiscard]] std::filesystem::path staged_or_in_place(std::filesystem::path const& path) const;
  [[nodiscard]] binlog::node const* own_entry_in(binlog::registry const& registry) const;
  [[nodiscard]] location staged_location() const;
  core::result<start_facts> facts_of_start() const;
  [[nodiscard]] situation current_situation() const;
  [[nodiscard]] bool in_flight_runs() const;
  [[nodiscard]] std::string installed_digest() const;

  // checks.cpp: what speaks against it
  core::result<void> check_before_stop();
  core::result<void> check_this_node() const;
  core::result<void> check_cluster();
  core::result<void> check_identity() const;
  core::result<void> check_not_closing();
  core::result<void> check_not_elsewhere();
  core::result<void> check_moved() const;
  core::result<void> check_room() const;
  core::result<void> check_downgrade() const;
  core::result<void> check_peers();
  core::result<void> check_start_point();
  core::result<void> check_drainer();

  // session.cpp
  module::outcome report_status();
  module::outcome verify();
  module::outcome change();
  [[nodiscard]] node_view planned_node(plan const& plan) const;
  core::result<void> take_lock();
  [[nodiscard]] core::json::object fields() const;
  module::outcome unchanged(plan const& plan) const;
  module::outcome refused(core::error error) const;

  // execute.cpp: the stopped window
  module::outcome execute(plan const& plan);
  core::result<void> carry_out(step step);
  core::result<void> stop();
  core::result<void> wait_until_gone();
  core::result<void> start();
  core::result<void> ready();
  core::result<void> stable();
  core::result<void> reload_units(files::activation const& done);
  module::outcome failed_in(step step, core::error error);
  module::outcome put_back(std::string const& cause);
  core::result<void> bring_former_back();
  void end_foreign_node();
  void restore_dot_node() const;
  module::outcome finished();
  bool lock_was_lost();
  void enter(std::string_view phase);
  void leave_phase();
  void look_after();
  [[nodiscard]] std::string now_running() const;
  [[nodiscard]] std::string version_in(files::manifest const& set) const;
  [[nodiscard]] core::result<void> stopped_for_good() const;
  [[nodiscard]] prover make_prover();

  settings settings_;
  module::context const* context_;
  std::unique_ptr<service::supervisor> supervisor_;
  std::unique_ptr<cluster> cluster_;
  location given_;  // as the options say it, before the process's command line fills the rest
  node_view node_;
  binlog::registry registry_;
  std::optional<binlog::node> entry_;  // the node's own registry entry
  bool ready_ = false;
  std::string not_ready_because_;
  std::optional<core::error> no_answer_;  // why its own /status could not be had, of a process that runs
  files::journal journal_;
  std::optional<files::manifest> target_;  // the set to activate
  files::direction direction_ = files::direction::forward;
  std::optional<files::activation> prepared_;
  bool files_differ_ = false;
  std::unique_ptr<binlog::cluster_lock> lock_;
  std::vector<std::string> peers_online_;
  std::optional<rolling_restart::checkpoint> checkpoint_;  // of a Drainer
  std::vector<std::string> warnings_;

  struct phase {
    std::string name;
    core::milliseconds took{};
  };
  std::vector<phase> phases_;
  core::clock::time_point phase_started_;
  std::optional<core::clock::time_point> last_answer_;
  std::optional<core::clock::time_point> first_answer_;
  expectation expected_;
  proof proof_;
  bool stopped_something_ = false;
  bool graceless_ = false;  // the registry still said online after the node was gone
  bool rolled_back_ = false;
  std::optional<node_view> after_;
  std::optional<binlog::node> entry_after_;
  bool registry_read_after_ = false;
};

}  // namespace rolling_restart
