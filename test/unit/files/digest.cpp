#include "files/digest.hpp"

#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "temp_dir.hpp"

namespace {

// So old that what is read of it is remembered.
void let_settle() { std::this_thread::sleep_for(std::chrono::milliseconds(150)); }

std::string digest_of(std::filesystem::path const& path) {
  auto const digest = files::sha256_of_file(path);
  return digest ? *digest : digest.error().what;
}

}  // namespace

TEST_CASE("what is read ahead is what is there when it is asked for", "[files]") {
  temp_dir dir;
  std::string const one(3U << 20U, '1');
  std::string const two(3U << 20U, '2');
  auto const first = dir.write("first", one);
  auto const second = dir.write("second", two);
  auto const changed = dir.write("changed", one);
  let_settle();
  files::read_ahead({first, second, dir.path / "missing", changed, first});
  dir.write("changed", two);
  CHECK(digest_of(first) == files::sha256(one));
  CHECK(digest_of(second) == files::sha256(two));
  CHECK(digest_of(changed) == files::sha256(two));
  CHECK(!files::sha256_of_file(dir.path / "missing"));
}

TEST_CASE("a file that was written since is read again, a second name of it is not needed for that", "[files]") {
  temp_dir dir;
  auto const path = dir.write("pump", "one");
  let_settle();
  CHECK(digest_of(path) == files::sha256("one"));
  std::filesystem::create_hard_link(path, dir.path / "backup");
  files::keep_digest(dir.path / "backup");
  CHECK(digest_of(dir.path / "backup") == files::sha256("one"));
  dir.write("pump", "two");
  files::keep_digest(dir.path / "backup");
  CHECK(digest_of(path) == files::sha256("two"));
  CHECK(digest_of(dir.path / "backup") == files::sha256("two"));
}
