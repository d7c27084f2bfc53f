#include "files/activation.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "files/digest.hpp"

namespace fs = std::filesystem;
using files::activation_state;

namespace {

// A deployment with bin/pump "old" and no conf/pump.toml, and sets staged for it.
struct deployment {
  fs::path root = fs::temp_directory_path() / ("activation-" + std::to_string(::getpid()));
  fs::path stage = root / "stage";
  fs::path pump = root / "bin/pump";
  fs::path toml = root / "conf/pump.toml";

  deployment() {
    fs::remove_all(root);
    for (auto const* dir : {"bin", "conf", "backup", "stage"}) fs::create_directories(root / dir);
    write(pump, "old");
  }
  ~deployment() { fs::remove_all(root); }

  static void write(fs::path const& path, std::string const& content) { std::ofstream(path) << content; }
  static std::string read(fs::path const& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static files::staged_file staged(fs::path const& dest, std::string const& content) {
    auto const digest = files::sha256(content);
    auto const path = files::staged_path(dest, digest);
    write(path, content);
    return {dest, path, digest, 0644, ::getuid(), ::getgid(), ""};
  }
  files::manifest stage_set(std::string const& content) const {
    files::manifest set{"", "pump", {staged(pump, content), staged(toml, "gc = 7 # " + content)}};
    set.set = files::set_digest(set);
    REQUIRE(files::write_manifest(stage, set).has_value());
    return set;
  }
  core::result<void> activate(files::journal& journal, files::manifest const& set,
                              files::direction direction = files::direction::forward) const {
    TRY_ASSIGN(auto const prepared, files::prepare(journal, set, direction));
    return files::activate(stage, journal, prepared);
  }
  files::journal journal() const {
    auto read_back = files::read_journal(stage);
    REQUIRE(read_back.has_value());
    return *read_back;
  }
};

}  // namespace

TEST_CASE("activation puts every file in place and journals what it replaced", "[activation]") {
  deployment d;
  auto const set = d.stage_set("new");
  auto journal = d.journal();
  REQUIRE(d.activate(journal, set).has_value());
  CHECK(deployment::read(d.pump) == "new");
  CHECK(deployment::read(d.toml) == "gc = 7 # new");
  CHECK(files::differing_files(set).empty());
  auto const kept = d.journal();
  REQUIRE(kept.in_flight);
  CHECK(kept.in_flight->state == activation_state::active);
  CHECK(deployment::read(kept.in_flight->formers[0].backup) == "old");
  CHECK(kept.in_flight->formers[1].sha256.empty());
}

TEST_CASE("undo puts every file back and removes what was not there before", "[activation]") {
  deployment d;
  auto journal = d.journal();
  auto const set = d.stage_set("new");
  REQUIRE(d.activate(journal, set).has_value());
  REQUIRE(files::undo(d.stage, journal).has_value());
  CHECK(deployment::read(d.pump) == "old");
  CHECK_FALSE(fs::exists(d.toml));
  CHECK_FALSE(d.journal().in_flight);
  CHECK(d.journal().failed_set == set.set);
  CHECK(d.journal().committed.empty());
}

TEST_CASE("backups on another file system are copies, whole and with their mode", "[activation]") {
  deployment d;
  auto const elsewhere = fs::path("/dev/shm") / d.root.filename();
  fs::create_directories(elsewhere);
  struct stat here {};
  struct stat there {};
  REQUIRE(::stat(d.root.c_str(), &here) == 0);
  REQUIRE(::stat(elsewhere.c_str(), &there) == 0);
  REQUIRE(here.st_dev != there.st_dev);
  fs::remove(d.root / "backup");
  fs::create_symlink(elsewhere, d.root / "backup");
  fs::permissions(d.pump, fs::perms(0751));
  auto journal = d.journal();
  auto const set = d.stage_set("new");
  REQUIRE(d.activate(journal, set).has_value());
  auto const backup = d.journal().in_flight->formers[0].backup;
  CHECK(deployment::read(backup) == "old");
  CHECK(fs::status(backup).permissions() == fs::perms(0751));
  REQUIRE(files::undo(d.stage, journal).has_value());
  CHECK(deployment::read(d.pump) == "old");
  CHECK(fs::status(d.pump).permissions() == fs::perms(0751));
  for (auto const& dir : {d.root / "bin", elsewhere})
    for (auto const& entry : fs::directory_iterator(dir)) CHECK(entry.path().extension() != ".copying");
  fs::remove_all(elsewhere);
}

TEST_CASE("a file that only changes mode or owner gets its former ones back", "[activation]") {
  deployment d;
  deployment::write(d.toml, "gc = 7");
  fs::permissions(d.toml, fs::perms(0640));
  auto const mode = [&] { return static_cast<unsigned>(fs::status(d.toml).permissions()); };
  files::manifest set{"", "pump", {d.staged(d.pump, "new"), d.staged(d.toml, "gc = 7")}};
  set.files[1].mode = 0600;
  set.set = files::set_digest(set);
  auto journal = d.journal();
  REQUIRE(d.activate(journal, set).has_value());
  CHECK(mode() == 0600);
  SECTION("when it is undone, also by a later call") {
    auto read_again = d.journal();
    REQUIRE(files::undo(d.stage, read_again).has_value());
  }
  SECTION("when it is rolled back once committed") {
    REQUIRE(files::commit(d.stage, journal).has_value());
    auto const former = files::former_set(journal);
    REQUIRE(former.has_value());
    REQUIRE(d.activate(journal, *former, files::direction::roll_back).has_value());
  }
  CHECK(deployment::read(d.pump) == "old");
  CHECK(mode() == 0640);
}

TEST_CASE("an activation cut off after any file is finished or undone by the next call", "[activation]") {
  deployment d;
  auto const set = d.stage_set("new");
  auto journal = d.journal();
  REQUIRE(d.activate(journal, set).has_value());
  // As a kill between the two renames leaves it.
  journal.in_flight->state = activation_state::activating;
  REQUIRE(files::write_journal(d.stage, journal).has_value());
  fs::remove(d.toml);
  auto found = d.journal();
  SECTION("finished") {
    REQUIRE(d.activate(found, set).has_value());
    CHECK(deployment::read(d.toml) == "gc = 7 # new");
    REQUIRE(files::undo(d.stage, found).has_value());
    CHECK(deployment::read(d.pump) == "old");
  }
  SECTION("undone") {
    REQUIRE(files::undo(d.stage, found).has_value());
    CHECK(deployment::read(d.pump) == "old");
    CHECK_FALSE(fs::exists(d.toml));
  }
}

TEST_CASE("a damaged staged file is refused before anything is renamed", "[activation]") {
  deployment d;
  auto const set = d.stage_set("new");
  deployment::write(set.files[1].path, "torn");
  auto journal = d.journal();
  auto const done = d.activate(journal, set);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == core::errc::stage_changed);
  CHECK(deployment::read(d.pump) == "old");
}

