// What a pump.toml or drainer.toml says (tidb-binlog:pump/storage/storage.go Config).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace binlog {

// storage.stop-write-at-available-space in bytes; the default of 10 GiB where the file or the key is missing or can't
// be read.
double stop_write_space_of(std::filesystem::path const& pump_toml);

// The keys outside any table that have string values; empty where the file is missing or is not TOML.
std::map<std::string, std::string> top_level_strings(std::filesystem::path const& toml_file);

// "10 gib", "42MB", "1024" as tidb-binlog reads them (go-humanize: decimal and binary units, any case).
std::optional<double> parse_size(std::string_view text);

}  // namespace binlog
