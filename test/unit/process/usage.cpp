// Who uses what on a host: tables of /proc, and this process itself.
#include "process/usage.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstring>
#include <fstream>
#include "../result_text.hpp"

#include "../files/temp_dir.hpp"

TEST_CASE("TCP tables are read with both ends", "[process]") {
  auto const rows = process::parse_tcp(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 42 1 0 100 0 0 10 0\n"
      "   1: 0B01000A:2384 0901000A:C350 01 00000000:00000000 00:00000000 00000000  1001        0 43 1 0 20 4 30 10 "
      "-1\n"
      "   2: 0000000000000000FFFF00000B01000A:2384 00000000000000000000000001000000:0001 06 0:0 0:0 0 1001 0 44 1\n");
  REQUIRE(rows);
  REQUIRE(rows->size() == 3);
  CHECK((*rows)[0].listening);
  CHECK((*rows)[0].local == "127.0.0.1");
  CHECK((*rows)[0].local_port == 9092);
  CHECK((*rows)[1].established);
  CHECK((*rows)[1].remote == "10.0.1.9");
  CHECK((*rows)[1].remote_port == 50000);
  CHECK((*rows)[1].inode == 43);
  CHECK((*rows)[2].local == "10.0.1.11");
  CHECK((*rows)[2].remote == "::1");
  CHECK_FALSE((*rows)[2].established);
  for (auto const* line :
       {"x", "0: 0100007F 00000000:0 0A 0:0 0:0 0 0 0 1", "0: ZZ00007F:1 00000000:0 0A 0:0 0:0 0 0 0 1"})
    CHECK_FALSE(process::parse_tcp(std::string("header\n") + line + "\n"));
}

TEST_CASE("connections of a unix socket are counted, its listener is not", "[process]") {
  std::string const table =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 11 /tmp/pump.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 12 /tmp/pump.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 13\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 14 /tmp/pump.sock2\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 15 /tmp/a pump.sock\n";
  CHECK(process::unix_connections(table, "/tmp/pump.sock") == 1U);
  CHECK(process::unix_connections(table, "/tmp/a pump.sock") == 1U);
  CHECK(process::unix_connections(table, "/tmp/none") == 0U);
  CHECK_FALSE(process::unix_connections("header\nshort line\n", "/tmp/none"));
}

TEST_CASE("a client of a unix socket is seen while it is connected", "[process]") {
  temp_dir const dir;
  auto const path = dir.path / "pump.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  auto const* const to = reinterpret_cast<sockaddr const*>(&address);
  int const server = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(server, to, sizeof address) == 0);
  REQUIRE(::listen(server, 4) == 0);
  auto const self = *process::identify(::getpid());
  CHECK(*process::clients_of_unix_socket(self, path) == 0);
  int const client = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::connect(client, to, sizeof address) == 0);
  int const accepted = ::accept(server, nullptr, nullptr);
  CHECK(*process::clients_of_unix_socket(self, path) == 1);
  for (int const fd : {accepted, client, server}) ::close(fd);
  CHECK(*process::clients_of_unix_socket(self, path) == 0);
}

TEST_CASE("a directory is used by whoever has a file of it open", "[process]") {
  temp_dir const dir;
  auto const data = dir.path / "data";
  std::filesystem::create_directory(data);
  std::filesystem::create_directory(dir.path / "data2");
  auto const self = *process::identify(::getpid());
  auto const uses = [&] {
    auto const users = process::users_of_directory(data);
    return users && std::find(users->begin(), users->end(), self) != users->end();
  };
  std::ofstream beside(dir.path / "data2/file");
  CHECK_FALSE(uses());
  {
    std::ofstream inside(data / "file");
    CHECK(uses());
    CHECK(*process::uses_directory(self, data));
  }
  CHECK_FALSE(uses());
}

TEST_CASE("this host's addresses hold the loopback", "[process]") {
  auto const local = process::local_addresses();
  REQUIRE(local);
  CHECK(process::is_local("127.4.5.6", *local));
  CHECK(process::is_local("::1", *local));
  CHECK_FALSE(process::is_local("192.0.2.1", *local));
}
