#include "files/source.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>

#include <vector>

namespace files {
namespace {

class tar_member_source : public source {
 public:
  tar_member_source(std::unique_ptr<source> from, std::string what)
      : from_(std::move(from)), what_(std::move(what)), archive_(archive_read_new()), input_(1U << 16U) {}
  ~tar_member_source() override { archive_read_free(archive_); }
  tar_member_source(tar_member_source const&) = delete;
  tar_member_source& operator=(tar_member_source const&) = delete;

  core::result<void> find(std::string const& member) {
    archive_read_support_format_tar(archive_);
    if (archive_read_open(archive_, this, nullptr, &tar_member_source::pull, nullptr) != ARCHIVE_OK) return bad();
    archive_entry* entry = nullptr;
    for (;;) {
      auto const status = archive_read_next_header(archive_, &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return bad();
      auto const* path = archive_entry_pathname(entry);
      if (path == nullptr || plain(path) != plain(member)) continue;
      if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
        return error_of("the member " + member + " is not a regular file");
      return {};
    }
    return error_of("no member " + member + " in it");
  }

  core::result<std::size_t> read(char* buffer, std::size_t size) override {
    auto const n = archive_read_data(archive_, buffer, size);
    if (n < 0) return bad();
    if (n == 0 && size > 0) TRY(read_rest());
    return static_cast<std::size_t>(n);
  }

 private:
  static std::string_view plain(std::string_view path) {
    while (path.starts_with("./")) path.remove_prefix(2);
    return path;
  }

  static la_ssize_t pull(archive* a, void* self, void const** buffer) {
    auto& me = *static_cast<tar_member_source*>(self);
    auto const n = me.from_->read(me.input_.data(), me.input_.size());
    if (!n) {
      me.cause_ = n.error();
      archive_set_error(a, EIO, "read error");
      return ARCHIVE_FATAL;
    }
    *buffer = me.input_.data();
    return static_cast<la_ssize_t>(*n);
  }

  // The checksum of a packed archive comes at its end.
  core::result<void> read_rest() {
    for (;;) {
      TRY_ASSIGN(auto const n, from_->read(input_.data(), input_.size()));
      if (n == 0) return {};
    }
  }

  [[nodiscard]] core::error error_of(std::string const& cause) const {
    return {core::errc::source_unreadable, "cannot read " + what_ + ": " + cause, ""};
  }
  [[nodiscard]] core::error bad() const {
    if (!cause_.what.empty()) return cause_;
    auto const* text = archive_error_string(archive_);
    return error_of(text != nullptr ? text : "not a tar archive");
  }

  std::unique_ptr<source> from_;
  std::string what_;
  archive* archive_;
  std::vector<char> input_;
  core::error cause_{};  // of the bytes below, where they failed
};

}  // namespace

core::result<std::unique_ptr<source>> open_tar_member(std::unique_ptr<source> archive, std::string const& member,
                                                      std::string what) {
  auto opened = std::make_unique<tar_member_source>(std::move(archive), std::move(what));
  TRY(opened->find(member));
  return std::unique_ptr<source>(std::move(opened));
}

}  // namespace files
