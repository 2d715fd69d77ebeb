#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/zip_writer.hpp>

/// Pickles and files of torch.save by hand, as the format's definition has them and independent of the library's writer.
namespace axonzoo::testing {

inline std::string bytes_of(std::uint64_t value, unsigned width) {
  std::string bytes;
  for (unsigned i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i & 255);
  return bytes;
}
inline std::string p_text(const std::string& text) { return "X" + bytes_of(text.size(), 4) + text; }
inline std::string p_int(std::uint64_t value) { return "\x8a\x08" + bytes_of(value, 8); }
inline std::string p_global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
inline std::string p_tuple(const std::vector<std::uint64_t>& values) {
  std::string out = "(";
  for (const auto value : values) out += p_int(value);
  return out + "t";
}
inline const std::string p_ordered_dict = p_global("collections", "OrderedDict") + ")R";

struct made_tensor {
  std::string key = "0";
  std::uint64_t storage = 6;
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> shape{2, 3};
  std::vector<std::uint64_t> strides{3, 1};
  std::string type = "FloatStorage";
  std::string view = "";  ///< a sixth part of the storage's name
};
inline std::string p_tensor(const made_tensor& t) {
  return p_global("torch._utils", "_rebuild_tensor_v2") + "((" + p_text("storage") + p_global("torch", t.type) + p_text(t.key) +
         p_text("cpu") + p_int(t.storage) + t.view + "tQ" + p_int(t.offset) + p_tuple(t.shape) + p_tuple(t.strides) + "\x89" +
         p_ordered_dict + "tR";
}
using made_dict = std::vector<std::pair<std::string, std::string>>;
/// A dict of values that are pickled already.
inline std::string p_dict(const made_dict& items) {
  std::string out = "}(";
  for (const auto& [key, value] : items) out += p_text(key) + value;
  return out + "u";
}
inline std::string p_whole(const std::string& value) { return "\x80\x02" + value + "."; }

inline std::string make_zip(const made_dict& entries) {
  std::ostringstream out;
  zip_writer zip(out);
  for (const auto& [name, bytes] : entries) zip.add(name, bytes);
  zip.finish();
  return out.str();
}
/// A file of torch.save: `storages` are keys and bytes.
inline std::string make_pth(const std::string& pickle, const made_dict& storages) {
  made_dict entries{{"made/data.pkl", pickle}, {"made/byteorder", "little"}};
  for (const auto& [key, bytes] : storages) entries.emplace_back("made/data/" + key, bytes);
  entries.emplace_back("made/version", "3\n");
  return make_zip(entries);
}
/// The same of before version 1.6; values have 4 bytes in storages but those of `others`.
inline std::string make_legacy(const std::string& pickle, const made_dict& storages,
                               const std::map<std::string, std::uint64_t>& others = {}) {
  std::string out = p_whole("\x8a\x0a" + std::string("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10)) + p_whole("M\xe9\x03") +
                    p_whole(p_dict({{"protocol_version", "M\xe9\x03"}, {"little_endian", "\x88"}})) + pickle;
  std::string keys = "](", values;
  for (const auto& [key, bytes] : storages) {
    keys += p_text(key);
    values += bytes_of(bytes.size() / (others.contains(key) ? others.at(key) : 4), 8) + bytes;
  }
  return out + p_whole(keys + "e") + values;
}

/// Bytes as an open file; they must live as long.
inline open_handle as_file(const std::string& bytes) {
  static char nothing[1] = {};
  open_handle file(::fmemopen(bytes.empty() ? nothing : const_cast<char*>(bytes.data()), bytes.empty() ? 1 : bytes.size(), "rb"));
  if (!file) throw std::logic_error("no memory for a file");
  return file;
}

}  // namespace axonzoo::testing
