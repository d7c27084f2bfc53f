#include "wait_synced.hpp"

#include "core/file.hpp"
#include "report.hpp"

#include <boost/json/serialize.hpp>

namespace wait_synced {
namespace {

core::json::array plan_of(settings const& s) {
  core::json::array steps;
  steps.push_back(
      core::json::object{{"step", "wait"}, {"what", "until " + count_of(s.drainers.size()) + " proven synced"}});
  if (!s.evidence_file.empty())
    steps.push_back(core::json::object{{"step", "write"}, {"what", "the proof to " + s.evidence_file.string()}});
  return steps;
}

void warn_of_accepted(settings const& s, std::vector<std::string>& warnings) {
  for (auto const name : s.demanded.accepted)
    warnings.push_back(std::string(binlog::name(name)) + " is not proven: the operator answers for it");
}

}  // namespace

module::outcome run(module::params const& params, module::context& context) {
  auto const s = decode(params);
  if (!s) return module::outcome::failed(s.error());
  times when{.started = std::chrono::system_clock::now(), .finished = {}};
  watch watched(*s, context.started);
  picture drawn;
  auto const waited = watched.run(context.check, [&] { context.report.picture(drawn.draw(watched)); });
  when.finished = std::chrono::system_clock::now();

  module::outcome outcome;
  outcome.fields = result_of(watched);
  outcome.plan = plan_of(*s);
  outcome.warnings = watched.warnings();
  warn_of_accepted(*s, outcome.warnings);
  if (!waited) {
    outcome.failure = waited.error();
    if (waited.error().code == core::errc::timed_out) outcome.failure->what += ": " + missing_in(watched);
    return outcome;
  }
  if (context.check) {
    outcome.changed = !s->evidence_file.empty();
    outcome.msg = "would wait until " + count_of(s->drainers.size()) + " proven synced";
    return outcome;
  }
  outcome.msg = count_of(s->drainers.size()) + " proven to have applied everything up to " +
                std::to_string(watched.since() ? watched.since()->value : 0);
  if (s->evidence_file.empty()) return outcome;
  auto const proof = core::json::serialize(proof_of(watched, *s, when)) + "\n";
  if (auto const written = core::replace_file(s->evidence_file, proof); !written) {
    outcome.failure = written.error();
    return outcome;
  }
  outcome.changed = true;
  return outcome;
}

}  // namespace wait_synced
