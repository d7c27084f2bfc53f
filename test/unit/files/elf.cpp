#include "files/elf.hpp"

#include <elf.h>
#include "../result_text.hpp"

#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

namespace {

// The smallest file the checks accept: header, one segment, two sections with content.
struct small_elf {
  Elf64_Ehdr header{};
  Elf64_Phdr segment{};
  Elf64_Shdr sections[2]{};
  char content[64]{};

  small_elf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_entry = 0x400000;
    header.e_phoff = offsetof(small_elf, segment);
    header.e_phentsize = sizeof segment;
    header.e_phnum = 1;
    header.e_shoff = offsetof(small_elf, sections);
    header.e_shentsize = sizeof sections[0];
    header.e_shnum = 2;
    segment.p_type = PT_LOAD;
    segment.p_filesz = sizeof(small_elf);
    sections[1].sh_type = SHT_PROGBITS;
    sections[1].sh_offset = offsetof(small_elf, content);
    sections[1].sh_size = sizeof content;
  }
  [[nodiscard]] std::string bytes() const { return {reinterpret_cast<char const*>(this), sizeof *this}; }
};

core::result<void> check(std::string_view bytes) { return files::check_elf(bytes, "the file", EM_X86_64); }

}  // namespace

TEST_CASE("a whole executable passes", "[files]") {
  CHECK(check(small_elf().bytes()));
  CHECK(files::check_elf_file("/proc/self/exe", "this test"));
  auto elf = small_elf();
  elf.header.e_shoff = 0;  // stripped of its section table
  elf.header.e_shnum = 0;
  CHECK(check(elf.bytes()));
  elf.header.e_type = ET_DYN;
  CHECK(check(elf.bytes()));
}

TEST_CASE("damaged executables are refused by what is wrong with them", "[files]") {
  using core::errc;
  struct row {
    std::string name;
    std::function<void(small_elf&)> damage;
    errc code;
  };
  auto const& [name, damage, code] = GENERATE(values<row>({
      {"32 bits", [](auto& e) { e.header.e_ident[EI_CLASS] = ELFCLASS32; }, errc::wrong_architecture},
      {"big endian", [](auto& e) { e.header.e_ident[EI_DATA] = ELFDATA2MSB; }, errc::wrong_architecture},
      {"arm64", [](auto& e) { e.header.e_machine = EM_AARCH64; }, errc::wrong_architecture},
      {"an object file", [](auto& e) { e.header.e_type = ET_REL; }, errc::not_executable},
      {"a core dump", [](auto& e) { e.header.e_type = ET_CORE; }, errc::not_executable},
      {"a library without entry", [](auto& e) { e.header.e_entry = 0; }, errc::not_executable},
      {"no segments", [](auto& e) { e.header.e_phnum = 0; }, errc::not_executable},
      {"odd segment headers", [](auto& e) { e.header.e_phentsize = 8; }, errc::not_executable},
      {"nothing to load", [](auto& e) { e.segment.p_type = PT_NOTE; }, errc::not_executable},
      {"segment table beyond the end", [](auto& e) { e.header.e_phoff = 1U << 20U; }, errc::truncated},
      {"segment table that wraps", [](auto& e) { e.header.e_phoff = UINT64_MAX - 8; }, errc::truncated},
      {"segment beyond the end", [](auto& e) { e.segment.p_filesz = 1U << 20U; }, errc::truncated},
      {"segment that wraps", [](auto& e) { e.segment.p_offset = UINT64_MAX; }, errc::truncated},
      {"section table beyond the end", [](auto& e) { e.header.e_shoff = 1U << 20U; }, errc::truncated},
      {"too many sections", [](auto& e) { e.header.e_shnum = 60000; }, errc::truncated},
      {"section count that wraps",
       [](auto& e) {
         e.header.e_shnum = 0;
         e.sections[0].sh_size = UINT64_MAX / 2;
       },
       errc::truncated},
      {"odd section headers", [](auto& e) { e.header.e_shentsize = 1; }, errc::not_executable},
      {"section beyond the end", [](auto& e) { e.sections[1].sh_size = 1U << 20U; }, errc::truncated},
      {"many segments, no section to count them",
       [](auto& e) {
         e.header.e_phnum = PN_XNUM;
         e.header.e_shoff = 1U << 20U;
       },
       errc::truncated},
      {"many segments, none counted", [](auto& e) { e.header.e_phnum = PN_XNUM; }, errc::not_executable},
  }));
  INFO(name);
  small_elf elf;
  damage(elf);
  auto const checked = check(elf.bytes());
  REQUIRE(!checked);
  CHECK(core::name(checked.error().code) == core::name(code));
  CHECK(checked.error().what.starts_with("cannot use the file: "));
}

TEST_CASE("an executable cut short anywhere is refused", "[files]") {
  auto const bytes = small_elf().bytes();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    INFO(n << " bytes");
    CHECK(!check(std::string_view(bytes).substr(0, n)));
  }
}

TEST_CASE("a section without bytes in the file may claim any size", "[files]") {
  small_elf elf;
  elf.sections[1].sh_type = SHT_NOBITS;
  elf.sections[1].sh_size = UINT64_MAX;
  CHECK(check(elf.bytes()));
}

TEST_CASE("what is no executable at all is named", "[files]") {
  auto const& [content, words] = GENERATE(table<std::string, std::string>({
      {"", "an empty file"},
      {"#!/bin/sh\n", "a script"},
      {"\x1f\x8b\x08", "gzip"},
      {"\n<!DOCTYPE html>\n<html>", "an HTML page"},
      {"<html><body>404", "an HTML page"},
      {"<?xml version='1.0'?><Error>", "an XML document"},
      {"PK\x03\x04", "a zip archive"},
      {"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"},
      {"hello", "not an ELF file"},
  }));
  auto const checked = check(content);
  REQUIRE(!checked);
  CHECK(checked.error().code == core::errc::not_executable);
  CHECK(checked.error().what.find(words) != std::string::npos);
}
