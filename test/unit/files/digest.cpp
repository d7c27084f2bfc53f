#include "files/digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <ctime>
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

namespace {

// What a former call left: of a file that this one has not read, a digest that is not its own, to show who is believed.
struct former_call {
  explicit former_call(char const* name) : file(dir.write(name, "one")) {}

  [[nodiscard]] std::string told(std::string const& boot, std::int64_t age_ms = 0) const {
    struct stat s {};
    REQUIRE(::stat(file.c_str(), &s) == 0);
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    auto const ns = [](timespec const& t) { return std::to_string(t.tv_sec * 1'000'000'000 + t.tv_nsec); };
    return R"({"boot":")" + boot + R"(","files":[{"sha256":")" + believed + R"(","at_ms":)" +
           std::to_string(now.tv_sec * 1000 + now.tv_nsec / 1'000'000 - age_ms) + R"(,"device":)" +
           std::to_string(s.st_dev) + R"(,"inode":)" + std::to_string(s.st_ino) + R"(,"size":)" +
           std::to_string(s.st_size) + R"(,"written_ns":)" + ns(s.st_mtim) + R"(,"changed_ns":)" + ns(s.st_ctim) +
           "}]}";
  }
  [[nodiscard]] std::string asked_after(std::string const& text, unsigned mode = 0600) const {
    std::filesystem::remove(dir.path / "digests.json");
    std::filesystem::permissions(dir.write("digests.json", text), std::filesystem::perms(mode));
    files::recall_digests(dir.path);
    return digest_of(file);
  }

  temp_dir dir;
  std::filesystem::path file;
  std::string believed = std::string(64, '7');
};

std::string this_boot() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace

TEST_CASE("what a former call read is not read again for five minutes", "[files]") {
  former_call const young("young");
  CHECK(young.asked_after(young.told(this_boot(), 200'000)) == young.believed);
  former_call const old("old");
  CHECK(old.asked_after(old.told(this_boot(), 301'000)) == files::sha256("one"));
}

TEST_CASE("what a former call read is read again when anything speaks against it", "[files]") {
  auto const real = files::sha256("one");
  former_call const call("pump");
  auto const told = call.told(this_boot());
  CHECK(call.asked_after(call.told("another-boot")) == real);
  CHECK(call.asked_after(call.told(this_boot(), -60'000)) == real);
  CHECK(call.asked_after(told, 0620) == real);
  CHECK(call.asked_after(told.substr(0, told.size() / 2)) == real);
  CHECK(call.asked_after("") == real);
  CHECK(call.asked_after(R"({"boot":")" + this_boot() + R"(","files":[1,{"sha256":"no digest at all"}]})") == real);
  let_settle();
  call.dir.write("pump", "two");
  CHECK(call.asked_after(told) == files::sha256("two"));
  std::filesystem::permissions(call.file, std::filesystem::perms(0700));
  CHECK(call.asked_after(told) == files::sha256("two"));
}

TEST_CASE("a new name of a file written since a former call read it gives it that call's digest no more", "[files]") {
  former_call const call("renamed");
  auto const told = call.told(this_boot());
  struct stat before {};
  REQUIRE(::stat(call.file.c_str(), &before) == 0);
  call.dir.write("renamed", "two");
  std::array<timespec, 2> const times{before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, call.file.c_str(), times.data(), 0) == 0);
  let_settle();
  CHECK(call.asked_after(told) == files::sha256("two"));
  std::filesystem::create_hard_link(call.file, call.dir.path / "backup");
  files::keep_digest(call.dir.path / "backup");
  CHECK(digest_of(call.file) == files::sha256("two"));
}

TEST_CASE("what is saved for the next call is what was read of large files that are not just being written",
          "[files]") {
  temp_dir dir;
  std::string const one(1U << 20U, '1');
  std::string const two(1U << 20U, '2');
  auto const settled = dir.write("settled", one);
  auto const small = dir.write("small", "small");
  let_settle();
  auto const fresh = dir.write("fresh", two);
  for (auto const& each : {settled, small, fresh}) (void)digest_of(each);
  files::save_digests(dir.path);
  auto const saved = dir.read("digests.json");
  CHECK(saved.starts_with(R"({"boot":")" + this_boot() + "\""));
  CHECK(saved.find(files::sha256(one)) != std::string::npos);
  CHECK(saved.find(files::sha256(two)) == std::string::npos);
  CHECK(saved.find(files::sha256("small")) == std::string::npos);
  CHECK((std::filesystem::status(dir.path / "digests.json").permissions() & std::filesystem::perms(0777)) ==
        std::filesystem::perms(0600));
}

TEST_CASE("of a program that runs it is saved also when its names have just changed", "[files]") {
  temp_dir dir;
  std::string const program(1U << 20U, 'p');
  auto const path = dir.write("pump", program);
  let_settle();
  (void)digest_of(path);
  std::filesystem::rename(path, dir.path / "renamed");
  files::keep_digest(dir.path / "renamed");
  files::save_digests(dir.path);
  CHECK(dir.read("digests.json").find(files::sha256(program)) == std::string::npos);
  files::save_digests(dir.path, dir.path / "renamed");
  CHECK(dir.read("digests.json").find(files::sha256(program)) != std::string::npos);
}
