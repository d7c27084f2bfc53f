#include "copy-binary/copy_binary.hpp"

#include "copy-binary/diff.hpp"
#include "copy-binary/execute.hpp"
#include "copy-binary/plan.hpp"
#include "files/digest.hpp"

#include <fmt/format.h>

namespace copy_binary {
namespace {

namespace json = core::json;

json::value text_or_null(std::string const& text) { return text.empty() ? json::value() : json::value(text); }

json::object result_of(execution const& e, executed const& done, std::size_t i) {
  auto const& asked = e.asked.files[i];
  auto const& f = e.host.files[i];
  auto const& found = done.findings[i];
  auto const copied = e.plan.actions[i] == action::copy;
  json::value previous;
  if (f.present) {
    auto const same = f.present->sha256 == f.content.sha256;
    auto const kept = copied && !e.plan.staging && e.asked.backup > 0;
    previous = json::object{{"sha256", f.present->sha256},
                            {"version", text_or_null(same ? found.version : found.former_version)},
                            {"backup", text_or_null(kept ? f.backup.string() : "")}};
  }
  std::error_code ec;
  std::uint64_t received = 0;
  if (asked.source && !asked.source->upload.empty()) received = fs::file_size(asked.source->upload, ec);
  return {{"dest", asked.dest.string()},
          {"sha256", f.content.sha256},
          {"size", f.content.size},
          {"version", text_or_null(found.version)},
          {"previous", std::move(previous)},
          {"bytes_received", ec ? 0 : received},
          {"changed", e.plan.actions[i] != action::nothing}};
}

std::string sentence(execution const& e, bool check) {
  auto const subject =
      e.asked.files.size() == 1 ? e.asked.files[0].dest.string() : fmt::format("{} files", e.asked.files.size());
  if (!e.plan.changed)
    return e.plan.staging ? subject + ": staged or in place already" : subject + ": in place already";
  if (e.plan.staging)
    return fmt::format("{} {} as set {}", check ? "would stage" : "staged", subject, e.plan.staged.set.substr(0, 12));
  return fmt::format("{} {}", check ? "would put in place" : "put in place", subject);
}

void fill_fields(module::outcome& o, execution const& e, executed const& done) {
  if (e.asked.listed) {
    json::array all;
    for (std::size_t i = 0; i < e.host.files.size(); ++i) all.push_back(result_of(e, done, i));
    o.fields["files"] = std::move(all);
  } else {
    o.fields = result_of(e, done, 0);
  }
  if (e.plan.staging) o.fields["staged"] = files::encode(e.plan.staged);
}

module::outcome start(execution const& e) {
  module::outcome o;
  o.plan = json::array(e.plan.steps.begin(), e.plan.steps.end());
  o.warnings = e.plan.warnings;
  return o;
}

void name_missing(module::outcome& o, execution const& e) {
  if (e.plan.need_upload.empty()) return;
  o.fields["need_upload"] = json::array(e.plan.need_upload.begin(), e.plan.need_upload.end());
}

module::outcome ask_for_uploads(execution const& e) {
  auto o = start(e);
  name_missing(o, e);
  o.msg = fmt::format("{} of {} files must be sent first; nothing was done", e.plan.need_upload.size(),
                      e.asked.files.size());
  return o;
}

module::outcome go(execution& e, module::context const& context) {
  if (!context.check && !e.plan.need_upload.empty()) return ask_for_uploads(e);
  auto o = start(e);
  executed done;
  // Read before anything is replaced; the versions in it are learnt on the way.
  auto const rehearsal = context.check || context.diff ? rehearse(e, done) : core::result<void>();
  if (rehearsal && context.diff) o.diff = diff_of(e, done);
  auto const result = rehearsal && !context.check ? carry_out(e, done) : rehearsal;
  if (!result) {
    o.failure = result.error();
    o.changed = done.touched;
    return o;
  }
  o.changed = e.plan.changed;
  if (o.changed && !context.check && !e.asked.stage_dir.empty()) files::save_digests(e.asked.stage_dir);
  o.msg = sentence(e, context.check);
  fill_fields(o, e, done);
  if (context.check) name_missing(o, e);
  return o;
}

core::result<module::outcome> call(module::params const& params, module::context const& context) {
  TRY_ASSIGN(auto const asked, decode(params));
  if (!asked.stage_dir.empty()) files::recall_digests(asked.stage_dir);
  TRY_ASSIGN(auto const host, survey(asked, context.check ? purpose::plan : purpose::act));
  auto const manifest_there =
      !asked.stage_dir.empty() && files::read_manifest(asked.stage_dir, manifest_of(asked, host).set).has_value();
  TRY_ASSIGN(auto plan, make_plan(asked, host, manifest_there));
  auto const deadline = core::deadline::at(context.started + context.timeout.value_or(std::chrono::hours(24)));
  execution e{asked, host, std::move(plan), deadline, [&](std::string const& line) { context.report.progress(line); }};
  return go(e, context);
}

}  // namespace

module::outcome run(module::params const& params, module::context& context) {
  auto result = call(params, context);
  return result ? std::move(*result) : module::outcome::failed(result.error());
}

}  // namespace copy_binary
