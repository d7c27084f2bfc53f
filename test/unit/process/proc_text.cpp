#include "process/proc_text.hpp"

#include <catch2/catch.hpp>

using namespace std::string_literals;

namespace {

std::string stat_text(std::string const& comm, std::string const& state, std::string const& threads) {
  return "417 (" + comm + ") " + state + " 12 417 417 0 -1 4194560 911 0 0 0 5 3 0 0 20 0 " + threads +
         " 0 123456789 12345 99 18446744073709551615 1 1 0\n";
}

}  // namespace

TEST_CASE("reads stat lines, whatever the name of the program", "[process]") {
  for (auto const& comm : {"pump"s, "a b"s, "a) S 1 1"s, "((sd-pam))"s, ""s, ") R 1"s}) {
    auto const stat = process::parse_stat(stat_text(comm, "S", "9"));
    REQUIRE(stat);
    CHECK(stat->comm == comm);
    CHECK(stat->pid == 417);
    CHECK(stat->state == 'S');
    CHECK(stat->parent == 12);
    CHECK(stat->threads == 9);
    CHECK(stat->start_ticks == 123456789);
  }
}

TEST_CASE("refuses stat lines it does not understand", "[process]") {
  for (auto const* text :
       {"", "417", "417 (pump)", "417 (pump) S 12", ")(", "x (pump) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9"})
    CHECK_FALSE(process::parse_stat(text));
}

TEST_CASE("a process whose first thread ended lives as long as the others", "[process]") {
  CHECK(process::ended(*process::parse_stat(stat_text("pump", "Z", "1"))));
  CHECK(process::ended(*process::parse_stat(stat_text("pump", "X", "1"))));
  CHECK_FALSE(process::ended(*process::parse_stat(stat_text("pump", "Z", "2"))));
  CHECK_FALSE(process::ended(*process::parse_stat(stat_text("pump", "D", "1"))));
}

TEST_CASE("reads the effective user from status", "[process]") {
  auto const owner = process::parse_status("Name:\tUid:\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n");
  REQUIRE(owner);
  CHECK(owner->uid == 2);
  CHECK(owner->gid == 6);
  CHECK_FALSE(process::parse_status("Uid:\t1\t2\t3\t4\n"));
}

TEST_CASE("splits command lines and environments", "[process]") {
  CHECK(process::split_nul("a\0b c\0\0d\0"s) == std::vector<std::string>{"a", "b c", "", "d"});
  CHECK(process::split_nul("a\0b"s) == std::vector<std::string>{"a", "b"});
  CHECK(process::split_nul("").empty());
}

TEST_CASE("finds listening sockets by port, IPv4 and IPv6", "[process]") {
  std::string const head =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  std::string const table =
      head +
      "   0: 00000000:203A 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0\n"
      "   1: 0100007F:203A 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 20 4 30\n"
      "   2: 0100007F:203B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100 0\n"
      "   3: 00000000000000000000000000000000:203A 00000000000000000000000000000000:0000 0A 00000000:00000000 "
      "00:00000000 00000000  1000        0 444 1 0 100 0\n";
  CHECK(process::listening_inodes(table, 8250) == std::vector<std::uint64_t>{111, 444});
  CHECK(process::listening_inodes(table, 8251) == std::vector<std::uint64_t>{333});
  CHECK(process::listening_inodes(table, 80) == std::vector<std::uint64_t>{});
  CHECK(process::listening_inodes(head, 80) == std::vector<std::uint64_t>{});
  CHECK_FALSE(process::listening_inodes(head + "   0: 00000000:203A 0A 1\n", 8250));
  CHECK_FALSE(process::listening_inodes(head + "   0: 0:XXXX 0:0 0A 0:0 0:0 0 0 0 1\n", 8250));
}

TEST_CASE("reads links below /proc", "[process]") {
  CHECK(process::socket_inode("socket:[77]") == 77);
  for (auto const* link : {"socket:[]", "socket:[7", "pipe:[7]", "/dev/null"}) CHECK_FALSE(process::socket_inode(link));
  CHECK(process::parse_exe_link("/d/bin/pump") == std::pair("/d/bin/pump"s, false));
  CHECK(process::parse_exe_link("/d/bin/pump (deleted)") == std::pair("/d/bin/pump"s, true));
}

TEST_CASE("knows systemd's control groups of all three layouts", "[process]") {
  using groups = std::vector<std::string>;
  CHECK(process::parse_control_groups("0::/system.slice/pump-8250.service\n") ==
        groups{"/system.slice/pump-8250.service"});
  CHECK(process::parse_control_groups(
            "11:cpu,cpuacct:/other\n1:name=systemd:/system.slice/p.service\n0::/system.slice/p.service\n") ==
        groups{"/system.slice/p.service"});
  CHECK(process::parse_control_groups("3:memory:/x\n1:name=systemd:/a:b\n") == groups{"/a:b"});
  CHECK(process::parse_control_groups("").empty());
}
