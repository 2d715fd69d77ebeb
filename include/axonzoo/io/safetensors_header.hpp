#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace axonzoo {

/// One tensor as a .safetensors header describes it; offsets count from the end of the header.
struct safetensors_entry {
  std::string name;
  std::string type;  ///< the format's own name: "F32", "BF16", ...
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// The header of a .safetensors file, checked: entries in the order of their bytes, which they cover without gap or overlap.
struct safetensors_header {
  std::vector<safetensors_entry> entries;
  std::map<std::string, std::string> metadata;
};

/// Bytes of one value of a type by the format's name, 0 for types that are not known here.
[[nodiscard]] inline std::uint64_t safetensors_item(std::string_view type) {
  static constexpr std::pair<std::string_view, std::uint64_t> known[] = {
      {"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"I16", 2}, {"I32", 4}, {"I64", 8}, {"F16", 2}, {"BF16", 2}, {"F32", 4}, {"F64", 8}};
  const auto* found = std::find_if(std::begin(known), std::end(known), [&](const auto& each) { return each.first == type; });
  return found == std::end(known) ? 0 : found->second;
}

/// The longest header that is read, as in the format's reference implementation.
inline constexpr std::uint64_t longest_safetensors_header = 100'000'000;

namespace detail {

/// JSON, refused where it nests deeper than a header does or names something twice (a parser would keep the last silently).
inline nlohmann::json parse_safetensors_json(std::string_view text) {
  std::vector<std::set<std::string>> names;
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using on = nlohmann::json::parse_event_t;
    if ((event == on::object_start || event == on::array_start) && depth > 2) throw std::runtime_error("it nests too deep");
    if (event == on::object_start) names.emplace_back();
    if (event == on::object_end) names.pop_back();
    if (event == on::key && !names.back().insert(value.get<std::string>()).second)
      throw std::runtime_error("it names '" + value.get<std::string>() + "' twice");
    return true;
  };
  return nlohmann::json::parse(text, check);
}

inline safetensors_entry safetensors_entry_of(const std::string& name, const nlohmann::json& value) {
  const auto refuse = [&](const std::string& wrong) { throw std::runtime_error("tensor '" + name + "' " + wrong); };
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    refuse("needs dtype, shape and data_offsets and nothing else");
  const auto &type = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  const auto counts = [](const nlohmann::json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(), [](const auto& n) { return n.is_number_unsigned(); });
  };
  if (!type.is_string() || !counts(shape) || !counts(offsets) || offsets.size() != 2)
    refuse("has a dtype, shape or data_offsets of the wrong kind");
  safetensors_entry entry{name, type.get<std::string>(), {}, offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
  const std::uint64_t item = safetensors_item(entry.type);
  if (item == 0) refuse("has the type '" + entry.type.substr(0, 32) + "', which is not supported");
  if (shape.size() > 64) refuse("has more than 64 dimensions");
  std::uint64_t bytes = item;
  for (const auto& side : shape) {
    const auto length = side.get<std::uint64_t>();
    if (length > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        (length != 0 && bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / length))
      refuse("has an absurdly large shape");
    bytes *= length;
    entry.shape.push_back(static_cast<std::int64_t>(length));
  }
  if (entry.begin > entry.end || entry.end - entry.begin != bytes)
    refuse("needs " + std::to_string(bytes) + " bytes, its data_offsets are " + std::to_string(entry.begin) + " and " +
           std::to_string(entry.end));
  return entry;
}

}  // namespace detail

/// Reads the JSON header `text` of a file that has `data_bytes` bytes after it. Throws std::runtime_error with what is wrong; the
/// caller knows the file's name.
[[nodiscard]] inline safetensors_header parse_safetensors_header(std::string_view text, std::uint64_t data_bytes) {
  if (!text.starts_with('{')) throw std::runtime_error("it is not a .safetensors file");
  nlohmann::json json;
  try {
    json = detail::parse_safetensors_json(text);
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error("its header is not valid JSON");
  }
  safetensors_header header;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") {
      header.entries.push_back(detail::safetensors_entry_of(name, value));
      continue;
    }
    if (!value.is_object()) throw std::runtime_error("its metadata is not an object");
    for (const auto& [key, text_value] : value.items()) {
      if (!text_value.is_string()) throw std::runtime_error("its metadata '" + key + "' is not text");
      header.metadata[key] = text_value.get<std::string>();
    }
  }
  std::sort(header.entries.begin(), header.entries.end(),
            [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t covered = 0;
  for (const auto& entry : header.entries) {
    if (entry.end > data_bytes) throw std::runtime_error("it is cut short within tensor '" + entry.name + "'");
    if (entry.begin != covered)
      throw std::runtime_error("tensor '" + entry.name + "' overlaps another or leaves a gap before it");
    covered = entry.end;
  }
  if (covered != data_bytes) throw std::runtime_error("it goes on after its last tensor");
  return header;
}

namespace detail {

/// Reads the header and leaves the file where the data begins.
inline safetensors_header read_safetensors_header(std::FILE* file, std::uint64_t file_bytes) {
  std::uint64_t length = 0;
  if (std::fread(&length, 1, sizeof length, file) != sizeof length) throw std::runtime_error("it ends within its first 8 bytes");
  if (length > longest_safetensors_header) throw std::runtime_error("it is not a .safetensors file");
  if (length > file_bytes - sizeof length) throw std::runtime_error("it is cut short within its header");
  std::string text(length, '\0');
  if (std::fread(text.data(), 1, length, file) != length) throw std::runtime_error("it is cut short within its header");
  return parse_safetensors_header(text, file_bytes - sizeof length - length);
}

}  // namespace detail

}  // namespace axonzoo
