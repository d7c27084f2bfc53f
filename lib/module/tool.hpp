// What a tool is to its front end: a table of options and one function.
#pragma once

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace module {

namespace json = core::json;

enum class option_type {
  string,
  path,     // a string, shown as a path
  integer,  // int64; native or a string of digits, so TSOs pass exactly
  seconds,  // a number of seconds, fractions allowed
  boolean,  // native, or true/false/yes/no/on/off/1/0; on the command line alone it means true
  mode,     // file mode: native integer (YAML's 0755 arrives as 493) or a string of octal digits
  list,     // list of strings; a string is split at commas; repeatable on the command line
  object,   // a JSON object; on the command line its text
  objects,  // a list of JSON objects; on the command line repeatable, each its text
  any,      // string or JSON object (the text of one, where it starts with '{')
};

enum class presence { optional, required };

struct option {
  std::string_view name;  // snake_case; on the command line --kebab-case
  option_type type;
  std::string_view help;           // a sentence
  std::string_view fallback = {};  // default, as it would be typed; empty: none
  std::vector<std::string_view> choices = {};
  presence needed = presence::optional;
  std::optional<std::int64_t> least = {};  // range of integer and seconds
  std::optional<std::int64_t> most = {};
  std::vector<option> fields = {};  // of object and objects: their members, checked the same way; none: any member
};

struct result_field {
  std::string_view name;
  std::string_view type;  // Ansible's: str, int, bool, list, dict
  std::string_view help;
};

struct tool {
  std::string_view name;     // kebab-case, as the executable and the module
  std::string_view summary;  // one line
  std::vector<std::string_view> description;
  std::vector<option> options;  // besides the common ones: check, diff, timeout
  std::vector<result_field> results;
  std::string_view examples;  // YAML, for ansible-doc
};

// The options of one call, each checked against the table, defaults filled in. Asking for a name that is not in
// the table, or by another type, is a bug.
class params {
 public:
  explicit params(json::object values) : values_(std::move(values)) {}

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] std::string string(std::string_view name) const;  // "" where not given
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] core::milliseconds seconds(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;  // false where not given
  [[nodiscard]] std::optional<unsigned> mode(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;  // empty where not given
  [[nodiscard]] json::value const* value(std::string_view name) const;       // object, objects, any
  [[nodiscard]] std::vector<params> objects(std::string_view name) const;    // empty where not given

 private:
  json::object values_;
};

// One line of a picture: what it says, and what of it changes all the time.
struct picture_line {
  std::string state;
  std::string detail = {};
};

// Tells people where a call stands; silent in module face.
class reporter {
 public:
  virtual ~reporter() = default;
  virtual void progress(std::string_view line) = 0;
  // All that can be said now. On a terminal it is redrawn in place; elsewhere a line is written when its state is not
  // the one last written at its place.
  virtual void picture(std::vector<picture_line> const&) {}
};

struct context {
  bool check = false;                         // compute the plan, change nothing
  bool diff = false;                          // fill outcome.diff
  std::optional<core::milliseconds> timeout;  // the whole call, where given
  core::clock::time_point started;
  reporter& report;
  bool no_log = false;  // the caller wants no content of files shown
  // Asked through standard input: nobody is left to read the result. Such a caller cannot send a signal.
  bool (*abandoned)() = [] { return false; };
};

// What a call came to. Rendered as one JSON object: the fields, then changed, failed, msg, elapsed_ms, and error,
// warnings, diff, plan where they apply.
struct outcome {
  bool changed = false;
  std::string msg;  // one sentence; the failure's `what` where there is one and this is empty
  json::object fields;
  std::optional<core::error> failure;
  std::vector<std::string> warnings;
  std::optional<json::value> diff;  // {before, after} or a list of them, as Ansible shows them; dropped with no_log
  std::optional<json::array> plan;

  static outcome failed(core::error e) {
    outcome o;
    o.failure = std::move(e);
    return o;
  }
};

using run_function = outcome (*)(params const&, context&);

// The whole life of the process: reads argv (a sole argument that is a readable file and does not start with '-'
// is an Ansible args file, "-" is one on standard input), checks options, runs, prints exactly one JSON object and a
// newline on stdout, and returns the exit status. Makes name look-ups safe in a static executable first; ignores
// SIGPIPE and SIGXFSZ, so that failed writes are errors and no deaths (a child must get their default back). Never
// throws.
int serve(tool const& tool, run_function run, int argc, char** argv);

}  // namespace module
