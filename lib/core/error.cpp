#include "core/error.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace core {
namespace {

struct code_row {
  errc code;
  std::string_view name;
  int exit_status;
};

constexpr code_row code_table[] = {
    {errc::usage, "usage", 100},
    {errc::timed_out, "timed_out", 99},
    {errc::system_failure, "system_failure", 111},
    {errc::network_failure, "network_failure", 111},
    {errc::bad_answer, "bad_answer", 111},
    {errc::no_metrics, "no_metrics", 111},
    {errc::tls_failed, "tls_failed", 111},
    {errc::tls_plaintext_peer, "tls_plaintext_peer", 111},
    {errc::registry_unreadable, "registry_unreadable", 111},
    {errc::lock_unavailable, "lock_unavailable", 111},
    {errc::source_unreadable, "source_unreadable", 1},
    {errc::digest_mismatch, "digest_mismatch", 1},
    {errc::not_executable, "not_executable", 1},
    {errc::truncated, "truncated", 1},
    {errc::wrong_architecture, "wrong_architecture", 1},
    {errc::wrong_program, "wrong_program", 1},
    {errc::no_space, "no_space", 1},
    {errc::bad_destination, "bad_destination", 1},
    {errc::config_rejected, "config_rejected", 1},
    {errc::peers_not_ready, "peers_not_ready", 1},
    {errc::node_ambiguous, "node_ambiguous", 1},
    {errc::wrong_executable, "wrong_executable", 1},
    {errc::lock_held, "lock_held", 1},
    {errc::lock_lost, "lock_lost", 1},
    {errc::stage_changed, "stage_changed", 1},
    {errc::stop_timeout, "stop_timeout", 99},
    {errc::start_failed, "start_failed", 1},
    {errc::not_ready, "not_ready", 99},
    {errc::rolled_back, "rolled_back", 1},
    {errc::rollback_failed, "rollback_failed", 1},
    {errc::nothing_to_roll_back, "nothing_to_roll_back", 1},
    {errc::stale_drainer, "stale_drainer", 1},
    {errc::binlog_disabled, "binlog_disabled", 1},
    {errc::data_dir_changed, "data_dir_changed", 1},
    {errc::port_changed, "port_changed", 1},
    {errc::advertise_changed, "advertise_changed", 1},
    {errc::downgrade, "downgrade", 1},
    {errc::service_masked, "service_masked", 1},
    {errc::journal_damaged, "journal_damaged", 1},
    {errc::interrupted, "interrupted", 1},
    {errc::already_running, "already_running", 1},
    {errc::no_checkpoint, "no_checkpoint", 1},
    {errc::checkpoint_too_old, "checkpoint_too_old", 1},
    {errc::no_proof, "no_proof", 1},
    {errc::proof_too_old, "proof_too_old", 1},
    {errc::wrong_cluster, "wrong_cluster", 1},
    {errc::not_synced, "not_synced", 1},
    {errc::proof_disproved, "proof_disproved", 1},
    {errc::still_written, "still_written", 1},
    {errc::binlogs_lost, "binlogs_lost", 1},
    {errc::wrong_order, "wrong_order", 1},
    {errc::drainers_not_ready, "drainers_not_ready", 1},
    {errc::shared, "shared", 1},
    {errc::wrong_node, "wrong_node", 1},
    {errc::unproven, "unproven", 1},
    {errc::revived, "revived", 1},
    {errc::nothing_to_undo, "nothing_to_undo", 1},
};

code_row const& row_of(errc code) {
  for (auto const& row : code_table)
    if (row.code == code) return row;
  return code_table[2];
}

}  // namespace

std::string_view name(errc code) { return row_of(code).name; }

int exit_status(errc code) { return row_of(code).exit_status; }

void throw_exception_from_error(error const& e, boost::source_location const&) { throw std::logic_error(e.what); }

error system_error(std::string_view verb_object, int errno_value) {
  auto const full = errno_value == ENOSPC || errno_value == EDQUOT;
  return {full ? errc::no_space : errc::system_failure,
          "cannot " + std::string(verb_object) + ": " + std::strerror(errno_value),
          full ? "free space on that file system, then run the same command again" : ""};
}

}  // namespace core
