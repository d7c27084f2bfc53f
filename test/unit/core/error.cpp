#include "core/error.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <set>
#include <string>

TEST_CASE("every error code has a name of its own and a documented exit status", "[core]") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(core::errc::already_running); ++i) {
    auto const code = static_cast<core::errc>(i);
    INFO("code " << i << " " << core::name(code));
    CHECK(names.insert(core::name(code)).second);
    CHECK(std::set<int>{1, 99, 100, 111}.contains(core::exit_status(code)));
  }
}

TEST_CASE("a full disk and a full quota are told apart from other system failures", "[core]") {
  CHECK(core::system_error("write /x", ENOSPC).code == core::errc::no_space);
  CHECK(core::system_error("write /x", EDQUOT).code == core::errc::no_space);
  CHECK(core::system_error("write /x", EIO).code == core::errc::system_failure);
  CHECK(core::system_error("write /x", EIO).what == "cannot write /x: Input/output error");
}
