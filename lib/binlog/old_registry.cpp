#include "binlog/old_registry.hpp"

#include <algorithm>

#include "binlog/drainer_answers.hpp"

namespace binlog {
namespace {

old_node& entry_of(std::vector<old_node>& nodes, std::string_view id) {
  auto const found = std::find_if(nodes.begin(), nodes.end(), [&](old_node const& n) { return n.id == id; });
  if (found != nodes.end()) return *found;
  return nodes.emplace_back(old_node{std::string(id), {}, false});
}

core::result<std::uint64_t> cluster_id_in(core::result<http::response> const& answer, std::string const& what) {
  if (!answer) return answer.error();
  if (answer->status == 200) return decode_cluster_id(answer->body, what);
  return core::error{core::errc::bad_answer, "cannot use " + what + ": HTTP status " + std::to_string(answer->status)};
}

}  // namespace

core::result<old_registry> decode_old_registry(std::vector<key_value> const& keys) {
  constexpr std::string_view pumps = "/tidb-binlog/pumps/";
  constexpr std::string_view drainers = "/tidb-binlog/cisterns/";
  old_registry found;
  for (auto const& kv : keys) {
    std::string_view rest = kv.key;
    auto const of_pump = rest.starts_with(pumps);
    if (!of_pump && !rest.starts_with(drainers)) continue;
    rest.remove_prefix(of_pump ? pumps.size() : drainers.size());
    auto const slash = rest.rfind('/');
    if (slash == std::string_view::npos || slash == 0) continue;
    auto const what = rest.substr(slash + 1);
    if (what != "object" && what != "alive") continue;
    auto& node = entry_of(of_pump ? found.pumps : found.drainers, rest.substr(0, slash));
    if (what == "alive") {
      node.alive = true;  // its value is JSON or a file name, by version
      continue;
    }
    TRY_ASSIGN(auto const object, core::parse_json(kv.value, "key " + kv.key));
    auto const host = core::string_member(object, "Host");
    if (!host) return core::error{core::errc::bad_answer, "cannot use key " + kv.key + ": it has no Host"};
    node.host = *host;
  }
  return found;
}

core::result<std::uint64_t> decode_kept_cluster_id(std::string_view bytes) {
  std::uint64_t id = 0;
  for (char const c : bytes) id = id << 8U | static_cast<unsigned char>(c);
  if (bytes.size() == 8 && id != 0) return id;
  return core::error{core::errc::bad_answer, "cannot use key /pd/cluster_id: it is not a number of 8 bytes"};
}

core::result<std::uint64_t> read_cluster_id(http::client& client, std::vector<std::string> const& pd_urls, etcd& etcd,
                                            core::milliseconds timeout) {
  core::error last{core::errc::network_failure, "cannot read PD's cluster id: no pd_urls are known", "give pd_urls"};
  for (auto const& url : pd_urls) {
    auto const asked = url + "/pd/api/v1/members";
    auto id = cluster_id_in(client.send({.url = asked, .timeout = timeout}), asked);
    if (id) return id;
    last = id.error();
  }
  // Only where somebody answers, without PD's pages.
  if (last.code != core::errc::bad_answer) return last;
  auto const kept = etcd.get("/pd/cluster_id");
  if (kept && *kept) return decode_kept_cluster_id((*kept)->value);
  return last;
}

}  // namespace binlog
