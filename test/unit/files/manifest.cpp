#include "files/manifest.hpp"

#include "files/digest.hpp"

#include <boost/json/serialize.hpp>
#include "../result_text.hpp"

#include <chrono>
#include <thread>

#include "temp_dir.hpp"

namespace {

std::string const a_digest = files::sha256("a");
std::string const b_digest = files::sha256("b");

files::manifest sample() {
  files::manifest m{{}, "pump", {}};
  m.files.push_back(
      {"/deploy/bin/pump", files::staged_path("/deploy/bin/pump", a_digest), a_digest, 0755, 1000, 1001, "v4.0.16"});
  m.files.push_back(
      {"/deploy/conf/pump.toml", files::staged_path("/deploy/conf/pump.toml", b_digest), b_digest, 0640, 0, 0, ""});
  m.set = files::set_digest(m);
  return m;
}

}  // namespace

TEST_CASE("SHA-256 is lower-case hex", "[files]") {
  CHECK(files::sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(files::sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  temp_dir dir;
  CHECK(*files::sha256_of_file(dir.write("x", std::string(1000000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  auto const missing = files::sha256_of_file(dir.path / "none");
  REQUIRE(!missing);
  CHECK(missing.error().code == core::errc::source_unreadable);
  CHECK(!files::sha256_of_file(dir.path));
  CHECK(files::is_digest(files::sha256("")));
  CHECK(!files::is_digest("E3B0"));
  CHECK(files::read_digest(std::string(64, 'A')) == std::string(64, 'a'));
  CHECK(!files::read_digest(std::string(63, 'a')));
  CHECK(!files::read_digest(std::string(64, 'g')));
}

TEST_CASE("a file's digest is that of what it holds now", "[files]") {
  temp_dir const dir;
  auto const path = dir.write("x", "one");
  CHECK(*files::sha256_of_file(path) == files::sha256("one"));
  dir.write("x", "two");  // at once: its times may be the same
  CHECK(*files::sha256_of_file(path) == files::sha256("two"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // from now on it is known by its times
  CHECK(*files::sha256_of_file(path) == files::sha256("two"));
  auto const times = std::filesystem::last_write_time(path);
  dir.write("x", "six");
  std::filesystem::last_write_time(path, times);
  CHECK(*files::sha256_of_file(path) == files::sha256("six"));
  std::filesystem::rename(dir.write("y", "ten"), path);
  CHECK(*files::sha256_of_file(path) == files::sha256("ten"));
}

TEST_CASE("a digest stays known over a rename of one's own, and over nothing that wrote", "[files]") {
  temp_dir const dir;
  auto const path = dir.write("x", "one");
  auto const renamed = dir.path / "y";
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  auto const times = std::filesystem::last_write_time(path);
  CHECK(*files::sha256_of_file(path) == files::sha256("one"));
  std::filesystem::rename(path, renamed);
  std::filesystem::permissions(renamed, std::filesystem::perms::owner_all);
  dir.write("y", "two");
  files::keep_digest(renamed);
  CHECK(*files::sha256_of_file(renamed) == files::sha256("two"));
  std::filesystem::last_write_time(renamed, times);  // only so it can be seen that it is not read again
  files::keep_digest(renamed);
  CHECK(*files::sha256_of_file(renamed) == files::sha256("one"));
}

TEST_CASE("a set's digest changes with what ends up in place, and with nothing else", "[files]") {
  auto const digest = sample().set;
  auto m = sample();
  std::swap(m.files[0], m.files[1]);
  m.files[0].version = "v9";
  m.component = "any";
  m.files[1].path = "/elsewhere";
  CHECK(files::set_digest(m) == digest);
  for (auto const change :
       {+[](files::staged_file& f) { f.dest = "/other"; }, +[](files::staged_file& f) { f.sha256 = b_digest; },
        +[](files::staged_file& f) { f.mode = 0750; }, +[](files::staged_file& f) { f.owner = 1; },
        +[](files::staged_file& f) { f.group = 1; }}) {
    auto other = sample();
    change(other.files[0]);
    CHECK(files::set_digest(other) != digest);
  }
}

TEST_CASE("staged copies lie hidden beside their destinations", "[files]") {
  CHECK(files::staged_path("/deploy/bin/pump", a_digest) == "/deploy/bin/.pump.ca978112ca1bbdca.staged");
}

TEST_CASE("a manifest written is read back", "[files]") {
  temp_dir dir;
  auto const m = sample();
  REQUIRE(files::write_manifest(dir.path / "stage", m));
  auto const back = files::read_manifest(dir.path / "stage", m.set);
  REQUIRE(back);
  CHECK(boost::json::serialize(files::encode(*back)) == boost::json::serialize(files::encode(m)));
  CHECK(back->files[0].owner == 1000);
  CHECK(back->files[1].mode == 0640);
}

TEST_CASE("a manifest that is not that of its set is refused", "[files]") {
  temp_dir dir;
  auto m = sample();
  auto const set = m.set;
  m.files[0].sha256 = b_digest;
  REQUIRE(files::write_manifest(dir.path, m));
  for (auto const& asked : {set, std::string("../../etc"), std::string(), files::sha256("unknown")}) {
    auto const read = files::read_manifest(dir.path, asked);
    REQUIRE(!read);
    CHECK(read.error().code == core::errc::stage_changed);
  }
}

TEST_CASE("malformed manifests are refused", "[files]") {
  auto const file = [](std::string const& members) {
    return R"({"set":"s","component":"any","files":[{)" + members + "}]}";
  };
  auto const good = R"("dest":"/d","path":"/p","mode":1,"owner":0,"group":0,"sha256":")" + a_digest + "\"";
  REQUIRE(files::decode_manifest(*core::parse_json(file(good), "it"), "it"));
  for (auto const& text :
       {std::string("{}"), std::string("[]"), std::string("null"),
        std::string(R"({"set":"s","component":"any","files":{}})"),
        std::string(R"({"set":1,"component":"any","files":[]})"), file(""), file(good + R"(,"dest":"relative")"),
        file(good + R"(,"path":"")"), file(good + R"(,"sha256":"abc")"), file(good + R"(,"mode":4096)"),
        file(good + R"(,"mode":-1)"), file(good + R"(,"owner":4294967295)"), file(good + R"(,"group":-1)"),
        file(good + R"(,"dest":"/a\u0000b")"),
        R"({"set":"s","component":"any","files":[{)" + good + "},{" + good + "}]}"}) {
    INFO(text);
    auto const parsed = core::parse_json(text, "it");
    REQUIRE(parsed);
    CHECK(!files::decode_manifest(*parsed, "it"));
  }
}
