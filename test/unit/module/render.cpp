#include "module/render.hpp"

#include "core/json.hpp"

#include "../result_text.hpp"

using namespace module;

TEST_CASE("a result is one JSON object and a newline", "[module]") {
  outcome o;
  o.changed = true;
  o.msg = "done";
  o.fields["tso"] = 449999999999999999;
  o.warnings = {"careful"};
  o.plan = json::array{"step"};
  CHECK(render(o, core::milliseconds(7)) ==
        R"({"tso":449999999999999999,"changed":true,"failed":false,"msg":"done","elapsed_ms":7,"warnings":["careful"],)"
        R"("plan":["step"]})"
        "\n");
  CHECK(exit_status(o) == 0);
}

TEST_CASE("a failure has a code and a hint, and its own exit status", "[module]") {
  auto const o = outcome::failed({core::errc::no_space, "cannot write /x: full", "free space"});
  auto const v = *core::parse_json(render(o, {}), "it");
  CHECK(core::bool_member(v, "failed") == true);
  CHECK(core::bool_member(v, "changed") == false);
  CHECK(core::string_member(v, "msg") == "cannot write /x: full");
  CHECK(core::string_member(v.at("error"), "code") == "no_space");
  CHECK(core::string_member(v.at("error"), "hint") == "free space");
  CHECK(exit_status(o) == 1);
  CHECK(exit_status(outcome::failed({core::errc::usage, "x"})) == 100);
  CHECK(exit_status(outcome::failed({core::errc::timed_out, "x"})) == 99);
  CHECK(exit_status(outcome::failed({core::errc::network_failure, "x"})) == 111);
}

TEST_CASE("bytes that are no UTF-8 are escaped, all others stay", "[module]") {
  auto const& [given, shown] = GENERATE(table<std::string, std::string>({
      {"plain", "plain"},
      {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"a\xff"
       "b",
       "a\\\\xffb"},
      {"\xc3", "\\\\xc3"},                        // cut short
      {"\xc0\xaf", "\\\\xc0\\\\xaf"},             // longer than needed
      {"\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80"},  // a surrogate
      {"\xf4\x90\x80\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"},
      {"\xe0\x80\x80", "\\\\xe0\\\\x80\\\\x80"},
      {"\xe2\x82", "\\\\xe2\\\\x82"},
      {"\x80", "\\\\x80"},
  }));
  CHECK(escape_invalid_utf8(given) == shown);
  outcome o;
  o.msg = given;
  auto const v = core::parse_json(render(o, {}), "it");
  REQUIRE(v);
}
