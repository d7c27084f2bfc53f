#include "module/request.hpp"

#include "../result_text.hpp"

namespace {

using namespace module;

tool const sample{
    .name = "sample",
    .summary = "A tool",
    .description = {"It does nothing."},
    .options =
        {
            {.name = "deploy_dir", .type = option_type::path, .help = "Where.", .needed = presence::required},
            {.name = "name", .type = option_type::string, .help = "Who."},
            {.name = "since", .type = option_type::integer, .help = "TSO."},
            {.name = "port",
             .type = option_type::integer,
             .help = "Port.",
             .fallback = "8250",
             .least = 1,
             .most = 65535},
            {.name = "wait", .type = option_type::seconds, .help = "How long.", .fallback = "1.5"},
            {.name = "force", .type = option_type::boolean, .help = "Anyway."},
            {.name = "mode", .type = option_type::mode, .help = "Mode."},
            {.name = "accept", .type = option_type::list, .help = "Accepted.", .choices = {"port", "downgrade"}},
            {.name = "peers", .type = option_type::list, .help = "Others."},
            {.name = "how", .type = option_type::string, .help = "How.", .choices = {"fast", "slow"}},
            {.name = "staged", .type = option_type::any, .help = "Set."},
            {.name = "settings", .type = option_type::object, .help = "Some."},
            {.name = "files",
             .type = option_type::objects,
             .help = "Files.",
             .fields = {{.name = "dest", .type = option_type::path, .help = "Where.", .needed = presence::required},
                        {.name = "mode", .type = option_type::mode, .help = "Mode."}}},
        },
    .results = {{"dest", "str", "Where."}},
    .examples = "- sample: {}\n",
};

core::result<params> by_command(std::vector<std::string> words) {
  words.insert(words.begin(), "--deploy-dir=/d");
  TRY_ASSIGN(auto const asked, decode_command_line(sample, words));
  return check_options(all_options(sample), asked.values);
}

core::result<params> by_ansible(std::string const& members) {
  TRY_ASSIGN(auto const asked, decode_args_file(R"({"deploy_dir":"/d")" + members + "}", "args"));
  return check_options(all_options(sample), asked.values);
}

}  // namespace

