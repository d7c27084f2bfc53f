#include "session.hpp"

#include "decommission_legacy.hpp"

namespace decommission_legacy {

using core::errc;
using core::error;
using core::result;
using core::json::array;
using core::json::object;
using module::outcome;

session::session(settings settings, module::context& context)
    : settings_(std::move(settings)),
      context_(&context),
      deadline_(core::deadline::at(context.started + settings_.timeout)),
      supervisor_(service::open(supervisor_settings(settings_))) {}

void session::add(step step, bool is_done, bool changed, object evidence) {
  changed_ = changed_ || (changed && is_done);
  steps_.push_back(
      object{{"name", name(step)}, {"done", is_done}, {"changed", changed}, {"evidence", std::move(evidence)}});
}

outcome session::finish(std::optional<error> failure) {
  outcome o;
  auto const path = manifest_path(settings_.manifest_dir());
  array accepted;
  for (auto const& each : accepted_) accepted.push_back(core::json::string(each));
  o.fields = {{"steps", std::move(steps_)},
              {"refusals", std::move(refusals_)},
              {"manifest", manifest_ ? core::json::value(path.string()) : core::json::value(nullptr)},
              {"accepted", std::move(accepted)}};
  o.changed = changed_;
  o.warnings = warnings_;
  o.failure = std::move(failure);
  return o;
}

outcome session::refused(std::vector<error> const& reasons) {
  for (auto const& reason : reasons)
    refusals_.push_back(object{{"code", core::name(reason.code)}, {"what", reason.what}, {"hint", reason.hint}});
  auto const first = settings_.action == action::undo ? step::start : step::verify;
  add(first, false, false, evidence_of(settings_, seen_));
  auto first_reason = reasons.front();
  if (reasons.size() > 1) first_reason.what += " (and " + std::to_string(reasons.size() - 1) + " more, see refusals)";
  return finish(std::move(first_reason));
}

outcome session::walk(std::vector<step> const& steps) {
  for (auto const step : steps) {
    context_->report.progress(settings_.node_name() + ": " + std::string(name(step)));
    auto const result = perform(step);
    if (!result) {
      add(step, false, false, {});
      return finish(result.error());
    }
    add(step, true, result->changed, result->evidence);
  }
  auto o = finish(std::nullopt);
  auto const undo = settings_.action == action::undo;
  if (undo)
    o.msg = settings_.node_name() + (o.changed ? " runs again as it did" : " runs as it did; nothing to undo");
  else
    o.msg = settings_.node_name() + (o.changed ? " is retired; its data is in place" : " was retired already");
  return o;
}

outcome session::plan_only(std::vector<step> const& steps) {
  array plan;
  for (auto const step : steps) {
    auto const change = would_change(step);
    if (change) plan.push_back(object{{"step", name(step)}, {"what", describe(step)}});
    add(step, false, change, step == step::verify ? evidence_of(settings_, seen_) : object{});
  }
  auto o = finish(std::nullopt);
  o.changed = !plan.empty();
  o.msg = plan.empty() ? settings_.node_name() + " needs nothing"
                       : "would take " + settings_.node_name() + " through this plan";
  o.plan = std::move(plan);
  return o;
}

bool session::would_change(step step) const {
  auto const& node = seen_.node;
  auto const retired = manifest_ && manifest_->stage == stage::retired;
  switch (step) {
    case step::record:
      return node.process.has_value() || !retired;
    case step::hold:
    case step::stop:
      return node.process.has_value();
    case step::mask:
      return !node.service.masked;
    case step::unmask:
      return node.service.masked && (settings_.has_unit() || !manifest_->down_file.empty());
    case step::start:
      return !node.process.has_value();
    default:
      return false;
  }
}

std::string session::describe(step step) const {
  auto const directory = settings_.manifest_dir().string();
  auto const pid = seen_.node.process ? " (pid " + std::to_string(seen_.node.process->id.pid) + ")" : std::string();
  switch (step) {
    case step::record:
      return "write down in " + directory + " what is there";
    case step::hold:
      return "forbid " + settings_.unit + " to be killed or restarted";
    case step::stop:
      return "stop " + settings_.node_name() + pid + " and wait for its end";
    case step::mask:
      return settings_.has_unit()
                 ? "keep " + settings_.unit + " in " + directory + " and put a link to /dev/null in its place"
                 : "put down " + settings_.down_file().string() + ", with which supervise does not start it";
    case step::unmask:
      return settings_.has_unit() ? "put " + settings_.unit + " back"
                                  : "take " + settings_.down_file().string() + " away";
    case step::start:
      return "start " + settings_.node_name() + " as it ran";
    default:
      return std::string(name(step));
  }
}

session::step_result session::perform(step step) {
  switch (step) {
    case step::verify: {
      if (how_ == beginning::afresh) return done{false, evidence_of(settings_, seen_)};
      auto evidence = manifest_->verified;
      evidence["verified_at"] = manifest_->recorded_at;
      return done{false, std::move(evidence)};
    }
    case step::record:
      return record_node();
    case step::hold:
      return hold();
    case step::stop:
      return stop_node();
    case step::deregistered:
      return deregistered();
    case step::mask:
      return mask();
    case step::settled:
      return settled();
    case step::unmask:
      return unmask();
    case step::start:
      return start();
    case step::proven:
      break;
  }
  return proven();
}

outcome session::stop() {
  how_ = begin(manifest_, seen_.node);
  if (how_ == beginning::afresh) {
    around_->look(seen_);
    auto reasons = reasons_not_to_stop(settings_, seen_, accepted_);
    if (reasons.empty()) {
      around_->look_closer(seen_);
      reasons = reasons_on_a_closer_look(settings_, seen_, accepted_);
    }
    if (!reasons.empty()) return refused(reasons);
    if (deadline_.passed())
      return finish(error{errc::timed_out,
                          "cannot stop " + settings_.node_name() + " in time: looking took all of timeout",
                          "nothing was touched; give the call a longer timeout"});
    if (seen_.proof && *seen_.proof)
      for (auto const& name : (*seen_.proof)->accepted)
        warnings_.push_back("the proof rests on the operator's word for " + name);
  } else if (auto const local = process::local_addresses()) {
    seen_.local = *local;
  }
  auto const steps = steps_of(settings_);
  return context_->check ? plan_only(steps) : walk(steps);
}

outcome session::undo() {
  if (!manifest_)
    return finish(error{
        errc::nothing_to_undo,
        "cannot bring back " + settings_.node_name() + ": nothing was retired in " + settings_.manifest_dir().string(),
        "give deploy_dir, data_dir and port as to the stop"});
  if (auto const local = process::local_addresses()) seen_.local = *local;
  around_->look_at_new_drainers(seen_);
  auto const reasons = reasons_not_to_undo(settings_, seen_);
  if (!reasons.empty()) return refused(reasons);
  auto const steps = steps_of(settings_);
  return context_->check ? plan_only(steps) : walk(steps);
}

outcome session::run() {
  auto recalled = recall(settings_.manifest_dir());
  if (!recalled) return finish(recalled.error());
  manifest_ = std::move(*recalled);
  auto const other =
      manifest_ && (manifest_->component != name(settings_.component) || manifest_->port != settings_.port);
  if (other)
    return finish(error{errc::journal_damaged,
                        "cannot use " + manifest_path(settings_.manifest_dir()).string() + ": it is of another node",
                        "look at it"});
  // What is retired already is known by its record, also where less is said of it now.
  if (manifest_ && !manifest_->unit.empty() && !settings_.has_unit()) {
    settings_.supervision = service::kind::systemd;
    settings_.unit = manifest_->unit;
    supervisor_ = service::open(supervisor_settings(settings_));
  }
  if (manifest_ && manifest_->supervised && !settings_.deploy_dir.empty()) {
    settings_.supervision = service::kind::supervise;
    auto as_recorded = supervisor_settings(settings_);
    if (manifest_->process) as_recorded.user = recorded_user();
    supervisor_ = service::open(as_recorded);
  }
  if (manifest_ && settings_.data_dirs.empty())
    for (auto const& directory : manifest_->data_dirs) settings_.data_dirs.emplace_back(directory);
  auto node = look_at_node(settings_, *supervisor_);
  if (!node) return finish(node.error());
  seen_.node = std::move(*node);
  if (settings_.pd_urls.empty() && manifest_) settings_.pd_urls = manifest_->pd_urls;
  around_ = std::make_unique<surroundings>(settings_);
  return settings_.action == action::undo ? undo() : stop();
}

outcome run(module::params const& params, module::context& context) {
  auto settings = decode(params, context);
  if (!settings) return outcome::failed(settings.error());
  return session(std::move(*settings), context).run();
}

}  // namespace decommission_legacy
