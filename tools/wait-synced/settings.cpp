#include "settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "http/url.hpp"

namespace wait_synced {
namespace {

using core::errc;
using core::error;
using core::result;

error usage(std::string what, std::string hint = "see --help") {
  return {errc::usage, std::move(what), std::move(hint)};
}

result<std::optional<binlog::tso>> decode_since(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";  // a template's
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  text = text.substr(0, text.find_last_not_of(blanks) + 1);
  if (text == "now") return std::optional<binlog::tso>();
  binlog::tso since;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), since.value);
  if (ec != std::errc() || end != text.data() + text.size() || since.value <= 0)
    return usage("cannot use since " + std::string(text) + ": neither a TSO nor now");
  return std::optional(since);
}

// Now, and not after an hour's wait.
result<void> check_evidence_file(std::filesystem::path const& file) {
  if (file.empty()) return {};
  if (!file.is_absolute()) return usage("cannot use evidence_file " + file.string() + ": not an absolute path");
  auto const refuse = [&](std::string const& cause, std::string hint) {
    return error{errc::bad_destination, "cannot use evidence_file " + file.string() + ": " + cause, std::move(hint)};
  };
  std::error_code ec;
  if (!std::filesystem::is_directory(file.parent_path(), ec))
    return refuse("its directory is missing", "make the directory first");
  if (std::filesystem::is_directory(file, ec) || !file.has_filename())
    return refuse("it is a directory", "name a file in it");
  if (::access(file.parent_path().c_str(), W_OK) != 0)
    return refuse("its directory can't be written: " + std::generic_category().message(errno), "");
  return {};
}

result<void> check(settings const& s) {
  if (s.drainers.empty()) return usage("cannot do without drainers: the list is empty");
  if (!s.demanded.since && s.pumps.empty() && s.tso_from.empty())
    return usage("cannot take a fresh TSO for since: neither pumps nor tso_from is given",
                 "give one of them, or the TSO itself in since");
  if (s.interval < core::milliseconds(10)) return usage("cannot use interval: it is below 0.01 seconds");
  return check_evidence_file(s.evidence_file);
}

}  // namespace

result<settings> decode(module::params const& params) {
  settings s;
  TRY_ASSIGN(s.tls, http::wanted_tls({params.string("tls_ca"), params.string("tls_cert"), params.string("tls_key"),
                                      params.string("tls_server_name")}));
  auto const tls = s.tls.has_value();
  TRY_ASSIGN(s.drainers, http::base_urls(params.list("drainers"), "drainers", tls));
  TRY_ASSIGN(s.pumps, http::base_urls(params.list("pumps"), "pumps", tls));
  TRY_ASSIGN(s.pd_urls, http::base_urls(params.list("pd_urls"), "pd_urls", tls));
  TRY_ASSIGN(s.tidbs, http::base_urls(params.list("tidbs"), "tidbs", tls));
  TRY_ASSIGN(s.old_pumps, http::base_urls(params.list("old_pumps"), "old_pumps", tls));
  TRY_ASSIGN(s.new_pumps, http::base_urls(params.list("new_pumps"), "new_pumps", tls));
  if (params.has("tso_from")) {
    TRY_ASSIGN(s.tso_from, http::base_url(params.string("tso_from"), "tso_from", tls));
  }
  s.expected_pumps = params.list("expected_pumps");
  auto const kind = params.string("kind");
  for (auto const known : {binlog::drainer_kind::cluster, binlog::drainer_kind::kafka, binlog::drainer_kind::local})
    if (kind == binlog::name(known)) s.demanded.kind = known;
  TRY_ASSIGN(s.demanded.since, decode_since(params.string("since")));
  if (params.has("barrier")) s.demanded.barrier = binlog::tso{params.integer("barrier")};
  s.demanded.stable_for = params.seconds("stable_for");
  for (auto const& name : params.list("accept"))
    if (auto const known = binlog::evidence_of(name)) s.demanded.accepted.insert(*known);
  s.interval = params.seconds("interval");
  s.timeout = params.seconds("timeout");
  s.evidence_file = params.string("evidence_file");
  TRY(check(s));
  return s;
}

}  // namespace wait_synced
