// A cluster-version Pump's or Drainer's own HTTP API (tidb-binlog:pump/status.go, pump/server.go, drainer/status.go).
#pragma once

#include "binlog/registry.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "http/client.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace binlog {

// GET /status of a Pump, only where ErrMsg is empty and status is not null; else errc::bad_answer with ErrMsg in the
// sentence. `nodes` is the whole registry of Pumps, not this Pump's own view; `commit_ts` a fresh TSO from PD.
struct pump_status {
  std::vector<node> nodes;
  tso commit_ts;
};
core::result<pump_status> decode_pump_status(std::string_view body, std::string_view what);

// GET /status of a cluster-version Drainer. An answer of another shape (Kafka or Local version, null) is bad_answer.
struct drainer_status {
  std::optional<std::map<std::string, tso>> pump_positions;  // nothing before the first registry poll
  bool synced = false;                                       // as reported; proves nothing
  tso last_ts;                                               // the saved checkpoint
};
core::result<drainer_status> decode_drainer_status(std::string_view body, std::string_view what);

// One sample of Prometheus text by name and the texts of some labels (`type="available"`); nothing where absent.
std::optional<double> metric(std::string_view text, std::string_view name,
                             std::initializer_list<std::string_view> labels = {});

// GET /drainers of a Pump: null means none or a registry read that failed, so it decodes to nothing.
core::result<std::optional<std::vector<node>>> decode_drainers(std::string_view body, std::string_view what);

// PUT /state/<id>/<action> answers HTTP 200 also when refused: the body's code decides. errc::bad_answer otherwise.
core::result<void> decode_state_answer(std::string_view body, std::string_view what);

// Talks to nodes: scheme by whether TLS files were given. `host` is "ip:port".
class node_client {
 public:
  node_client(http::client& client, bool tls) : client_(&client), tls_(tls) {}

  core::result<pump_status> status_of_pump(std::string const& host, core::milliseconds timeout);
  core::result<drainer_status> status_of_drainer(std::string const& host, core::milliseconds timeout);
  // The registry's Drainers as this Pump reads them; nothing: see decode_drainers.
  core::result<std::optional<std::vector<node>>> drainers_known_to(std::string const& host, core::milliseconds timeout);
  // Any HTTP answer at all: a process serves there.
  core::result<void> answers(std::string const& host, core::milliseconds timeout);
  // Asks a Pump to drain and go offline; returns when accepted.
  core::result<void> close_node(std::string const& host, std::string const& id, core::milliseconds timeout);

  // All Pumps at once; answers in the order of `hosts`.
  struct pump_answer {
    core::result<pump_status> status;
    std::optional<double> available_bytes;  // binlog_pump_storage_storage_size_bytes{type="available"}
    std::optional<double> gc_ms;  // binlog_pump_storage_gc_ts: binlogs before are purged; ms, 0 before the first
  };
  std::vector<pump_answer> ask_pumps(std::vector<std::string> const& hosts, core::milliseconds timeout);
  std::vector<core::result<void>> all_answer(std::vector<std::string> const& hosts, core::milliseconds timeout);

  [[nodiscard]] std::string url(std::string_view host, std::string_view path) const;

 private:
  http::client* client_;
  bool tls_;
};

// The registry where PD's gateway is off: from the first of these Pumps ("ip:port") that can read PD. errc::
// registry_unreadable naming what each of them said. At most four requests per Pump, one after the other.
core::result<registry> read_registry_through_pumps(node_client& client, std::vector<std::string> const& hosts,
                                                   core::milliseconds timeout);

}  // namespace binlog