TEST_CASE("a file changed after it was prepared is not replaced", "[activation]") {
  deployment d;
  auto journal = d.journal();
  auto const prepared = files::prepare(journal, d.stage_set("new"));
  REQUIRE(prepared.has_value());
  deployment::write(d.pump, "somebody else's");
  auto const done = files::activate(d.stage, journal, *prepared);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == core::errc::stage_changed);
  CHECK(deployment::read(d.pump) == "somebody else's");
  CHECK_FALSE(d.journal().in_flight);
}

TEST_CASE("the former set is the last committed one, never a failed one", "[activation]") {
  deployment d;
  auto journal = d.journal();
  REQUIRE(d.activate(journal, d.stage_set("one")).has_value());
  REQUIRE(files::commit(d.stage, journal).has_value());
  REQUIRE(d.activate(journal, d.stage_set("two, broken")).has_value());
  REQUIRE(files::undo(d.stage, journal).has_value());
  REQUIRE(d.activate(journal, d.stage_set("three")).has_value());
  REQUIRE(files::commit(d.stage, journal).has_value());

  auto former = files::former_set(journal);
  REQUIRE(former.has_value());
  REQUIRE(d.activate(journal, *former, files::direction::roll_back).has_value());
  CHECK(deployment::read(d.pump) == "one");
  REQUIRE(files::commit(d.stage, journal).has_value());
  CHECK(d.journal().rolled_back);
  CHECK(d.journal().committed.size() == 1);
}

TEST_CASE("staged copies are removed once committed, but not those of another waiting set", "[activation]") {
  deployment d;
  auto const mine = d.stage_set("mine");
  auto const other = d.stage_set("other");
  auto journal = d.journal();
  REQUIRE(d.activate(journal, mine).has_value());
  REQUIRE(files::commit(d.stage, journal).has_value());
  CHECK_FALSE(fs::exists(mine.files[0].path));
  CHECK(fs::exists(other.files[0].path));
  CHECK(files::check_staged(other).has_value());
}

TEST_CASE("nothing to roll back to is said, also when the backup is damaged", "[activation]") {
  deployment d;
  auto journal = d.journal();
  CHECK(files::former_set(journal).error().code == core::errc::nothing_to_roll_back);
  REQUIRE(d.activate(journal, d.stage_set("new")).has_value());
  REQUIRE(files::commit(d.stage, journal).has_value());
  deployment::write(journal.committed.back().formers[0].backup, "scribbled");
  CHECK(files::former_set(journal).error().code == core::errc::nothing_to_roll_back);
}

TEST_CASE("a journal that can't be read is an error, not an empty one", "[activation]") {
  deployment d;
  for (std::string const text :
       {"", "{", "[]", R"({"committed":1})", R"({"in_flight":{"state":"x"},"committed":[]})"}) {
    deployment::write(d.stage / "journal.json", text);
    auto const read = files::read_journal(d.stage);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == core::errc::journal_damaged);
  }
}
