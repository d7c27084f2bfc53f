// A unit's file: taken out of systemd's sight so that nothing starts the unit any more, and put back. `systemctl mask`
// refuses units whose file is in /etc.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"
#include "service/supervisor.hpp"

#include <filesystem>
#include <optional>

namespace service {

// Where systemd read the unit from; nothing for a unit it does not know, and for one that is masked.
core::result<std::optional<std::filesystem::path>> unit_file_of(settings const& settings, core::deadline deadline);

// Where a link to /dev/null masks a unit read from `file`: its own place, or in /etc/systemd/system when it came with a
// package or lasts only until the next boot.
std::filesystem::path mask_of(std::filesystem::path const& file);

bool is_mask(std::filesystem::path const& path);

// Puts the link to /dev/null in the place of `file`, which is kept at `kept` (of a package: a copy). At every instant
// the unit file or the link is there, and one of the two whole. False where it was so already. Reload afterwards.
core::result<bool> mask_unit(std::filesystem::path const& file, std::filesystem::path const& kept);
// The reverse; `kept` stays. False where the unit file was in place already; errc::bad_destination where something else
// is in its place.
core::result<bool> unmask_unit(std::filesystem::path const& file, std::filesystem::path const& kept);

}  // namespace service
