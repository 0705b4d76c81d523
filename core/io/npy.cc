// SPDX-License-Identifier: Apache-2.0
#include "core/io/npy.h"

#include <bit>
#include <charconv>

#include "core/error.h"
#include "core/io/yaml.h"

namespace bitwright {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 64 * 1024, kMaxFile = size_t{4} << 30;
constexpr int64_t kMaxElements = int64_t{1} << 32;

[[noreturn]] void fail(const std::string& file, const std::string& rule) {
  throw DataError(file + ": " + rule);
}

int64_t item_bytes(const std::string& dtype) {
  return dtype[1] - '0';
}

bool is_known(std::string_view dtype) {
  constexpr std::string_view known[] = {"u1", "i1", "i2", "u2", "i4", "i8", "f4", "f8"};
  return std::find(std::begin(known), std::end(known), dtype) != std::end(known);
}

// The text after `'key':` in the header, a Python dictionary of three entries.
std::string_view entry(std::string_view header, const std::string& key, const std::string& file) {
  const size_t at = header.find("'" + key + "'");
  const size_t colon = at == std::string_view::npos ? at : header.find(':', at);
  if (colon == std::string_view::npos) fail(file, "not an NPY file: its header lacks " + key);
  const size_t value = header.find_first_not_of(' ', colon + 1);
  if (value == std::string_view::npos) fail(file, "not an NPY file: its header lacks " + key);
  return header.substr(value);
}

std::string parse_dtype(std::string_view header, const std::string& file) {
  const std::string_view text = entry(header, "descr", file);
  const size_t end = text.find('\'', 1);
  if (text[0] != '\'' || end == std::string_view::npos) fail(file, "its type is no plain number");
  const std::string descr(text.substr(1, end - 1));
  const bool order = descr.size() == 3 && (descr[0] == '<' || descr[0] == '|');
  if (!order || !is_known(descr.substr(1)))
    fail(file, "type " + descr.substr(0, 16) + ": little-endian u1 i1 i2 u2 i4 i8 f4 or f8");
  return descr.substr(1);
}

std::vector<int64_t> parse_shape(std::string_view header, const std::string& file) {
  std::string_view text = entry(header, "shape", file);
  const size_t close = text.find(')');
  if (text[0] != '(' || close == std::string_view::npos) fail(file, "its shape is no tuple");
  text = text.substr(1, close - 1);
  std::vector<int64_t> shape;
  int64_t elements = 1;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    int64_t side = -1;
    const size_t start = std::min(text.find_first_not_of(' '), comma);
    const auto [end, error] = std::from_chars(text.data() + start, text.data() + comma, side);
    if (error != std::errc() || end != text.data() + comma || side < 0 || shape.size() == 8)
      fail(file, "its shape is no tuple of sizes");
    if (side > 0 && elements > kMaxElements / side) fail(file, "more than 2^32 elements");
    elements *= side;
    shape.push_back(side);
    text = text.substr(std::min(comma + 1, text.size()));
    if (text.find_first_not_of(' ') == std::string_view::npos) break;
  }
  return shape;
}

struct Header {
  std::string_view text;
  size_t end = 0;  // of the header in the file
};

Header find_header(std::string_view bytes, const std::string& file) {
  if (!bytes.starts_with(kMagic)) fail(file, "not an NPY file: it starts otherwise");
  if (bytes.size() < 12) fail(file, "cut short in its header");
  const int major = static_cast<unsigned char>(bytes[6]);
  if (major < 1 || major > 3) fail(file, fmt::format("NPY version {}: 1, 2 or 3", major));
  const size_t width = major == 1 ? 2 : 4, start = 8 + width;
  size_t length = 0;
  for (size_t i = 0; i < width; ++i) length |= size_t{static_cast<unsigned char>(bytes[8 + i])} << (8 * i);
  if (length > kMaxHeader) fail(file, fmt::format("a header of {} bytes: at most {}", length, kMaxHeader));
  if (start + length > bytes.size()) fail(file, "cut short in its header");
  return {bytes.substr(start, length), start + length};
}

template <class T>
T element(const std::string& bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + static_cast<size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

// Calls visit(i, value) for every element, in its own type.
template <class Visit>
void for_each_element(const NpyArray& array, const Visit& visit) {
  const auto run = [&]<class T>(T) {
    const int64_t count = array.elements();
    for (int64_t i = 0; i < count; ++i) visit(i, element<T>(array.bytes, i));
  };
  if (array.dtype == "u1") return run(uint8_t{});
  if (array.dtype == "i1") return run(int8_t{});
  if (array.dtype == "u2") return run(uint16_t{});
  if (array.dtype == "i2") return run(int16_t{});
  if (array.dtype == "i4") return run(int32_t{});
  if (array.dtype == "i8") return run(int64_t{});
  if (array.dtype == "f4") return run(float{});
  return run(double{});
}

}  // namespace

int64_t NpyArray::elements() const {
  int64_t product = 1;
  for (int64_t side : shape) product *= side;
  return product;
}

NpyArray parse_npy(std::string bytes, const std::string& file) {
  const Header header = find_header(bytes, file);
  NpyArray array;
  array.file = file;
  array.dtype = parse_dtype(header.text, file);
  array.shape = parse_shape(header.text, file);
  const bool fortran = entry(header.text, "fortran_order", file).starts_with("True");
  if (fortran && array.shape.size() > 1) fail(file, "in Fortran order: save it in C order (numpy.ascontiguousarray)");
  const size_t wanted = static_cast<size_t>(array.elements() * item_bytes(array.dtype));
  const size_t found = bytes.size() - header.end;
  if (found != wanted) fail(file, fmt::format("{} bytes of data where its shape needs {}", found, wanted));
  array.bytes = std::move(bytes);
  array.bytes.erase(0, header.end);
  return array;
}

NpyArray read_npy(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) fail(path, "cannot be read: " + error.message());
  try {
    return parse_npy(read_text_file(path, std::min<size_t>(size, kMaxFile)), path);
  } catch (const DataError&) {
    throw;
  } catch (const ConfigError& e) {
    throw DataError(e.what());
  }
}

std::vector<float> npy_floats(const NpyArray& array) {
  std::vector<float> values(static_cast<size_t>(array.elements()));
  for_each_element(array, [&](int64_t i, auto value) {
    const float real = static_cast<float>(value);
    if (!std::isfinite(real)) fail(array.file, fmt::format("element {} = {}: must be finite", i, value));
    values[static_cast<size_t>(i)] = real;
  });
  return values;
}

std::vector<int64_t> npy_integers(const NpyArray& array) {
  if (array.dtype[0] == 'f') fail(array.file, "type " + array.dtype + ": integers are needed");
  std::vector<int64_t> values(static_cast<size_t>(array.elements()));
  for_each_element(array, [&](int64_t i, auto value) { values[static_cast<size_t>(i)] = static_cast<int64_t>(value); });
  return values;
}

std::string npy_file(const std::string& dtype, const std::vector<int64_t>& shape, std::string_view bytes) {
  std::string sides;
  for (int64_t side : shape) sides += std::to_string(side) + ",";
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   dtype[1] == '1' ? '|' : '<', dtype, sides);
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return file + header + std::string(bytes);
}

}  // namespace bitwright
