#include "service/unit_file.hpp"

#include <unistd.h>
#include <cerrno>

#include "core/file.hpp"
#include "process/child.hpp"
#include "service/texts.hpp"

namespace service {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view nowhere = "/dev/null";

// A link made beside and renamed over.
core::result<void> link_over(fs::path const& target, fs::path const& place) {
  auto const beside = place.parent_path() / ("." + place.filename().string() + ".new");
  ::unlink(beside.c_str());
  if (::symlink(target.c_str(), beside.c_str()) != 0) return core::system_error("link " + place.string(), errno);
  if (::rename(beside.c_str(), place.c_str()) != 0) return core::system_error("link " + place.string(), errno);
  return core::sync_directory(place.parent_path());
}

// A unit file may be a link to where it was deployed.
core::result<void> copy_unit(fs::path const& from, fs::path const& to) {
  std::error_code ec;
  if (fs::is_symlink(from, ec)) return link_over(fs::read_symlink(from, ec), to);
  TRY_ASSIGN(auto const text, core::read_file(from));
  return core::replace_file(to, text, 0644);
}

bool in_its_own_place(fs::path const& file) { return mask_of(file) == file; }

}  // namespace

core::result<std::optional<fs::path>> unit_file_of(settings const& settings, core::deadline deadline) {
  auto const unit = settings.unit.ends_with(".service") ? settings.unit : settings.unit + ".service";
  TRY_ASSIGN(auto const done,
             process::run({{settings.systemctl, "--no-pager", "--no-ask-password", "show", "-p", "FragmentPath", unit}},
                          deadline));
  if (done.exit_code != 0)
    return core::error{core::errc::system_failure, "cannot look at " + unit + ": " + last_words(done),
                       "check that systemd runs on this host (systemctl is-system-running)"};
  auto const text = trimmed(done.out);
  constexpr std::string_view name = "FragmentPath=";
  if (!text.starts_with(name))
    return core::error{core::errc::bad_answer, "cannot look at " + unit + ": systemctl show gave no FragmentPath"};
  fs::path const file(std::string(text.substr(name.size())));
  if (file.empty() || is_mask(file)) return std::optional<fs::path>();
  return std::optional(file);
}

fs::path mask_of(fs::path const& file) {
  auto const text = file.string();
  for (auto const* elsewhere : {"/lib/", "/usr/", "/run/"})
    if (text.starts_with(elsewhere)) return fs::path("/etc/systemd/system") / file.filename();
  return file;
}

bool is_mask(fs::path const& path) {
  std::error_code ec;
  return path == nowhere || (fs::is_symlink(path, ec) && fs::read_symlink(path, ec) == nowhere);
}

core::result<bool> mask_unit(fs::path const& file, fs::path const& kept) {
  auto const mask = mask_of(file);
  if (is_mask(mask)) return false;
  TRY(copy_unit(file, kept));
  TRY(core::sync_directory(kept.parent_path()));
  TRY(link_over(nowhere, mask));
  return true;
}

core::result<bool> unmask_unit(fs::path const& file, fs::path const& kept) {
  auto const mask = mask_of(file);
  std::error_code ec;
  if (!is_mask(mask)) {
    if (fs::exists(file, ec)) return false;
    if (fs::exists(mask, ec) || fs::is_symlink(mask, ec))
      return core::error{core::errc::bad_destination,
                         "cannot put the unit back: " + mask.string() + " is not the link that was made",
                         "look at it; the unit file is kept at " + kept.string()};
  } else if (!in_its_own_place(file)) {
    if (::unlink(mask.c_str()) != 0) return core::system_error("remove " + mask.string(), errno);
    TRY(core::sync_directory(mask.parent_path()));
    return true;
  }
  TRY(copy_unit(kept, file));
  TRY(core::sync_directory(file.parent_path()));
  return true;
}

}  // namespace service
