// What a pump.toml or drainer.toml says (tidb-binlog:pump/storage/storage.go Config).
#pragma once

#include "binlog/tso.hpp"
#include "core/error.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace binlog {

// storage.stop-write-at-available-space in bytes; the default of 10 GiB where the file or the key is missing or can't
// be read.
double stop_write_space_of(std::filesystem::path const& pump_toml);

// The keys outside any table that have string or integer values, as text; empty where the file is missing or is not
// TOML.
std::map<std::string, std::string> top_level_values(std::filesystem::path const& toml_file);

// What a drainer.toml says of its checkpoint and of TLS; defaults where the file or a key is missing.
struct drainer_config {
  std::string db_type = "mysql";  // [syncer] db-type
  std::string checkpoint_type;    // [syncer.to.checkpoint] type; empty: goes by db_type
  std::string ssl_ca;             // [security]
  std::string ssl_cert;
  std::string ssl_key;

  // Whether the checkpoint is the file <data_dir>/savepoint and not a row downstream (tidb-binlog:drainer/util.go).
  [[nodiscard]] bool keeps_savepoint() const;
};
drainer_config read_drainer_config(std::filesystem::path const& drainer_toml);

// commitTS of <data_dir>/savepoint; nothing where there is no such file or it holds none. errc::bad_answer where it
// can't be read.
core::result<std::optional<tso>> read_savepoint(std::filesystem::path const& file);

// "10 gib", "42MB", "1024" as tidb-binlog reads them (go-humanize: decimal and binary units, any case).
std::optional<double> parse_size(std::string_view text);

}  // namespace binlog
