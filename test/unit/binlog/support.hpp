// What the tests of this folder share.
#pragma once

#include "../http/result_text.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace test {

inline std::string sample(std::string const& name) {
  std::ifstream file(std::string(SAMPLES "/") + name, std::ios::binary);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace test
