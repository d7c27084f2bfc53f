// Never SIGKILL a Pump or Drainer: the word and its ways in must not occur in the project's sources.
#include "support.hpp"

#include <regex>

using namespace support;

TEST_CASE("no library and no tool knows the signal that can't be caught", "[process][law]") {
  // SendSIGKILL, systemd's setting, is all right. Boost.Process' terminate() and group kill that way, too.
  std::regex const forbidden(
      R"(\bSIGKILL\b|kill(pg)?\s*\([^)]*,\s*9\s*\)|kill\s+-(9|KILL)|\bbp::group\b|child\.terminate)");
  std::filesystem::path const root = std::filesystem::path(SAMPLES) / "../../..";
  std::size_t files = 0;
  for (auto const* folder : {"lib", "tools"}) {
    for (auto const& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      auto const extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      ++files;
      std::istringstream text(content_of(entry.path()));
      for (std::string line; std::getline(text, line);) {
        auto const code = line.substr(0, line.find("//"));
        INFO(entry.path().string() << ": " << line);
        CHECK_FALSE(std::regex_search(code, forbidden));
      }
    }
  }
  CHECK(files > 20);
}
