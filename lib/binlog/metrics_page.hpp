// GET /metrics of an old node, and what it means that there is no such page. Tag rc2.3, the Local version, serves
// /status alone; /metrics came with commit a0ddfced of 2017-11-15 (tidb-binlog@rc2.3:pump/server.go,
// drainer/server.go).
#pragma once

#include "core/error.hpp"
#include "http/client.hpp"

#include <string>
#include <string_view>

namespace binlog {

// Its text. errc::no_metrics for a 404 alone: every other failure, a 500 too, may be of a version that has metrics.
core::result<std::string> metrics_page(core::result<http::response> answer, std::string const& url);

// Whether the old Drainer that answered so may be asked for its /status: tag v1.1, asked before its first look at the
// registry, never answers or replicates again (has_not_looked_yet). Its page must show that look; the Local version,
// which has no page, bears the question. Else the error of the answer, or errc::unproven.
core::result<void> may_be_asked(core::result<std::string> const& page);

constexpr bool serves_none(core::error const& e) { return e.code == core::errc::no_metrics; }

// Why a number can't be told: as the error says, and where the version has none, what shows it instead.
std::string cause(core::error const& e, std::string_view by_hand);

// What shows by hand what a version without metrics can't tell.
constexpr std::string_view drained_by_hand = "see that the barrier's table is in the downstream";
constexpr std::string_view applied_by_hand =
    "see that commitTS in savePoint, in the Drainer's data_dir, is at or past the barrier";
constexpr std::string_view quiet_by_hand =
    "see that every old TiDB is switched, and nobody is connected to an old Pump's socket";

}  // namespace binlog