TEST_CASE("both faces spell the same options", "[module]") {
  auto const p = GENERATE(
      by_command({"--name", "pump", "--since=449999999999999999", "--wait=0.25", "--force", "--mode", "0755",
                  "--accept=port,downgrade", "--peers", "a:1", "--peers=b:2", "--staged", "abc"}),
      by_command({"--name=pump", "--since", "449999999999999999", "--wait", ".25", "--force", "yes", "--mode=0o755",
                  "--accept", "port", "--accept=downgrade", "--peers", "a:1,b:2", "--staged=abc"}),
      by_ansible(R"(,"name":"pump","since":449999999999999999,"wait":0.25,"force":true,"mode":493,
                  "accept":["port","downgrade"],"peers":["a:1","b:2"],"staged":"abc","_ansible_new":{"a":1})"),
      by_ansible(R"(,"name":"pump","since":"449999999999999999","wait":"0.25","force":"yes","mode":"755",
                  "accept":"port, downgrade","peers":"a:1,b:2","staged":"abc","settings":null)"));
  REQUIRE(p);
  CHECK(p->string("deploy_dir") == "/d");
  CHECK(p->string("name") == "pump");
  CHECK(p->integer("since") == 449999999999999999);
  CHECK(p->integer("port") == 8250);
  CHECK(p->seconds("wait") == core::milliseconds(250));
  CHECK(p->boolean("force"));
  CHECK(p->mode("mode") == 0755U);
  CHECK(p->list("accept") == std::vector<std::string>{"port", "downgrade"});
  CHECK(p->list("peers") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(p->value("staged")->get_string() == "abc");
  CHECK(!p->has("settings"));
  CHECK(p->string("how").empty());
}

TEST_CASE("objects come native or as JSON text, with their members checked", "[module]") {
  auto const p = GENERATE(
      by_command(
          {"--files", R"({"dest":"/x","mode":"0644"})", "--files={\"dest\":\"/y\"}", "--staged", R"({"set":"s"})"}),
      by_command({"--files", R"([{"dest":"/x","mode":"0644"},{"dest":"/y"}])", "--staged", R"({"set":"s"})"}),
      by_command({"--files", R"([{"dest":"/x","mode":420}])", R"(--files={"dest":"/y"})", R"(--staged={"set":"s"})"}),
      by_ansible(R"(,"files":[{"dest":"/x","mode":420},{"dest":"/y"}],"staged":{"set":"s"})"),
      by_ansible(R"(,"files":"[{\"dest\":\"/x\",\"mode\":\"644\"},{\"dest\":\"/y\"}]","staged":" {\"set\":\"s\"}")"));
  REQUIRE(p);
  auto const files = p->objects("files");
  REQUIRE(files.size() == 2);
  CHECK(files[0].string("dest") == "/x");
  CHECK(files[0].mode("mode") == 0644U);
  CHECK(files[1].string("dest") == "/y");
  CHECK(!files[1].mode("mode"));
  CHECK(p->value("staged")->is_object());
}

TEST_CASE("bad values on the command line are usage errors that name the option", "[module]") {
  struct row {
    std::vector<std::string> words;
    std::string named;
  };
  auto const& [words, named] = GENERATE(values<row>({
      {{"--speed", "9"}, "--speed"},
      {{"--deploy_dir", "/x"}, "--deploy_dir"},
      {{"now"}, "now"},
      {{"-x"}, "-x"},
      {{"--port"}, "--port"},
      {{"--port", "--force"}, "--port"},
      {{"--port", "1", "--port=2"}, "--port"},
      {{"--port="}, "port"},
      {{"--port", "0"}, "port"},
      {{"--port", "65536"}, "port"},
      {{"--port", "web"}, "port"},
      {{"--port", "80x"}, "port"},
      {{"--since", "9223372036854775808"}, "since"},
      {{"--wait", "soon"}, "wait"},
      {{"--wait", "-1"}, "wait"},
      {{"--wait", "nan"}, "wait"},
      {{"--wait", "inf"}, "wait"},
      {{"--wait", "1e300"}, "wait"},
      {{"--timeout", "0"}, "timeout"},
      {{"--force=maybe"}, "force"},
      {{"--mode", "rwx"}, "mode"},
      {{"--mode", "0888"}, "mode"},
      {{"--mode", "10000"}, "mode"},
      {{"--mode", "-1"}, "mode"},
      {{"--accept", "all"}, "accept"},
      {{"--how", "medium"}, "how"},
      {{"--deploy-dir", "/again"}, "--deploy-dir"},
      {{"--files", "x"}, "files"},
      {{"--files", "[1]"}, "files[0]"},
      {{"--files", R"([{"dest":"/x"}])", "--files", "[2]"}, "files[1]"},
      {{"--files", "{}"}, "files[0].dest"},
      {{"--files", R"({"dest":"/x","color":1})"}, "files[0].color"},
      {{"--files", R"({"dest":""})"}, "files[0].dest"},
      {{"--settings", "3"}, "settings"},
      {{"--staged", "{"}, "staged"},
  }));
  INFO(words[0]);
  auto const p = by_command(words);
  REQUIRE(!p);
  CHECK(p.error().code == core::errc::usage);
  CHECK(p.error().what.find(named) != std::string::npos);
}

TEST_CASE("bad values in an args file are usage errors that name the option", "[module]") {
  auto const& [members, named] = GENERATE(table<std::string, std::string>({
      {R"(,"speed":1)", "speed"},
      {R"(,"port":true)", "port"},
      {R"(,"port":1.5)", "port"},
      {R"(,"port":[1])", "port"},
      {R"(,"since":9223372036854775808)", "since"},
      {R"(,"name":{})", "name"},
      {R"(,"name":true)", "name"},
      {R"(,"name":"a\u0000b")", "name"},
      {R"(,"force":2)", "force"},
      {R"(,"force":"")", "force"},
      {R"(,"mode":755)", "mode"},
      {R"(,"mode":644)", "mode"},
      {R"(,"mode":-1)", "mode"},
      {R"(,"mode":true)", "mode"},
      {R"(,"accept":["port",["x"]])", "accept"},
      {R"(,"peers":{"a":1})", "peers"},
      {R"(,"peers":true)", "peers"},
      {R"(,"peers":["a:1","b\u0000:1"])", "peers"},
      {R"(,"peers":"a:1,b\u0000:1")", "peers"},
      {R"(,"settings":[])", "settings"},
      {R"(,"files":[[]])", "files[0]"},
      {R"(,"files":[{"dest":"/x"},{"dest":1.5}])", "files[1].dest"},
      {R"(,"staged":7.5)", "staged"},
      {R"(,"check":"perhaps")", "check"},
  }));
  INFO(members);
  auto const p = by_ansible(members);
  REQUIRE(!p);
  CHECK(p.error().code == core::errc::usage);
  CHECK(p.error().what.find(named) != std::string::npos);
}

TEST_CASE("a missing required option is named, null counts as missing", "[module]") {
  for (auto const* text : {"{}", R"({"deploy_dir":null})"}) {
    auto const asked = decode_args_file(text, "args");
    REQUIRE(asked);
    auto const p = check_options(all_options(sample), asked->values);
    REQUIRE(!p);
    CHECK(p.error().what == "cannot do without option deploy_dir: it is required");
  }
}

TEST_CASE("Ansible's own keys set the modes and are otherwise ignored", "[module]") {
  auto const asked = decode_args_file(
      R"({"_ansible_check_mode":true,"_ansible_diff":true,"_ansible_no_log":true,"_ansible_tmpdir":null,"name":"x"})",
      "args");
  REQUIRE(asked);
  CHECK(asked->face == face::ansible);
  CHECK(asked->check);
  CHECK(asked->diff);
  CHECK(asked->no_log);
  CHECK(asked->values.size() == 1);
}

TEST_CASE("a check mode is understood however it is spelled, or the call is refused", "[module]") {
  for (auto const* spelled : {"true", "\"True\"", "\"yes\"", "1", "\"1\""}) {
    auto const asked = decode_args_file(R"({"_ansible_check_mode":)" + std::string(spelled) + "}", "args");
    REQUIRE(asked);
    CHECK(asked->check);
  }
  for (auto const* spelled : {"false", "\"False\"", "null", "0"})
    CHECK(!decode_args_file(R"({"_ansible_check_mode":)" + std::string(spelled) + "}", "args")->check);
  for (auto const* spelled : {"\"perhaps\"", "\"\"", "[]", "2", "0.5"}) {
    auto const asked = decode_args_file(R"({"_ansible_check_mode":)" + std::string(spelled) + "}", "args");
    REQUIRE(!asked);
    CHECK(asked.error().code == core::errc::usage);
    CHECK(asked.error().what.find("_ansible_check_mode") != std::string::npos);
  }
}

TEST_CASE("a word that is no option is an args file, and so is -", "[module]") {
  CHECK(is_args_file({"/tmp/args"}));
  CHECK(is_args_file({"-"}));
  CHECK(!is_args_file({"--check"}));
  CHECK(!is_args_file({"-", "-"}));
  CHECK(!is_args_file({""}));
}

TEST_CASE("an args file that is none is a usage error", "[module]") {
  for (auto const* text : {"", "[]", "null", "{", "{}{}", "\"pump\"", "\xff"}) {
    auto const asked = decode_args_file(text, "args");
    REQUIRE(!asked);
    CHECK(asked.error().code == core::errc::usage);
  }
  for (auto const* path : {"/", "/nonexistent", "/dev/zero", "/proc/1/mem"}) {
    auto const asked = read_args_file(path);
    REQUIRE(!asked);
    CHECK(asked.error().code == core::errc::usage);
    CHECK(asked.error().what.find(path) != std::string::npos);
  }
}

TEST_CASE("asking for an option by another type is a bug", "[module]") {
  auto const p = by_command({"--port", "1"});
  REQUIRE(p);
  CHECK_THROWS_AS(p->string("port"), std::logic_error);
  CHECK_THROWS_AS(p->boolean("deploy_dir"), std::logic_error);
}
