#include "core/json.hpp"

#include "../result_text.hpp"

TEST_CASE("JSON of foreign origin is bounded and checked", "[core]") {
  CHECK(core::parse_json(R"({"a":1})", "it"));
  for (auto const* bad : {"", "{", "{}{}", "nul", "\xff", R"({"a":})"}) {
    auto const parsed = core::parse_json(bad, "the answer");
    REQUIRE(!parsed);
    CHECK(parsed.error().code == core::errc::bad_answer);
    CHECK(parsed.error().what.starts_with("cannot parse the answer: "));
  }
  CHECK(!core::parse_json(std::string(100, '[') + std::string(100, ']'), "it"));
}

TEST_CASE("integers pass exactly, in both spellings, and never through a double", "[core]") {
  auto const value = *core::parse_json(
      R"({"n":9223372036854775807,"s":"449999999999999999","d":1.5,"e":1e3,"empty":"","x":"12x","big":9223372036854775808})",
      "it");
  CHECK(core::integer_member(value, "n") == 9223372036854775807);
  CHECK(core::integer_member(value, "s") == 449999999999999999);
  for (auto const* none : {"d", "e", "empty", "x", "big", "absent"}) CHECK(!core::integer_member(value, none));
}
