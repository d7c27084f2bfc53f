#include "settings.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace wait_synced {
namespace {

using core::errc;
using core::error;
using core::result;

error usage(std::string what, std::string hint = "see --help") {
  return {errc::usage, std::move(what), std::move(hint)};
}

// The part behind "scheme://" up to the first slash; the whole where there is none.
std::string_view authority_of(std::string_view url) {
  if (auto const scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

bool has_port(std::string_view authority) {
  auto const colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return false;
  auto const bracket = authority.rfind(']');
  if (authority.starts_with('[') ? bracket + 1 != colon : authority.find(':') != colon) return false;
  int port = 0;
  auto const digits = authority.substr(colon + 1);
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return colon > 0 && ec == std::errc() && end == digits.data() + digits.size() && port > 0 && port < 65536;
}

result<std::string> base_url(std::string const& text, std::string const& option, bool tls) {
  auto const refuse = [&](std::string const& cause) {
    return usage("cannot use " + option + " " + text + ": " + cause, "write host:port, or a URL with a port");
  };
  auto url = text;
  if (url.find("://") == std::string::npos) url = (tls ? "https://" : "http://") + url;
  auto const secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) return refuse("neither http:// nor https://");
  if (secure && !tls) return refuse("https needs tls_ca");
  if (!secure && tls) return refuse("with tls_ca only https is spoken");
  auto const printable = [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '@'; };
  if (!std::all_of(url.begin(), url.end(), printable)) return refuse("it holds a character that no address has");
  if (!has_port(authority_of(url))) return refuse("it names no host and port");
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with("/status")) url.resize(url.size() - 7);
  return url;
}

result<std::vector<std::string>> base_urls(module::params const& params, std::string const& option, bool tls) {
  std::vector<std::string> urls;
  for (auto const& text : params.list(option)) {
    TRY_ASSIGN(auto url, base_url(text, option, tls));
    if (std::find(urls.begin(), urls.end(), url) == urls.end()) urls.push_back(std::move(url));
  }
  return urls;
}

result<void> decode_tls(module::params const& params, settings& s) {
  http::tls_files const files{params.string("tls_ca"), params.string("tls_cert"), params.string("tls_key"),
                              params.string("tls_server_name")};
  if (files.ca.empty() && (!files.cert.empty() || !files.key.empty() || !files.server_name.empty()))
    return usage("cannot use tls_cert, tls_key or tls_server_name: tls_ca is not given");
  if (files.cert.empty() != files.key.empty()) return usage("cannot use tls_cert without tls_key, or the reverse");
  if (files.ca.empty()) return {};
  s.tls = files;
  return http::check_tls_files(files);
}

result<std::optional<binlog::tso>> decode_since(std::string const& text) {
  if (text == "now") return std::optional<binlog::tso>();
  binlog::tso since;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), since.value);
  if (ec != std::errc() || end != text.data() + text.size() || since.value <= 0)
    return usage("cannot use since " + text + ": neither a TSO nor now");
  return std::optional(since);
}

result<void> check(settings const& s) {
  if (s.drainers.empty()) return usage("cannot do without drainers: the list is empty");
  if (!s.demanded.since && s.pumps.empty() && s.tso_from.empty())
    return usage("cannot take a fresh TSO for since: neither pumps nor tso_from is given",
                 "give one of them, or the TSO itself in since");
  if (s.interval < core::milliseconds(10)) return usage("cannot use interval: it is below 0.01 seconds");
  if (!s.evidence_file.empty() && !s.evidence_file.is_absolute())
    return usage("cannot use evidence_file " + s.evidence_file.string() + ": not an absolute path");
  if (!s.evidence_file.empty() && !std::filesystem::is_directory(s.evidence_file.parent_path()))
    return error{errc::bad_destination,
                 "cannot use evidence_file " + s.evidence_file.string() + ": its directory is missing",
                 "make the directory first"};
  return {};
}

}  // namespace

std::string address_of(std::string const& base_url) { return std::string(authority_of(base_url)); }

result<settings> decode(module::params const& params) {
  settings s;
  TRY(decode_tls(params, s));
  auto const tls = s.tls.has_value();
  TRY_ASSIGN(s.drainers, base_urls(params, "drainers", tls));
  TRY_ASSIGN(s.pumps, base_urls(params, "pumps", tls));
  TRY_ASSIGN(s.pd_urls, base_urls(params, "pd_urls", tls));
  TRY_ASSIGN(s.tidbs, base_urls(params, "tidbs", tls));
  TRY_ASSIGN(s.old_pumps, base_urls(params, "old_pumps", tls));
  if (params.has("tso_from")) {
    TRY_ASSIGN(s.tso_from, base_url(params.string("tso_from"), "tso_from", tls));
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
