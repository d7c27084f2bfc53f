#include "binlog/version.hpp"

#include <catch2/catch.hpp>

using binlog::version;

TEST_CASE("versions are ordered as they were released", "[binlog]") {
  std::vector<std::string> const ordered = {
      "v2.0.11-binlog",
      "v2.1.0-rc.5",
      "v2.1.0",
      "v2.1.9",
      "v2.1.16",
      "v2.1.16-20210910",
      "v2.1.17",
      "v3.0.0-beta.1",
      "v3.0.0-rc.2",
      "v3.0.0-rc.10",
      "v3.0.0",
      "v3.0.4",
      "v3.0.4-7-gabcdef0",
      "v3.0.5",
      "v3.0.13",
      "v4.0.0-alpha",
      "v4.0.0-beta",
      "v4.0.0-beta.1",
      "v4.0.0-beta.1-31-g1a25971",
      "v4.0.0-beta.2",
      "v4.0.0-rc",
      "v4.0.0-rc.1",
      "v4.0.0",
      "v4.0.16",
      "v4.0.16-3-g1234567-dirty",
      "v5.0.6",
      "v8.3.0",
      "v10.0.0",
  };
  for (std::size_t i = 0; i < ordered.size(); ++i)
    for (std::size_t k = 0; k < ordered.size(); ++k) {
      INFO(ordered[i] << " and " << ordered[k]);
      CHECK((version::parse(ordered[i]) < version::parse(ordered[k])) == (i < k));
      CHECK((version::parse(ordered[i]) == version::parse(ordered[k])) == (i == k));
    }
}

TEST_CASE("spellings of one version are equal", "[binlog]") {
  CHECK(version::parse("v4.0.16") == version::parse("4.0.16"));
  CHECK(version::parse("v4.0.16-dirty") == version::parse("v4.0.16"));
  CHECK(version::parse("v4.0.16\n") == version::parse("v4.0.16"));
  CHECK(version::parse("2.0.0+git") == version::parse("2.0.0"));
  CHECK(version::parse("v4.0.0-beta.1-31-g1a25971-dirty") == version::parse("v4.0.0-beta.1-31-g1a25971"));
  CHECK(version::parse("v4.0.16-dirty").text() == "v4.0.16-dirty");
}

TEST_CASE("what is no version is unknown and unordered", "[binlog]") {
  auto const text = GENERATE(as<std::string>(), "", "v", "4.0", "v4.0.x", "Not provided (use make build)", "None",
                             "nightly", "v4..0", "v99999999999.0.0", "-1.0.0", "1a25971");
  INFO(text);
  auto const unknown = version::parse(text);
  CHECK_FALSE(unknown.known());
  CHECK_FALSE(unknown == unknown);
  CHECK_FALSE(unknown < version::parse("v4.0.0"));
  CHECK_FALSE(unknown >= version::parse("v4.0.0"));
}

TEST_CASE("who notifies Drainers on every start", "[binlog]") {
  for (auto const* text : {"v2.0.11-binlog", "v2.1.0", "v2.1.19", "v3.0.0", "v3.0.4", "v3.0.4-7-gabcdef0",
                           "v4.0.0-alpha", "v4.0.0-alpha-31-g1a25971", "", "None"}) {
    INFO(text);
    CHECK(binlog::notifies_drainers_on_every_start(version::parse(text)));
  }
  for (auto const* text :
       {"v3.0.5", "v3.0.20", "v3.1.0-beta", "v3.1.0", "v4.0.0-beta", "v4.0.0", "v4.0.16", "v5.0.6", "v8.3.0"}) {
    INFO(text);
    CHECK_FALSE(binlog::notifies_drainers_on_every_start(version::parse(text)));
  }
}
