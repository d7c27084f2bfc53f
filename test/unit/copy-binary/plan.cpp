#include "copy-binary/plan.hpp"

#include "copy-binary/diff.hpp"
#include "files/digest.hpp"

#include "../result_text.hpp"

using namespace copy_binary;

namespace {

std::string const new_digest = files::sha256("new");
std::string const old_digest = files::sha256("old");

// One file that is there in an old version, its new content at hand.
struct fixture {
  request asked;
  snapshot host;

  fixture() {
    file_request f;
    f.dest = "/d/pump";
    f.src = "/s/pump";
    asked.files.push_back(f);
    file_view v;
    v.dest = f.dest;
    v.content = {new_digest, 3, ""};
    v.from = {origin::kind::file, "/s/pump", {}, {}, {}};
    v.wanted = {0755, 0, 0};
    v.present = existing{old_digest, 3, {0755, 0, 0}};
    v.staged = files::staged_path(v.dest, new_digest);
    v.backup = "/d/pump.backup";
    v.space = v.backup_space = {1, 1U << 30U, true, true};
    host.files.push_back(v);
  }
  file_view& view() { return host.files[0]; }
  void stage() { asked.stage_dir = "/d/.upgrade"; }
  [[nodiscard]] plan made(bool manifest_there = false) const { return *make_plan(asked, host, manifest_there); }
};

}  // namespace

TEST_CASE("another content is copied", "[copy-binary]") {
  fixture f;
  CHECK(f.made().changed);
  CHECK(f.made().actions[0] == action::copy);
  f.view().present.reset();
  CHECK(f.made().actions[0] == action::copy);
}

TEST_CASE("what is in place already is left alone", "[copy-binary]") {
  fixture f;
  f.view().present = existing{new_digest, 3, {0755, 0, 0}};
  CHECK(!f.made().changed);
  CHECK(f.made().steps.empty());
  f.stage();
  CHECK(!f.made(false).changed);
  CHECK(!f.made(true).changed);
  CHECK(f.made().staged.files.size() == 1);
}

TEST_CASE("mode and owner change in place", "[copy-binary]") {
  fixture f;
  f.view().present = existing{new_digest, 3, {0700, 0, 0}};
  CHECK(f.made().actions[0] == action::attributes);
  CHECK(f.made().changed);
}

TEST_CASE("a staged copy with the content is used", "[copy-binary]") {
  fixture f;
  f.stage();
  CHECK(f.made().actions[0] == action::copy);
  f.view().staged_as = files::attributes{0755, 0, 0};
  CHECK(f.made(true).actions[0] == action::nothing);
  CHECK(!f.made(true).changed);
  CHECK(f.made(false).changed);  // the manifest is missing
  f.view().staged_as = files::attributes{0644, 0, 0};
  CHECK(f.made(true).actions[0] == action::attributes);
  CHECK(f.made(true).changed);
}

TEST_CASE("content that the host lacks is asked for, each digest once", "[copy-binary]") {
  fixture f;
  f.view().from = {};
  f.asked.files.push_back(f.asked.files[0]);
  f.host.files.push_back(f.host.files[0]);
  CHECK(f.made().need_upload == std::vector<std::string>{new_digest});
  f.view().present = existing{new_digest, 3, {0755, 0, 0}};
  f.host.files.pop_back();
  f.asked.files.pop_back();
  CHECK(f.made().need_upload.empty());
}

TEST_CASE("space is added up by file system", "[copy-binary]") {
  fixture f;
  f.view().content.size = 10U << 20U;
  f.view().space.free = 11U << 20U;
  CHECK(make_plan(f.asked, f.host, false));
  f.view().space.free -= 1;
  auto refused = make_plan(f.asked, f.host, false);
  REQUIRE(!refused);
  CHECK(refused.error().code == core::errc::no_space);

  f.view().space.free = 15U << 20U;
  f.asked.files.push_back(f.asked.files[0]);
  f.host.files.push_back(f.host.files[0]);
  CHECK(!make_plan(f.asked, f.host, false));
  f.host.files[1].space.device = f.host.files[1].backup_space.device = 2;
  CHECK(make_plan(f.asked, f.host, false));
}

TEST_CASE("a backup on another file system needs its own space", "[copy-binary]") {
  fixture f;
  f.view().present->size = 10U << 20U;
  f.view().backup_space = {2, 5U << 20U, true, true};
  CHECK(!make_plan(f.asked, f.host, false));
  f.asked.backup = 0;
  CHECK(make_plan(f.asked, f.host, false));
  f.asked.backup = 1;
  f.stage();  // staging backs nothing up
  CHECK(make_plan(f.asked, f.host, false));
}

TEST_CASE("a program can't be tried where nothing may run", "[copy-binary]") {
  fixture f;
  f.view().space.runs_programs = false;
  CHECK(make_plan(f.asked, f.host, false));
  f.asked.files[0].component = component::pump;
  auto const refused = make_plan(f.asked, f.host, false);
  REQUIRE(!refused);
  CHECK(refused.error().code == core::errc::bad_destination);
}

TEST_CASE("a program must be executable, by the mode asked for or that of the file replaced", "[copy-binary]") {
  fixture f;
  f.view().wanted.mode = 0644;
  CHECK(make_plan(f.asked, f.host, false));
  f.asked.files[0].component = component::pump;
  auto const refused = make_plan(f.asked, f.host, false);
  REQUIRE(!refused);
  CHECK(refused.error().code == core::errc::usage);
}

TEST_CASE("directories that are as wanted are left alone", "[copy-binary]") {
  fixture f;
  f.view().present = existing{new_digest, 3, {0755, 0, 0}};
  f.host.directories = {{"/d", files::attributes{0755, 0, 0}, {0755, 0, 0}}};
  CHECK(!f.made().changed);
  f.host.directories.push_back({"/d/log", {}, {0755, 0, 0}});
  CHECK(f.made().changed);
  CHECK(f.made().directories.size() == 1);
}

TEST_CASE("values of secret keys are not shown", "[copy-binary]") {
  CHECK(without_secrets("user = \"root\"\npassword = \"s3cret\"\n  db-Password: x\nport = 1") ==
        "user = \"root\"\npassword = ********\n  db-Password: ********\nport = 1");
  CHECK(without_secrets("").empty());
  CHECK(without_secrets("password") == "password");
}
