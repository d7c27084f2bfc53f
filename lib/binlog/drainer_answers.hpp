// What Drainers of every era, and the Pumps and TiDBs around them, answer. Strict: a missing key, another type, an
// empty or an HTML answer is errc::bad_answer, never a value. Upstream:
// tidb-binlog:drainer/{server,syncer,collector}.go, pump/status.go; branch kafka and tag rc2.3 for the old ones.
#pragma once

#include "binlog/etcd.hpp"
#include "binlog/tso.hpp"
#include "core/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace binlog {

enum class drainer_kind { cluster, kafka, local };
std::string_view name(drainer_kind kind);
// Kafka and Local: the answer has a DepositWindow instead of LastTS.
constexpr bool is_old(drainer_kind kind) { return kind != drainer_kind::cluster; }

// GET /status of a Drainer. The kind is told by the shape: DepositWindow is old, LastTS is cluster, both or neither are
// nobody's. Among the old ones Local is told by file positions without TsMap.
struct drainer_answer {
  drainer_kind kind = drainer_kind::cluster;
  bool synced = false;                            // as reported; proves nothing
  std::optional<std::vector<std::string>> pumps;  // ids in PumpPos; nothing before the first look at the registry
  tso last_ts;                                    // cluster: the saved checkpoint
  tso lower;                                      // old: everything up to it was handed to the queue, not applied
  tso upper;                                      // old: PD's TSO at the last look; 0: none
};
core::result<drainer_answer> decode_drainer(std::string_view body, std::string_view what);

// GET /metrics of an old Drainer.
struct drainer_metrics {
  double queued = 0;                     // items in all queues; nothing is said about a batch already taken out
  double events = 0;                     // rows and statements applied since its start
  std::optional<std::int64_t> position;  // TSO of the last saved checkpoint, exact to 64; nothing until the first save
};
core::result<drainer_metrics> decode_drainer_metrics(std::string_view text, std::string_view what);

// By its /metrics: an old Drainer that has not looked at the registry since its start. Tag v1.1 answers a GET /status
// then by closing the connection, and never looks, answers or replicates again: it must not be asked
// (tidb-binlog@v1.1:drainer/collector.go HTTPStatus reads a status that is not there, with its lock held).
bool has_not_looked_yet(std::string_view metrics_text);

// GET /status of a Pump of any era.
struct pump_answer {
  bool old = false;
  std::vector<node> nodes;           // cluster: the whole registry
  std::vector<std::string> old_ids;  // old: the Pumps it knows
  tso commit_ts;                     // fresh from PD
};
core::result<pump_answer> decode_pump(std::string_view body, std::string_view what);

// GET /metrics of an old Pump: TiDB's calls since its start (its own fake binlogs bypass them), and binlogs lost while
// it told TiDB that all was well.
struct pump_writes {
  double calls = 0;
  double lost = 0;
};
core::result<pump_writes> decode_pump_writes(std::string_view text, std::string_view what);

// GET /metrics of a cluster-version Pump: binlogs of TiDBs that it took since its start. Its own fakes are told by
// their size, 26 bytes; whatever a TiDB writes names a key and has more than 32 (tidb-binlog:pump/storage/storage.go
// writeBinlog, pkg/util/ts.go; tipb:proto/binlog/binlog.proto).
core::result<double> decode_taken_binlogs(std::string_view text, std::string_view what);

// GET /info/all of a TiDB: the binlog_status of each server; "" where the version does not tell (before 2.1.19, 3.0.6).
struct tidb_server {
  std::string address;
  std::string binlog_status;
};
core::result<std::vector<tidb_server>> decode_tidb_servers(std::string_view body, std::string_view what);

// GET /settings of a TiDB, the configuration it runs with: the old Pump's socket it writes to, "" for none. 2.0 and
// earlier write wherever one is set, later ones with `enable` (pingcap/tidb:config/config.go, tidb-server/main.go
// setupBinlogClient).
core::result<std::string> decode_tidb_socket(std::string_view body, std::string_view what);

// Pumps in PD's registry, of both kinds: keys under /tidb-binlog/.
struct registered_pumps {
  struct old_pump {
    std::string id;
    tso offline_ts;  // when it was marked offline; 0: it is not
  };
  std::vector<node> cluster;
  std::vector<old_pump> old;
};
core::result<registered_pumps> decode_registered_pumps(std::vector<key_value> const& keys);

// header.cluster_id of PD's GET /pd/api/v1/members.
core::result<std::uint64_t> decode_cluster_id(std::string_view body, std::string_view what);

// Every sample of a name in Prometheus text: the value of one label ("" where it lacks it) and the number. Nothing
// where one of them can't be read.
std::optional<std::vector<std::pair<std::string, double>>> metrics(std::string_view text, std::string_view name,
                                                                   std::string_view label);

}  // namespace binlog
