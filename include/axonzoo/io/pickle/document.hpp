#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <axonzoo/io/tensor_type.hpp>
#include <axonzoo/io/unreadable.hpp>

namespace axonzoo {

/// A value's place in `pickle_document::values`. Values are named by place, not owned by one another, because a pickle may hold a
/// value twice or within itself.
using pickle_place = std::uint32_t;

struct pickle_none {};
/// An integer of more than 64 bits: little endian, two's complement.
struct pickle_long {
  std::string bytes;
};
struct pickle_text {
  std::string utf8;
};
struct pickle_bytes {
  std::string bytes;
};
/// A list, tuple or set.
struct pickle_sequence {
  enum class kind : std::uint8_t { list, tuple, set } kind;
  std::vector<pickle_place> items;
};
/// A dict or OrderedDict; a key may stand in it twice.
struct pickle_dict {
  std::vector<std::pair<pickle_place, pickle_place>> items;
};
/// Something that is named and not called, as torch.float32.
struct pickle_name {
  std::string name;
};
/// Where a tensor's numbers lie: the storage `key`, `count` values of a type, of which those from `first` to `end` are seen.
struct pickle_storage {
  const tensor_type* type = nullptr;
  std::string key;
  std::uint64_t count = 0;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};
/// A view of a storage, held against the storage's count: offset and strides in values, from the storage's own first.
struct pickle_tensor {
  pickle_place storage = 0;
  const tensor_type* type = nullptr;
  std::uint64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

using pickle_value = std::variant<pickle_none, bool, std::int64_t, double, pickle_long, pickle_text, pickle_bytes,
                                  pickle_sequence, pickle_dict, pickle_name, pickle_storage, pickle_tensor>;

/// What a pickle holds: plain data and descriptions of tensors, nothing that was run.
struct pickle_document {
  std::vector<pickle_value> values;
  pickle_place root = 0;
  std::uint64_t length = 0;  ///< bytes of the pickle, after which others may follow

  /// The value of that kind, or null.
  template <class Kind>
  [[nodiscard]] const Kind* get(pickle_place place) const {
    return std::get_if<Kind>(&values.at(place));
  }
};

/// Bounds, which no state dict comes near; a few bytes of a pickle can otherwise fill the memory.
inline constexpr std::uint64_t longest_pickle = std::uint64_t{64} << 20;
inline constexpr std::uint32_t most_pickle_values = std::uint32_t{1} << 21;
inline constexpr std::uint32_t deepest_pickle = 1000;
inline constexpr std::size_t most_tensor_sides = 64;

}  // namespace axonzoo
