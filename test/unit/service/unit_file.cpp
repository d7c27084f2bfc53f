// A unit's file taken away and put back.
#include "service/unit_file.hpp"

#include "support.hpp"

using namespace support;
namespace fs = std::filesystem;

TEST_CASE("a unit file is kept and masked, and comes back as it was", "[service]") {
  temp_dir dir;
  auto const file = dir / "pump.service";
  auto const kept = dir / "kept.service";
  write_file(file, "[Service]\nRestart=always\n");
  CHECK(*service::mask_unit(file, kept));
  CHECK(service::is_mask(file));
  CHECK(content_of(kept) == "[Service]\nRestart=always\n");
  CHECK_FALSE(*service::mask_unit(file, kept));
  CHECK(content_of(kept) == "[Service]\nRestart=always\n");

  CHECK(*service::unmask_unit(file, kept));
  CHECK_FALSE(service::is_mask(file));
  CHECK(content_of(file) == "[Service]\nRestart=always\n");
  CHECK_FALSE(*service::unmask_unit(file, kept));
}

TEST_CASE("a unit file that is a link comes back as a link", "[service]") {
  temp_dir dir;
  auto const real = dir / "deployed.service";
  auto const file = dir / "pump.service";
  write_file(real, "x");
  fs::create_symlink(real, file);
  CHECK(*service::mask_unit(file, dir / "kept.service"));
  CHECK(service::is_mask(file));
  CHECK(*service::unmask_unit(file, dir / "kept.service"));
  CHECK(fs::read_symlink(file) == real);
  CHECK(content_of(real) == "x");
}

TEST_CASE("another link in the unit's place is nobody's to remove", "[service]") {
  temp_dir dir;
  fs::create_symlink("/nowhere/else", dir / "pump.service");
  auto const refused = service::unmask_unit(dir / "pump.service", dir / "kept.service");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::bad_destination);
}

TEST_CASE("units of packages are masked in /etc", "[service]") {
  CHECK(service::mask_of("/etc/systemd/system/pump.service") == "/etc/systemd/system/pump.service");
  for (auto const* folder : {"/lib/systemd/system/", "/usr/lib/systemd/system/", "/run/systemd/system/"})
    CHECK(service::mask_of(std::string(folder) + "pump.service") == "/etc/systemd/system/pump.service");
}
