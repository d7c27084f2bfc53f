// Who uses what on this host: connections, sockets, directories. From /proc.
#pragma once

#include "core/error.hpp"
#include "process/inspect.hpp"
#include "process/proc_text.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace process {

// Every TCP socket of this host's network, IPv4 and IPv6.
core::result<std::vector<tcp_row>> tcp_sockets();
// The addresses of this host's interfaces, as text.
core::result<std::set<std::string>> local_addresses();
// 127.0.0.0/8 and ::1 too.
bool is_local(std::string const& address, std::set<std::string> const& local);

// How many clients are connected to the unix socket that the process has bound at `path`.
core::result<std::size_t> clients_of_unix_socket(id const& server, std::filesystem::path const& path);

// The processes that have something below the directory open; for root all of them, for others those of their own user.
core::result<std::vector<id>> users_of_directory(std::filesystem::path const& directory);
// Whether this one has.
core::result<bool> uses_directory(id const& process, std::filesystem::path const& directory);

// The process that holds the other end of a connection of this host to itself; nothing where it can't be told.
std::optional<id> holder_of_socket(std::uint64_t inode);

}  // namespace process
