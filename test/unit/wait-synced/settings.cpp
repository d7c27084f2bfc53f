#include "settings.hpp"

#include "../http/result_text.hpp"
#include "module/request.hpp"

using core::json::object;

namespace {

core::result<wait_synced::settings> decode(object values) {
  TRY_ASSIGN(auto const params, module::check_options(module::all_options(wait_synced::description()), values));
  return wait_synced::decode(params);
}

}  // namespace

TEST_CASE("addresses become base URLs", "[wait-synced]") {
  struct row {
    std::string given, url;  // "": refused
  };
  auto const r = GENERATE(values<row>({{"a:1", "http://a:1"},
                                       {"http://a:1/", "http://a:1"},
                                       {"http://a:1/status", "http://a:1"},
                                       {"http://a:1/d7", "http://a:1/d7"},
                                       {"[::1]:8249", "http://[::1]:8249"},
                                       {"a", ""},
                                       {":1", ""},
                                       {"a:0", ""},
                                       {"a:70000", ""},
                                       {"::1:8249", ""},
                                       {"[::1]", ""},
                                       {"https://a:1", ""},
                                       {"ftp://a:1", ""},
                                       {"a b:1", ""},
                                       {"u@a:1", ""}}));
  INFO(r.given);
  auto const decoded = decode({{"drainers", r.given}, {"since", 5}});
  CHECK(decoded.has_value() == !r.url.empty());
  if (decoded) CHECK(decoded->drainers == std::vector<std::string>{r.url});
}

TEST_CASE("TSOs are exact, and what contradicts itself is refused", "[wait-synced]") {
  auto const decoded = decode({{"drainers", "a:1"}, {"since", "417070684569600001"}, {"barrier", 417070684569600003}});
  REQUIRE(decoded);
  CHECK(decoded->demanded.since->value == 417070684569600001);
  CHECK(decoded->demanded.barrier->value == 417070684569600003);
  CHECK(decode({{"drainers", "a:1"}, {"since", 417070684569600001}})->demanded.since->value == 417070684569600001);
  for (auto const& values : std::vector<object>{{{"drainers", ""}, {"since", 5}},
                                                {{"drainers", "a:1"}},  // no source of a fresh TSO
                                                {{"drainers", "a:1"}, {"since", 0}},
                                                {{"drainers", "a:1"}, {"since", -5}},
                                                {{"drainers", "a:1"}, {"since", "4e17"}},
                                                {{"drainers", "a:1"}, {"since", 5}, {"accept", "everything"}},
                                                {{"drainers", "a:1"}, {"since", 5}, {"interval", 0}},
                                                {{"drainers", "a:1"}, {"since", 5}, {"kind", "new"}},
                                                {{"drainers", "a:1"}, {"since", 5}, {"tls_cert", "/x"}},
                                                {{"drainers", "a:1"}, {"since", 5}, {"evidence_file", "x"}}}) {
    auto const refused = decode(values);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::usage);
  }
}
