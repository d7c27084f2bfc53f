#include "files/install.hpp"

#include "files/digest.hpp"
#include "files/owner.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../result_text.hpp"

#include "temp_dir.hpp"

namespace {

files::attributes mine(unsigned mode) { return {mode, ::geteuid(), ::getegid()}; }

core::result<files::temporary_file> write(std::filesystem::path const& dest, std::string const& text,
                                          unsigned mode = 0644) {
  auto const from = files::open_text(text);
  return files::temporary_file::write(dest, *from, files::sha256(text), text.size(), mine(mode));
}

}  // namespace

TEST_CASE("a temporary file replaces its destination, or is gone", "[files]") {
  temp_dir dir;
  dir.write("dest", "old");
  {
    auto file = write(dir.path / "dest", "new", 0751);
    REQUIRE(file);
    CHECK(file->path().parent_path() == dir.path);
    CHECK(file->path().filename().string().starts_with(".dest."));
    CHECK(dir.read("dest") == "old");
    REQUIRE(file->rename_to(dir.path / "dest"));
  }
  CHECK(dir.read("dest") == "new");
  struct stat status {};
  REQUIRE(::stat((dir.path / "dest").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0751);
  { auto const dropped = write(dir.path / "dest", "other"); }
  CHECK(dir.count() == 1);
}

TEST_CASE("content that is not what was announced leaves nothing", "[files]") {
  temp_dir dir;
  for (auto const& [digest, size] : {std::pair(files::sha256("other"), 3U), std::pair(files::sha256("new"), 2U)}) {
    auto const from = files::open_text("new");
    auto const file = files::temporary_file::write(dir.path / "dest", *from, digest, size, mine(0644));
    REQUIRE(!file);
    CHECK(file.error().code == core::errc::digest_mismatch);
    CHECK(dir.count() == 0);
  }
}

TEST_CASE("leftovers of dead writers are removed, those of living ones stay", "[files]") {
  temp_dir dir;
  dir.write(".dest.123.copying", "half");
  dir.write("dest.copying", "somebody's");
  dir.write(".dest", "hidden");
  auto const living = write(dir.path / "dest", "new");
  REQUIRE(living);
  files::remove_leftovers(dir.path);
  CHECK(!std::filesystem::exists(dir.path / ".dest.123.copying"));
  CHECK(std::filesystem::exists(living->path()));
  CHECK(dir.count() == 3);
}

TEST_CASE("a long name still leaves room for the temporary one", "[files]") {
  temp_dir dir;
  auto file = write(dir.path / std::string(255, 'n'), "new");
  REQUIRE(file);
  CHECK(file->rename_to(dir.path / std::string(255, 'n')));
}

TEST_CASE("a memory file runs and leaves no trace", "[files]") {
  auto const source = files::open_file("/bin/true");
  REQUIRE(source);
  auto const digest = *files::sha256_of_file("/bin/true");
  auto const file = files::memory_file::write(**source, digest, std::filesystem::file_size("/bin/true"));
  REQUIRE(file);
  CHECK(std::system(file->path().c_str()) == 0);
}

TEST_CASE("a backup is a second name of the former version", "[files]") {
  temp_dir dir;
  auto const dest = dir.write("pump", "one");
  auto const backup = dir.path / "backup" / ("pump." + files::sha256("one").substr(0, 16));
  REQUIRE(files::back_up(dest, files::sha256("one"), backup));
  CHECK(std::filesystem::hard_link_count(backup) == 2);
  CHECK(files::back_up(dest, files::sha256("one"), backup));
  std::filesystem::remove(backup);
  dir.write("backup/" + backup.filename().string(), "damaged");
  REQUIRE(files::back_up(dest, files::sha256("one"), backup));
  CHECK(*files::sha256_of_file(backup) == files::sha256("one"));
}

TEST_CASE("only the newest backups of the same file stay", "[files]") {
  temp_dir dir;
  auto const hex = [](char c) { return std::string(16, c); };
  for (char const c : {'1', '2', '3', '4'}) {
    dir.write("pump." + hex(c), "x");
    ::usleep(20000);
  }
  dir.write("pump.toml." + hex('1'), "x");
  dir.write("pump." + hex('z'), "x");
  dir.write(".pump." + hex('1') + ".former", "x");
  files::remove_old_backups(dir.path / ("pump." + hex('1')), 2);
  CHECK(dir.count() == 5);
  CHECK(std::filesystem::exists(dir.path / ("pump." + hex('1'))));  // named as the newest, so it stays
  CHECK(std::filesystem::exists(dir.path / ("pump." + hex('4'))));
  files::remove_old_backups(dir.path / ("pump." + hex('4')), 1);
  CHECK(!std::filesystem::exists(dir.path / ("pump." + hex('1'))));
  CHECK(dir.count() == 4);
}

TEST_CASE("attributes change only where they differ", "[files]") {
  temp_dir dir;
  auto const file = dir.write("x", "x");
  CHECK(*files::set_attributes(file, mine(0600)));
  CHECK(!*files::set_attributes(file, mine(0600)));
  CHECK(!files::set_attributes(dir.path / "none", mine(0600)));
}

TEST_CASE("space is that of the nearest parent that exists", "[files]") {
  temp_dir dir;
  auto const here = files::space_at(dir.path);
  auto const below = files::space_at(dir.path / "a" / "b" / "c");
  REQUIRE(here);
  REQUIRE(below);
  CHECK(here->device == below->device);
  CHECK(here->free > 0);
}

TEST_CASE("users and groups are found by name and number", "[files]") {
  CHECK(files::find_user("root")->uid == 0);
  CHECK(files::find_user("root")->primary_group == 0U);
  CHECK(files::find_user("4711")->uid == 4711);
  CHECK(!files::find_user("4711")->primary_group);
  CHECK(*files::find_group("root") == 0);
  CHECK(*files::find_group("4711") == 4711);
  for (auto const* unknown : {"nobody-of-that-name", "", "-h", "a:b", "4294967295", "1e3"}) {
    INFO(unknown);
    REQUIRE(!files::find_user(unknown));
    REQUIRE(!files::find_group(unknown));
    CHECK(files::find_user(unknown).error().code == core::errc::usage);
    CHECK(files::find_group(unknown).error().code == core::errc::usage);
  }
}
