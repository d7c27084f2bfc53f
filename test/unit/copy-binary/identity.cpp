#include "copy-binary/identity.hpp"
#include "files/program.hpp"

#include "core/file.hpp"

#include "../result_text.hpp"

using namespace copy_binary;

TEST_CASE("versions are read as the releases print them", "[copy-binary]") {
  struct row {
    std::string sample;
    std::string release;
    std::string hash;
  };
  auto const& [sample, release, hash] = GENERATE(values<row>({
      {"version-V-stdout-v4.0.txt", "v4.0.14", "0123456789abcdef0123456789abcdef01234567"},
      {"version-V-stderr-v2.1.19.txt", "v2.1.19", "0123456789abcdef0123456789abcdef01234567"},
      {"version-V-stdout-unofficial-build.txt", "", ""},
  }));
  auto const v = files::parse_version(*core::read_file(std::string(SAMPLES) + "/" + sample));
  CHECK(v.labelled);
  CHECK(v.release == release);
  CHECK(v.git_hash == hash);
}

TEST_CASE("odd version texts", "[copy-binary]") {
  CHECK(files::parse_version("Git Commit Hash: abc\nBuild TS: x\n").best() == "abc");  // 2.1.0 to 2.1.6
  CHECK(files::parse_version("Release Version: v4.0.0-beta.1-31-g1a25971-dirty\r\n").best() ==
        "v4.0.0-beta.1-31-g1a25971-dirty");
  CHECK(files::parse_version("Release Version: \x1b[0;37mv2.1.8\x1b[0m").best() == "v2.1.8");
  CHECK(!files::parse_version("").labelled);
  CHECK(!files::parse_version("pump Version: 2.0.0+git").labelled);
  CHECK(!files::parse_version("usage: pump [-V]").labelled);
  CHECK(files::parse_version("Release Version:").labelled);
  CHECK(files::parse_version("Release Version:").best().empty());
  CHECK(files::parse_version("\x1b[").best().empty());
}

TEST_CASE("the component is told by -help", "[copy-binary]") {
  CHECK(component_in_help("Usage of pump:\n  -L string\n") == component::pump);
  CHECK(component_in_help("2019 [info] \nUsage of drainer:\n") == component::drainer);
  CHECK(component_in_help("Usage of tidb-server:\n") == component::any);
  CHECK(component_in_help("") == component::any);
}

TEST_CASE("only the known refusal of the stray word means that a configuration was taken", "[copy-binary]") {
  CHECK(judge_probe(1, "[FATAL] [error=\"'probe' is not a valid flag\"]", "/c"));
  for (auto const& [status, text] :
       {std::pair(1, "contained unknown configuration options: addrr"), std::pair(0, "'probe' is not a valid flag"),
        std::pair(-1, "'probe' is not a valid flag"), std::pair(2, ""),
        std::pair(1, "Near line 1: bare keys cannot contain")}) {
    auto const judged = judge_probe(status, text, "/c");
    REQUIRE(!judged);
    CHECK(judged.error().code == core::errc::config_rejected);
    CHECK(judged.error().what.find(text) != std::string::npos);
  }
}
