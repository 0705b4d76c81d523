// SPDX-License-Identifier: Apache-2.0
#include "deploy/symbol_rules.h"

#include <algorithm>
#include <regex>

namespace bitwright {
namespace {

// malloc and _malloc_r are one to newlib; __malloc is one of picolibc's names.
std::string_view without_decoration(std::string_view name) {
  while (name.starts_with('_')) name.remove_prefix(1);
  if (name.ends_with("_r")) name.remove_suffix(2);
  return name;
}

bool allocates_prints_or_ends(std::string_view name) {
  static const std::set<std::string_view> names = {
      "malloc", "calloc",      "realloc", "free",    "memalign", "aligned_alloc", "sbrk",    "abort",
      "exit",   "Exit",        "raise",   "signal",  "kill",     "assert",        "setjmp",  "longjmp",
      "atexit", "assert_func", "fopen",   "fclose",  "fread",    "fwrite",        "fflush",  "fgetc",
      "fputc",  "fputs",       "putc",    "putchar", "puts",     "getc",          "getchar", "open",
      "close",  "read",        "write",   "rand",    "srand",    "time",          "clock",   "system"};
  const std::string_view bare = without_decoration(name);
  return names.count(bare) > 0 || bare.find("printf") != std::string_view::npos ||
         bare.find("scanf") != std::string_view::npos;
}

bool has_prefix(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return name.starts_with(prefix); });
}

// Run-time ABI for the Arm architecture, 4.1.2: __aeabi_dadd, __aeabi_f2d, __aeabi_cdcmple, __aeabi_l2d.
bool is_aeabi_double(std::string_view name) {
  return has_prefix(
      name, {"__aeabi_d", "__aeabi_cd", "__aeabi_i2d", "__aeabi_ui2d", "__aeabi_l2d", "__aeabi_ul2d", "__aeabi_f2d"});
}
bool is_aeabi_float(std::string_view name) {
  return has_prefix(name, {"__aeabi_f", "__aeabi_cf", "__aeabi_i2f", "__aeabi_ui2f", "__aeabi_l2f", "__aeabi_ul2f"});
}

// libgcc's names (GCC internals, 4.2): __adddf3, __fixsfsi, __extendsfdf2; sf is float, df double, hf half, tf quad.
bool names_mode(std::string_view name, std::initializer_list<std::string_view> modes) {
  constexpr size_t kShortest = 5;  // before the mode stand at least three letters: __add, __fix
  if (!name.starts_with("__")) return false;
  return std::any_of(modes.begin(), modes.end(),
                     [&](auto mode) { return name.find(mode, kShortest) != std::string_view::npos; });
}

bool is_double_helper(std::string_view name) {
  return is_aeabi_double(name) || names_mode(name, {"df", "tf"});
}
bool is_float_helper(std::string_view name) {
  return is_aeabi_float(name) || names_mode(name, {"sf", "hf"});
}

}  // namespace

bool has_float_kernel(const std::set<std::string>& functions) {
  // bw_KERNEL, bw_KERNEL_VERSION, or NAME_LAYER_KERNEL of a unit that is compiled for a layer.
  static const std::regex kernel(
      "(bw|.*_(add|conv2d|dense|depthwise|log_variance|max_pool|part|sum_pool))_(.*_)?(a([0-9]+|t|x))?w?f32(_.*)?");
  return std::any_of(functions.begin(), functions.end(),
                     [](const std::string& name) { return std::regex_match(name, kernel); });
}

std::vector<std::string> forbidden_functions(const std::set<std::string>& functions) {
  const bool float_allowed = has_float_kernel(functions);
  std::vector<std::string> forbidden;
  for (const std::string& name : functions)
    if (allocates_prints_or_ends(name) || is_double_helper(name) || (is_float_helper(name) && !float_allowed))
      forbidden.push_back(name);
  return forbidden;
}

}  // namespace bitwright
