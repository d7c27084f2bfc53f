#include "files/elf.hpp"

#include "core/descriptor.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

namespace files {
namespace {

core::error refuse(core::errc code, std::string_view what, std::string const& cause) {
  constexpr char const* hint = "take the file from the release archive of this host's architecture again";
  return {code, "cannot use " + std::string(what) + ": " + cause, hint};
}

core::error truncated(std::string_view what, std::string const& part, std::size_t size) {
  return refuse(core::errc::truncated, what,
                "it has " + std::to_string(size) + " bytes, but its " + part + " lies beyond (a transfer cut short?)");
}

// Whether [offset, offset + length) lies inside a file of `size` bytes; the sum may not wrap.
bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  return offset <= size && length <= size - offset;
}

template <class T>
std::optional<T> read_at(std::string_view content, std::uint64_t offset) {
  if (!inside(offset, sizeof(T), content.size())) return std::nullopt;
  T value;
  std::memcpy(&value, content.data() + offset, sizeof(T));
  return value;
}

std::string describe_other(std::string_view content) {
  auto const starts = [&](std::string_view magic) { return content.starts_with(magic); };
  auto const text = content.substr(0, content.find_first_not_of(" \t\r\n") == std::string_view::npos ? 0 : 512);
  auto const has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (content.empty()) return "an empty file";
  if (starts("#!")) return "a script";
  if (starts("\x1f\x8b")) return "a gzip archive (name its `member`)";
  if (starts("\xfd"
             "7zXZ"))
    return "an xz file";
  if (starts("PK")) return "a zip archive";
  if (starts("version https://git-lfs")) return "a Git LFS pointer";
  if (has("<!DOCTYPE") || has("<!doctype") || has("<html") || has("<HTML")) return "an HTML page";
  if (starts("<?xml") || has("<Error>")) return "an XML document";
  return "not an ELF file";
}

core::result<Elf64_Ehdr> check_header(std::string_view content, std::string_view what, std::uint16_t machine) {
  if (!content.starts_with(ELFMAG)) return refuse(core::errc::not_executable, what, describe_other(content));
  auto const header = read_at<Elf64_Ehdr>(content, 0);
  if (!header) return truncated(what, "ELF header", content.size());
  if (header->e_ident[EI_CLASS] != ELFCLASS64)
    return refuse(core::errc::wrong_architecture, what, "not a 64-bit executable");
  if (header->e_ident[EI_DATA] != ELFDATA2LSB)
    return refuse(core::errc::wrong_architecture, what, "not a little-endian executable");
  if (header->e_machine != machine)
    return refuse(core::errc::wrong_architecture, what,
                  "built for " + std::string(machine_name(header->e_machine)) + ", this host is " +
                      std::string(machine_name(machine)));
  if ((header->e_type != ET_EXEC && header->e_type != ET_DYN) || header->e_entry == 0)
    return refuse(core::errc::not_executable, what, "an ELF file, but not an executable");
  return *header;
}

core::result<void> check_sections(Elf64_Ehdr const& header, std::string_view content, std::string_view what) {
  if (header.e_shoff == 0) return {};
  auto const first = read_at<Elf64_Shdr>(content, header.e_shoff);
  if (!first) return truncated(what, "section table", content.size());
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    return refuse(core::errc::not_executable, what, "its section table is damaged");
  std::uint64_t const count = header.e_shnum != 0 ? header.e_shnum : first->sh_size;
  if (count > content.size() / sizeof(Elf64_Shdr) ||
      !inside(header.e_shoff, count * sizeof(Elf64_Shdr), content.size()))
    return truncated(what, "section table", content.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    auto const section = *read_at<Elf64_Shdr>(content, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type == SHT_NULL || section.sh_type == SHT_NOBITS) continue;
    if (!inside(section.sh_offset, section.sh_size, content.size()))
      return truncated(what, "section " + std::to_string(i), content.size());
  }
  return {};
}

core::result<void> check_segments(Elf64_Ehdr const& header, std::string_view content, std::string_view what) {
  std::uint64_t count = header.e_phnum;
  if (count == PN_XNUM) {
    auto const first = read_at<Elf64_Shdr>(content, header.e_shoff);
    if (!first) return truncated(what, "section table", content.size());
    count = first->sh_info;
  }
  if (count == 0 || header.e_phentsize != sizeof(Elf64_Phdr))
    return refuse(core::errc::not_executable, what, "it has no usable program headers");
  if (!inside(header.e_phoff, count * sizeof(Elf64_Phdr), content.size()))
    return truncated(what, "program header table", content.size());
  bool loads = false;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto const segment = *read_at<Elf64_Phdr>(content, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_NULL) continue;
    loads = loads || segment.p_type == PT_LOAD;
    if (!inside(segment.p_offset, segment.p_filesz, content.size()))
      return truncated(what, "segment " + std::to_string(i), content.size());
  }
  if (!loads) return refuse(core::errc::not_executable, what, "it has nothing to load");
  return {};
}

}  // namespace

std::uint16_t host_machine() {
#if defined(__x86_64__)
  return EM_X86_64;
#elif defined(__aarch64__)
  return EM_AARCH64;
#else
#error "name this architecture's e_machine"
#endif
}

std::string_view machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "arm64";
    case EM_386:
      return "i386";
    case EM_ARM:
      return "32-bit ARM";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "another machine";
  }
}

core::result<void> check_elf(std::string_view content, std::string_view what, std::uint16_t machine) {
  TRY_ASSIGN(auto const header, check_header(content, what, machine));
  TRY(check_segments(header, content, what));
  return check_sections(header, content, what);
}

core::result<void> check_elf_file(std::filesystem::path const& path, std::string_view what) {
  core::descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  auto const failed = [&](int e) { return core::system_error("read " + path.string(), e); };
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return failed(errno);
  if (status.st_size == 0) return check_elf({}, what);
  auto const size = static_cast<std::size_t>(status.st_size);
  auto* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapped == MAP_FAILED) return failed(errno);
  auto checked = check_elf({static_cast<char const*>(mapped), size}, what);
  ::munmap(mapped, size);
  return checked;
}

bool looks_runnable(std::string_view head) { return head.starts_with(ELFMAG) || head.starts_with("#!"); }

}  // namespace files
