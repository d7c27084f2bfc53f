#include "copy-binary/request.hpp"

#include "copy-binary/copy_binary.hpp"
#include "module/request.hpp"

#include "../result_text.hpp"

using namespace copy_binary;

namespace {

core::result<request> decoded(std::string const& text) {
  TRY_ASSIGN(auto const asked, module::decode_args_file(text, "args"));
  TRY_ASSIGN(auto const params, module::check_options(module::all_options(description), asked.values));
  return decode(params);
}

std::string const digest(64, 'a');

}  // namespace

TEST_CASE("one file, or a list of them", "[copy-binary]") {
  auto const one = decoded(R"({"src":"/x/pump","dest":"/d/bin/","component":"pump","mode":"0755"})");
  REQUIRE(one);
  CHECK(!one->listed);
  CHECK(one->files[0].dest == "/d/bin/pump");
  CHECK(one->files[0].component == component::pump);
  CHECK(one->backup == 1);

  auto const two = decoded(R"({"files":[{"src":"/x.tar.gz","member":"a/pump","dest":"/d//bin/"},
                                        {"content":"","dest":"/d/conf/../conf/pump.toml"}],
                               "stage_dir":"/d/.upgrade/","backup":0})");
  REQUIRE(two);
  CHECK(two->listed);
  CHECK(two->files[0].dest == "/d/bin/pump");
  CHECK(two->files[1].dest == "/d/conf/pump.toml");
  CHECK(two->files[1].content == "");
  CHECK(two->backup == 0);
}

TEST_CASE("the action plugin's word for a file it has", "[copy-binary]") {
  auto const r = decoded(R"({"source":{"sha256":")" + digest +
                         R"(","size":"12","name":"pump","upload":"/tmp/u","encoding":"xz"},"dest":"/d/"})");
  REQUIRE(r);
  CHECK(r->files[0].dest == "/d/pump");
  CHECK(r->files[0].source->size == 12);
  CHECK(r->files[0].source->encoding == "xz");
}

TEST_CASE("options that contradict each other are refused by name", "[copy-binary]") {
  auto const& [text, code, named] = GENERATE_COPY(table<std::string, core::errc, std::string>({
      {R"({"dest":"/x"})", core::errc::usage, "src"},
      {R"({"src":"/x"})", core::errc::usage, "dest"},
      {R"({"src":"/x","content":"","dest":"/y"})", core::errc::usage, "content"},
      {R"({"content":"","member":"m","dest":"/y"})", core::errc::usage, "member"},
      {R"({"src":"/x","dest":"/y","sha256":""})", core::errc::usage, "sha256"},
      {R"({"files":[{"src":"/x","dest":"/y","sha256":""}]})", core::errc::usage, "files[0].sha256"},
      {R"({"content":"","dest":"/y/"})", core::errc::usage, "dest"},
      {R"({"src":"/x","dest":"y"})", core::errc::bad_destination, "y"},
      {R"({"src":"/","dest":"/y/"})", core::errc::usage, "dest"},
      {R"({"src":"/x/..","dest":"/y/"})", core::errc::usage, "dest"},
      {R"({"files":[]})", core::errc::usage, "files"},
      {R"({"files":[{"src":"/a","dest":"/x"},{"src":"/b","dest":"/./x"}]})", core::errc::usage, "/x"},
      {R"({"files":[{"src":"/a","dest":"/x"}],"dest":"/y"})", core::errc::usage, "dest"},
      {R"({"files":[{"src":"/a","dest":"/x"}],"component":"pump"})", core::errc::usage, "component"},
      {R"({"files":[{"dest":"/x"}]})", core::errc::usage, "files[0].src"},
      {R"({"files":[{"src":"/a","dest":"/x","files":[]}]})", core::errc::usage, "files[0].files"},
      {R"({"src":"/x","dest":"/y","probe_config":"/c"})", core::errc::usage, "probe_config"},
      {R"({"src":"/x","dest":"/y","stage_dir":"s"})", core::errc::bad_destination, "stage_dir"},
      {R"({"src":"/x","dest":"/y","backup_dir":"s"})", core::errc::bad_destination, "backup_dir"},
      {R"({"src":"/x","dest":"/y","backup":-1})", core::errc::usage, "backup"},
      {R"({"src":"/x","dest":"/y","component":"tidb"})", core::errc::usage, "component"},
      {R"({"src":"/x","dest":"/y","directories":[{"mode":"0755"}]})", core::errc::usage, "directories[0].path"},
      {R"({"src":"/x","dest":"/y","directories":[{"path":"a"}]})", core::errc::bad_destination, "directories"},
      {R"({"source":{"sha256":"abc","size":1},"dest":"/y"})", core::errc::usage, "source.sha256"},
      {R"({"source":{"size":1},"dest":"/y"})", core::errc::usage, "source.sha256"},
      {R"({"source":{"sha256":")" + digest + R"(","size":-1},"dest":"/y"})", core::errc::usage, "source.size"},
      {R"({"source":{"sha256":")" + digest + R"(","size":1,"encoding":"zip"},"dest":"/y"})", core::errc::usage,
       "source.encoding"},
  }));
  INFO(text);
  auto const r = decoded(text);
  REQUIRE(!r);
  CHECK(core::name(r.error().code) == core::name(code));
  CHECK(r.error().what.find(named) != std::string::npos);
}

TEST_CASE("digests are found in SHA256SUMS files", "[copy-binary]") {
  std::string const a(64, 'a');
  std::string const b(64, 'b');
  auto const sums = "# comment\n" + a + "  bin/pump\r\n" + std::string(64, 'B') + " *drainer\nshort  x\n";
  CHECK(digest_in_sums(sums, {"pump"}) == a);
  CHECK(digest_in_sums(sums, {"nothing", "drainer"}) == b);
  CHECK(!digest_in_sums(sums, {"x", ""}));
  CHECK(digest_in_sums(a + "\n", {"pump"}) == a);
  CHECK(!digest_in_sums(a + "x\n", {"pump"}));
  CHECK(!digest_in_sums(a + "\n" + b + "\n", {"pump"}));
  CHECK(!digest_in_sums("", {"pump"}));
}
