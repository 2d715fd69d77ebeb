#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace axonzoo {

/// A type of numbers as PyTorch's files name it.
struct tensor_type {
  std::string_view name;     ///< "float32", as in torch.float32
  std::string_view storage;  ///< "FloatStorage"; empty for the newer types, whose storages have no type
  std::uint64_t bytes;       ///< of one value
};

/// All that are read and written; quantised and sub-byte types are not.
inline constexpr std::array<tensor_type, 21> tensor_types{{{"float32", "FloatStorage", 4},
                                                           {"float64", "DoubleStorage", 8},
                                                           {"float16", "HalfStorage", 2},
                                                           {"bfloat16", "BFloat16Storage", 2},
                                                           {"int64", "LongStorage", 8},
                                                           {"int32", "IntStorage", 4},
                                                           {"int16", "ShortStorage", 2},
                                                           {"int8", "CharStorage", 1},
                                                           {"uint8", "ByteStorage", 1},
                                                           {"bool", "BoolStorage", 1},
                                                           {"complex64", "ComplexFloatStorage", 8},
                                                           {"complex128", "ComplexDoubleStorage", 16},
                                                           {"complex32", "", 4},
                                                           {"uint16", "", 2},
                                                           {"uint32", "", 4},
                                                           {"uint64", "", 8},
                                                           {"float8_e4m3fn", "", 1},
                                                           {"float8_e5m2", "", 1},
                                                           {"float8_e4m3fnuz", "", 1},
                                                           {"float8_e5m2fnuz", "", 1},
                                                           {"float8_e8m0fnu", "", 1}}};

/// The type of a name ("float32"), or null.
[[nodiscard]] constexpr const tensor_type* find_tensor_type(std::string_view name) {
  const auto* found = std::find_if(tensor_types.begin(), tensor_types.end(), [&](const auto& each) { return each.name == name; });
  return found == tensor_types.end() ? nullptr : found;
}

/// The type of a storage's class ("FloatStorage"), or null. An untyped storage counts bytes.
[[nodiscard]] constexpr const tensor_type* find_storage_type(std::string_view storage) {
  if (storage == "UntypedStorage") return find_tensor_type("uint8");
  if (storage.empty()) return nullptr;
  const auto* found =
      std::find_if(tensor_types.begin(), tensor_types.end(), [&](const auto& each) { return each.storage == storage; });
  return found == tensor_types.end() ? nullptr : found;
}

}  // namespace axonzoo
