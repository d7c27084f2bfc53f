// An Ansible args file, through all option checks of the tool with the richest table.
#include "copy-binary/copy_binary.hpp"
#include "copy-binary/request.hpp"
#include "module/request.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const asked = module::decode_args_file({reinterpret_cast<char const*>(data), size}, "args");
  if (!asked) return 0;
  auto const params = module::check_options(module::all_options(copy_binary::description), asked->values);
  if (!params) return 0;
  auto const request = copy_binary::decode(*params);
  if (!request) return 0;
  for (auto const& file : request->files)
    if (!file.dest.is_absolute() || !file.dest.has_filename()) std::abort();
  return 0;
}
