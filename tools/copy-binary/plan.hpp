// What is to be done, decided from the request and what the host has. Pure: check mode prints it, a real run does it.
#pragma once

#include "copy-binary/survey.hpp"
#include "files/manifest.hpp"

#include <string>
#include <vector>

namespace copy_binary {

enum class action {
  nothing,     // there already
  attributes,  // the content is there; mode or owner change
  copy,        // written anew
};

struct plan {
  bool staging = false;
  std::vector<action> actions;              // one for each file, in order
  std::vector<directory_view> directories;  // to make or to change, parents first
  std::vector<std::string> need_upload;     // digests, each once
  files::manifest staged;                   // when staging; versions still empty
  bool changed = false;                     // does not count a manifest written for files all in place already
  std::vector<std::string> steps;           // for people
  std::vector<std::string> warnings;
};

// errc::no_space, errc::bad_destination (a program to be tried where nothing may run), errc::usage (its mode).
core::result<plan> make_plan(request const& request, snapshot const& snapshot, bool manifest_there);

// The manifest that staging this request leads to.
files::manifest manifest_of(request const& request, snapshot const& snapshot);

}  // namespace copy_binary
