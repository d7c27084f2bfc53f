// What a pump.toml says (tidb-binlog:pump/storage/storage.go Config).
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace binlog {

// storage.stop-write-at-available-space in bytes; the default of 10 GiB where the file or the key is missing or can't
// be read.
double stop_write_space_of(std::filesystem::path const& pump_toml);

// "10 gib", "42MB", "1024" as tidb-binlog reads them (go-humanize: decimal and binary units, any case).
std::optional<double> parse_size(std::string_view text);

}  // namespace binlog
