// Failures as values. A library returns result<T>; only module::serve prints or exits.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace core {

// Every error code of the tools. The JSON field error.code is its name(), the exit status its exit_status().
enum class errc {
  // exit status 100
  usage,  // unknown option, missing or ill-typed value, values that contradict each other
  // exit status 99
  timed_out,  // the deadline of the call or of one step passed
  // exit status 111
  system_failure,       // a system call failed
  network_failure,      // no connection, connection lost, name not found
  bad_answer,           // a peer answered something that is not what its API promises
  no_metrics,           // an old node of a version that serves no /metrics
  tls_failed,           // TLS handshake or verification failed
  tls_plaintext_peer,   // TLS demanded, the peer speaks plaintext
  registry_unreadable,  // neither PD's etcd nor a Pump gave the registry
  lock_unavailable,     // the lock's store (PD's etcd gateway) can't be used
  // exit status 1: files
  source_unreadable,   // the source is missing or can't be read
  digest_mismatch,     // content differs from the digest demanded
  not_executable,      // not an ELF executable (an HTML page, a script, an archive)
  truncated,           // an ELF file shorter than its own headers say
  wrong_architecture,  // an ELF file for other machines
  wrong_program,       // runs, but is not the component demanded
  no_space,            // the file system can't take the files
  bad_destination,     // a directory where a file must be, a symlink loop, a path not absolute
  config_rejected,     // the new binary refuses the configuration
  // exit status 1: nodes
  peers_not_ready,       // another Pump is not able to take the writes
  node_ambiguous,        // the node can't be told from another one
  wrong_executable,      // the process at the port is not <deploy_dir>/bin/<component>
  lock_held,             // another call holds the cluster-wide lock
  lock_lost,             // the lock was lost while the node was down
  stage_changed,         // the staged set is not the one planned
  stop_timeout,          // the process is still alive after stop_timeout
  start_failed,          // the supervisor could not start the node
  not_ready,             // alive, but not proven to do its job
  rolled_back,           // the new version failed; the node is back on its former version
  rollback_failed,       // the new version failed, and so did putting the former one back
  nothing_to_roll_back,  // no former set is known
  stale_drainer,         // a Drainer left online in the registry would block the Pump's start
  binlog_disabled,       // enable_binlog is not true
  data_dir_changed,      // the new set moves the data directory
  port_changed,          // the new set moves the port
  advertise_changed,     // the new set moves the advertised address
  downgrade,             // an older version than the one online
  service_masked,        // the supervisor is told never to start the node
  journal_damaged,       // the journal of a former call can't be read
  interrupted,           // asked to end (INT, TERM, HUP) before anything was stopped
  already_running,       // asked to start what runs another version
  no_checkpoint,         // a Drainer would not know where to go on from
  checkpoint_too_old,    // the Pumps no longer hold what a Drainer would read first
  // exit status 1: retiring an old node
  no_proof,            // no proof of wait-synced, or none that is about this node
  proof_too_old,       // older than max_age
  wrong_cluster,       // of another cluster than PD's
  not_synced,          // the proof does not say that all is applied
  proof_disproved,     // what the old Drainer says now contradicts the proof
  still_written,       // a TiDB still writes to the old Pump
  binlogs_lost,        // an old Pump lost binlogs while it told TiDB that all was well
  wrong_order,         // another node still needs this one
  drainers_not_ready,  // a new Drainer is not online, or not past the proof
  shared,              // others use what is to be stopped
  wrong_node,          // unit, process, executable, data directory and port do not belong together
  unproven,            // something required can't be read
  revived,             // started again by somebody after it was stopped
  nothing_to_undo,     // nothing was retired here
};

std::string_view name(errc code);
int exit_status(errc code);

struct error {
  errc code;
  std::string what;    // "cannot VERB OBJECT: CAUSE"
  std::string hint{};  // what to do about it; may be empty
};

template <class T = void>
using result = boost::system::result<T, error>;

[[noreturn]] void throw_exception_from_error(error const& e, boost::source_location const& where);

// "cannot VERB OBJECT: strerror(errno_value)" with errc::system_failure (no_space for ENOSPC and EDQUOT).
error system_error(std::string_view verb_object, int errno_value);

}  // namespace core

#define CORE_CONCAT_(a, b) a##b
#define CORE_CONCAT(a, b) CORE_CONCAT_(a, b)
// Returns the error of `expr` from the enclosing function, or goes on.
#define TRY(expr)                                                              \
  if (auto CORE_CONCAT(try_, __LINE__) = (expr); !CORE_CONCAT(try_, __LINE__)) \
  return std::move(CORE_CONCAT(try_, __LINE__)).error()
// The same, and binds the value: TRY_ASSIGN(auto file, open(path));
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration can't stand in them
#define TRY_ASSIGN(declaration, expr)                                                      \
  auto CORE_CONCAT(try_, __LINE__) = (expr);                                               \
  if (!CORE_CONCAT(try_, __LINE__)) return std::move(CORE_CONCAT(try_, __LINE__)).error(); \
  declaration = std::move(*CORE_CONCAT(try_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)
