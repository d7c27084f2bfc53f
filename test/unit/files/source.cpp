#include "files/source.hpp"

#include "files/digest.hpp"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "../result_text.hpp"

#include <cstring>

#include "temp_dir.hpp"

namespace {

std::string gzip(std::string const& text) {
  z_stream s{};
  deflateInit2(&s, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&s, text.size()) + 64, '\0');
  s.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  s.avail_in = static_cast<uInt>(text.size());
  s.next_out = reinterpret_cast<unsigned char*>(packed.data());
  s.avail_out = static_cast<uInt>(packed.size());
  deflate(&s, Z_FINISH);
  packed.resize(s.total_out);
  deflateEnd(&s);
  return packed;
}

std::string zstd(std::string const& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  auto* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);  // as the program zstd does
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

std::string xz(std::string const& text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t n = 0;
  lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<unsigned char const*>(text.data()),
                          text.size(), reinterpret_cast<unsigned char*>(packed.data()), &n, packed.size());
  packed.resize(n);
  return packed;
}

std::string packed_as(std::string_view encoding, std::string const& text) {
  return encoding == "gzip" ? gzip(text) : encoding == "xz" ? xz(text) : zstd(text);
}

core::result<std::string> all_of(core::result<std::unique_ptr<files::source>> opened) {
  if (!opened) return opened.error();
  std::string all;
  char buffer[1000];
  for (;;) {
    TRY_ASSIGN(auto const n, (*opened)->read(buffer, sizeof buffer));
    if (n == 0) return all;
    all.append(buffer, n);
  }
}

core::result<std::string> unpack(std::string_view encoding, std::string const& packed) {
  return all_of(files::unpack(encoding, files::open_text(packed), "the file"));
}

std::string tar_entry(std::string const& name, std::string const& content, char type = '0') {
  char header[512] = {};
  std::strncpy(header, name.c_str(), 100);
  std::strcpy(header + 100, "0000644");
  std::strcpy(header + 108, "0000000");
  std::strcpy(header + 116, "0000000");
  std::snprintf(header + 124, 12, "%011zo", content.size());
  std::strcpy(header + 136, "00000000000");
  header[156] = type;
  std::memcpy(header + 257, "ustar\00000", 8);
  std::memset(header + 148, ' ', 8);
  unsigned sum = 0;
  for (auto const c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header + 148, 8, "%06o", sum);
  return std::string(header, 512) + content + std::string((512 - content.size() % 512) % 512, '\0');
}

core::result<std::string> member(std::string const& archive, std::string const& name) {
  return all_of(files::open_tar_member(files::open_text(archive), name, "the archive"));
}

std::string const sample(300000, 'x');

}  // namespace

TEST_CASE("packed content comes out as it went in", "[files]") {
  for (auto const& text : {std::string(), std::string("pump"), sample}) {
    CHECK(*unpack("gzip", gzip(text)) == text);
    CHECK(*unpack("xz", xz(text)) == text);
    CHECK(*unpack("zstd", zstd(text)) == text);
    CHECK(*unpack("identity", text) == text);
  }
  CHECK(*unpack("gzip", gzip("a") + gzip("b")) == "ab");
  CHECK(*unpack("xz", xz("a") + xz("b")) == "ab");
  CHECK(*unpack("zstd", zstd("a") + zstd("b")) == "ab");
}

TEST_CASE("packed content cut short anywhere is refused", "[files]") {
  std::string const text = "some text to pack, some text to pack";
  for (auto const* encoding : {"gzip", "xz", "zstd"}) {
    auto const packed = packed_as(encoding, text);
    for (std::size_t n = 0; n < packed.size(); ++n) {
      INFO(encoding << " " << n);
      auto const got = unpack(encoding, packed.substr(0, n));
      REQUIRE(!got);
      CHECK(got.error().code == core::errc::source_unreadable);
      CHECK(got.error().what.find("the file") != std::string::npos);
    }
  }
}

TEST_CASE("packed content with a damaged byte is refused", "[files]") {
  std::string const text = "some text to pack, some text to pack";
  for (auto const* encoding : {"gzip", "xz", "zstd"}) {
    auto const packed = packed_as(encoding, text);
    for (std::size_t i = 0; i < packed.size(); ++i) {
      INFO(encoding << " " << i);
      auto damaged = packed;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
      auto const got = unpack(encoding, damaged);
      // gzip's header holds a time, a system and flags that are nobody's content.
      CHECK((!got || *got == text));
    }
    CHECK(!unpack(encoding, packed + "rubbish"));
    CHECK(!unpack(encoding, "<html>not packed at all</html>"));
  }
}

TEST_CASE("a bomb is stopped by the bound its reader sets", "[files]") {
  std::string bomb = xz(std::string(64U << 20U, '\0'));
  CHECK(bomb.size() < 20000);
  auto const opened = files::unpack("xz", files::open_text(bomb), "the bomb");
  REQUIRE(opened);
  auto const summary = files::summarize(**opened, 1000000);
  REQUIRE(!summary);
  CHECK(summary.error().code == core::errc::source_unreadable);
}

TEST_CASE("a member of an archive is found by its path", "[files]") {
  auto const archive = tar_entry("tidb/bin/", "", '5') + tar_entry("./tidb/bin/pump", "PUMP") +
                       tar_entry("tidb/bin/drainer", sample) + tar_entry("link", "", '2') + std::string(1024, '\0');
  CHECK(*member(archive, "tidb/bin/pump") == "PUMP");
  CHECK(*member(archive, "./tidb/bin/drainer") == sample);
  for (auto const* absent : {"pump", "tidb/bin", "tidb/bin/", "link", "", "/tidb/bin/pump"}) {
    INFO(absent);
    auto const got = member(archive, absent);
    REQUIRE(!got);
    CHECK(got.error().code == core::errc::source_unreadable);
  }
}

TEST_CASE("an archive that is damaged before the member's end is refused", "[files]") {
  auto const archive = tar_entry("a", "A") + tar_entry("pump", sample) + std::string(1024, '\0');
  for (auto const n : {0U, 1U, 511U, 512U, 700U, 1024U, 1500U, 2000U, 100000U}) {
    INFO(n);
    CHECK(!member(archive.substr(0, n), "pump"));
  }
  CHECK(!member("<html>not an archive</html>", "pump"));
  CHECK(!member(std::string(5000, '\xff'), "pump"));
}

TEST_CASE("damage behind the member of a packed archive counts", "[files]") {
  auto const packed = gzip(tar_entry("pump", "PUMP") + tar_entry("more", sample) + std::string(1024, '\0'));
  auto const pump_in = [](std::string const& bytes) -> core::result<std::string> {
    TRY_ASSIGN(auto unpacked, files::unpack("gzip", files::open_text(bytes), "the archive"));
    return all_of(files::open_tar_member(std::move(unpacked), "pump", "the archive"));
  };
  CHECK(*pump_in(packed) == "PUMP");
  CHECK(!pump_in(packed.substr(0, packed.size() - 1)));
  auto damaged = packed;
  damaged[packed.size() - 8] = static_cast<char>(damaged[packed.size() - 8] ^ 1);  // its CRC
  CHECK(!pump_in(damaged));
}

TEST_CASE("files are opened only where they are files", "[files]") {
  temp_dir dir;
  for (auto const& path : {dir.path / "none", dir.path, std::filesystem::path("/dev/null")}) {
    auto const opened = files::open_file(path);
    REQUIRE(!opened);
    CHECK(opened.error().code == core::errc::source_unreadable);
  }
}
