// journal.json: {"in_flight":ACTIVATION|null,"committed":[ACTIVATION],"failed_set":"","rolled_back":false} with
// ACTIVATION {"state","roll_back","manifest","formers":[{"sha256","backup","mode","owner","group"}]}.
#include <boost/json/serialize.hpp>

#include "core/file.hpp"
#include "core/json.hpp"
#include "files/activation.hpp"

namespace files {
namespace {

namespace fs = std::filesystem;
namespace json = core::json;
using core::errc;
using core::error;
using core::result;

struct state_name {
  activation_state state;
  std::string_view name;
};
constexpr state_name state_names[] = {{activation_state::activating, "activating"},
                                      {activation_state::active, "active"},
                                      {activation_state::undoing, "undoing"}};

json::object encode(former_file const& f) {
  json::object all{{"sha256", f.sha256}, {"backup", f.backup.string()}};
  if (!f.attributes) return all;
  all["mode"] = f.attributes->mode;
  all["owner"] = f.attributes->owner;
  all["group"] = f.attributes->group;
  return all;
}

std::optional<attributes> decode_attributes(json::value const& former) {
  auto const mode = core::integer_member(former, "mode");
  auto const owner = core::integer_member(former, "owner");
  auto const group = core::integer_member(former, "group");
  if (!mode || !owner || !group) return std::nullopt;
  return attributes{static_cast<unsigned>(*mode) & 07777U, static_cast<uid_t>(*owner), static_cast<gid_t>(*group)};
}

json::object encode(activation const& a) {
  json::array formers;
  for (auto const& f : a.formers) formers.push_back(encode(f));
  std::string_view state;
  for (auto const& row : state_names)
    if (row.state == a.state) state = row.name;
  return {{"state", state}, {"roll_back", a.roll_back}, {"manifest", encode(a.set)}, {"formers", std::move(formers)}};
}

error damaged(std::string const& what, std::string const& cause) {
  return {errc::journal_damaged, "cannot read " + what + ": " + cause,
          "compare the node's files with their backups by hand, then move the journal away"};
}

result<activation> decode_activation(json::value const& value, std::string const& what) {
  activation a;
  auto const* set = core::member(value, "manifest");
  auto const* formers = core::member(value, "formers");
  auto const state = core::string_member(value, "state");
  if (set == nullptr || formers == nullptr || !formers->is_array() || !state)
    return damaged(what, "not an activation record");
  auto decoded = decode_manifest(*set, what);
  if (!decoded) return damaged(what, decoded.error().what);
  a.set = std::move(*decoded);
  a.roll_back = core::bool_member(value, "roll_back").value_or(false);
  for (auto const& f : formers->get_array()) {
    auto const sha256 = core::string_member(f, "sha256");
    auto const backup = core::string_member(f, "backup");
    if (!sha256 || !backup) return damaged(what, "a former file without digest or backup");
    a.formers.push_back({*sha256, *backup, decode_attributes(f)});
  }
  if (a.formers.size() != a.set.files.size()) return damaged(what, "files and former files do not match");
  for (auto const& row : state_names)
    if (row.name == *state) {
      a.state = row.state;
      return a;
    }
  return damaged(what, "unknown state " + *state);
}

}  // namespace

result<journal> read_journal(fs::path const& stage_dir) {
  auto const path = stage_dir / "journal.json";
  std::error_code ec;
  if (!fs::exists(path, ec)) {
    if (ec && ec != std::errc::no_such_file_or_directory) return damaged(path.string(), ec.message());
    return journal{};
  }
  auto const text = core::read_file(path);
  if (!text) return damaged(path.string(), text.error().what);
  auto const value = core::parse_json(*text, path.string());
  if (!value) return damaged(path.string(), value.error().what);
  journal j;
  if (auto const* in_flight = core::member(*value, "in_flight"); in_flight != nullptr && !in_flight->is_null()) {
    TRY_ASSIGN(j.in_flight, decode_activation(*in_flight, path.string()));
  }
  auto const* committed = core::member(*value, "committed");
  if (committed == nullptr || !committed->is_array()) return damaged(path.string(), "no list of committed sets");
  for (auto const& entry : committed->get_array()) {
    TRY_ASSIGN(auto a, decode_activation(entry, path.string()));
    j.committed.push_back(std::move(a));
  }
  j.failed_set = core::string_member(*value, "failed_set").value_or("");
  j.rolled_back = core::bool_member(*value, "rolled_back").value_or(false);
  return j;
}

result<void> write_journal(fs::path const& stage_dir, journal const& journal) {
  json::array committed;
  for (auto const& a : journal.committed) committed.push_back(encode(a));
  json::value in_flight;
  if (journal.in_flight) in_flight = encode(*journal.in_flight);
  json::object const document{{"in_flight", std::move(in_flight)},
                              {"committed", std::move(committed)},
                              {"failed_set", journal.failed_set},
                              {"rolled_back", journal.rolled_back}};
  std::error_code ec;
  fs::create_directories(stage_dir, ec);
  return core::replace_file(stage_dir / "journal.json", json::serialize(document) + "\n");
}

}  // namespace files
