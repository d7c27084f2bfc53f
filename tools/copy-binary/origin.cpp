#include "copy-binary/survey.hpp"

#include <array>

namespace copy_binary {
namespace {

core::result<std::string_view> packing_of(fs::path const& path) {
  TRY_ASSIGN(auto const file, files::open_file(path));
  std::array<char, 6> magic{};
  TRY_ASSIGN(auto const n, file->read(magic.data(), magic.size()));
  std::string_view const head(magic.data(), n);
  if (head.starts_with("\x1f\x8b")) return std::string_view("gzip");
  return std::string_view(head.starts_with("\xfd"
                                           "7zXZ")
                              ? "xz"
                              : "identity");
}

}  // namespace

core::result<std::unique_ptr<files::source>> open(origin const& origin) {
  if (origin.kind == origin::kind::text) return files::open_text(origin.text);
  auto encoding = origin.encoding;
  if (origin.kind == origin::kind::member) {
    TRY_ASSIGN(encoding, packing_of(origin.path));
  }
  TRY_ASSIGN(auto file, files::open_file(origin.path));
  if (origin.kind == origin::kind::file) return file;
  auto unpacked = files::unpack(encoding, std::move(file), origin.path.string());
  if (!unpacked || origin.kind == origin::kind::upload) return unpacked;
  return files::open_tar_member(std::move(*unpacked), origin.member, origin.path.string());
}

}  // namespace copy_binary
