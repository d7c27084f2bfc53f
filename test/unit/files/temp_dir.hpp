// A directory of a test's own, removed with all in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

struct temp_dir {
  std::filesystem::path path;
  temp_dir() {
    std::string name = (std::filesystem::temp_directory_path() / "unit-files.XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~temp_dir() { std::filesystem::remove_all(path); }
  temp_dir(temp_dir const&) = delete;
  temp_dir& operator=(temp_dir const&) = delete;

  std::filesystem::path write(std::string const& name, std::string const& content) const {
    std::ofstream(path / name, std::ios::binary) << content;
    return path / name;
  }
  [[nodiscard]] std::string read(std::string const& name) const {
    std::ostringstream all;
    all << std::ifstream(path / name, std::ios::binary).rdbuf();
    return all.str();
  }
  [[nodiscard]] std::size_t count() const {
    std::size_t n = 0;
    for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator(path)) ++n;
    return n;
  }
};
