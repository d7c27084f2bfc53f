// One call: look, refuse or go through the steps, each of which looks first whether it is done already.
#pragma once

#include "around.hpp"
#include "manifest.hpp"
#include "module/tool.hpp"
#include "plan.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace decommission_legacy {

class session {
 public:
  session(settings settings, module::context& context);
  module::outcome run();

 private:
  struct done {
    bool changed = false;
    core::json::object evidence = {};
  };
  using step_result = core::result<done>;

  module::outcome stop();
  module::outcome undo();
  module::outcome refused(std::vector<core::error> const& reasons);
  // Runs the steps from `from` on; ends at the first that fails.
  module::outcome walk(std::vector<step> const& steps);
  module::outcome plan_only(std::vector<step> const& steps);
  step_result perform(step step);
  // Whether a step would change something, by what was seen: for check mode.
  [[nodiscard]] bool would_change(step step) const;
  [[nodiscard]] std::string describe(step step) const;

  step_result record_node();
  step_result hold();
  step_result stop_node();
  step_result deregistered();
  step_result mask();
  step_result settled();
  step_result unmask();
  step_result start();
  step_result proven();

  core::result<void> enter(stage stage);
  // The process to be stopped: the one seen, or the one written down where it still lives.
  [[nodiscard]] std::optional<process::id> target() const;
  core::result<void> ask_to_stop(process::id const& node);
  [[nodiscard]] core::error still_running(process::id const& node) const;
  core::result<std::optional<binlog::old_node>> own_entry();
  core::result<void> start_by_command();
  [[nodiscard]] process::identity recorded_user() const;
  void add(step step, bool is_done, bool changed, core::json::object evidence);
  module::outcome finish(std::optional<core::error> failure);

  settings settings_;
  module::context* context_;
  core::deadline deadline_;
  std::unique_ptr<service::supervisor> supervisor_;
  std::unique_ptr<surroundings> around_;
  snapshot seen_;
  std::optional<manifest> manifest_;
  beginning how_ = beginning::afresh;
  std::vector<std::string> accepted_;
  std::vector<std::string> warnings_;
  core::json::array steps_;
  core::json::array refusals_;
  bool changed_ = false;
};

}  // namespace decommission_legacy
