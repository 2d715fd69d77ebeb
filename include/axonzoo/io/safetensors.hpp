#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/safetensors_header.hpp>

namespace axonzoo {

/// What a .safetensors file holds. Tensors read from one are on the CPU, contiguous, and own their memory.
struct tensor_file {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

namespace detail {

static_assert(std::endian::native == std::endian::little, ".safetensors files are little endian");

inline constexpr std::array<std::pair<const char*, at::ScalarType>, 10> safetensors_types{{{"BOOL", at::kBool},
                                                                                           {"U8", at::kByte},
                                                                                           {"I8", at::kChar},
                                                                                           {"I16", at::kShort},
                                                                                           {"I32", at::kInt},
                                                                                           {"I64", at::kLong},
                                                                                           {"F16", at::kHalf},
                                                                                           {"BF16", at::kBFloat16},
                                                                                           {"F32", at::kFloat},
                                                                                           {"F64", at::kDouble}}};

}  // namespace detail

/// Reads the metadata alone; what is wrong with the header is found as by `read_safetensors`.
[[nodiscard]] inline std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
  const std::string doing = "cannot read tensors '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  try {
    return detail::read_safetensors_header(file.get(), std::filesystem::file_size(path)).metadata;
  } catch (const std::exception& wrong) {
    throw error(doing, wrong.what(), "copy or write it again");
  }
}

/// Reads all tensors of a .safetensors file. Nothing in the header is believed before it is held against the file's length;
/// throws where anything does not fit.
[[nodiscard]] inline tensor_file read_safetensors(const std::filesystem::path& path) {
  const std::string doing = "cannot read tensors '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  try {
    safetensors_header header = detail::read_safetensors_header(file.get(), std::filesystem::file_size(path));
    tensor_file out;
    out.metadata = std::move(header.metadata);
    for (const safetensors_entry& entry : header.entries) {
      const auto* type = std::find_if(detail::safetensors_types.begin(), detail::safetensors_types.end(),
                                      [&](const auto& each) { return each.first == entry.type; });
      at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(type->second));
      const std::size_t bytes = entry.end - entry.begin;
      if (bytes != 0 && std::fread(tensor.mutable_data_ptr(), 1, bytes, file.get()) != bytes)
        throw std::runtime_error("it is cut short within tensor '" + entry.name + "'");
      if (type->second == at::kBool && bytes != 0) {
        const auto* flags = static_cast<const unsigned char*>(tensor.const_data_ptr());
        if (std::any_of(flags, flags + bytes, [](unsigned char flag) { return flag > 1; }))
          throw std::runtime_error("tensor '" + entry.name + "' has booleans that are neither 0 nor 1");
      }
      out.tensors.emplace(entry.name, std::move(tensor));
    }
    return out;
  } catch (const std::exception& wrong) {
    // LibTorch's exceptions go on with a stack trace
    throw error(doing, std::string(wrong.what()).substr(0, std::string_view(wrong.what()).find('\n')), "copy or write it again");
  }
}

/// Writes tensors (of any device, layout in memory and, by conversion, nothing else) as .safetensors: the same tensors give the
/// same bytes. As the format's reference does, wider types come first so that all are aligned; then by name.
inline void write_safetensors(const std::filesystem::path& path, const tensor_file& file) {
  const std::string doing = "cannot write tensors '" + path.string() + "'";
  using item = std::tuple<std::int64_t, std::string, at::Tensor, const char*>;
  std::vector<item> items;
  for (const auto& [name, tensor] : file.tensors) {
    if (name == "__metadata__") throw error(doing, "no tensor may be named __metadata__", "rename it");
    if (!tensor.defined()) throw error(doing, "tensor '" + name + "' is undefined", "leave it out");
    const auto* type = std::find_if(detail::safetensors_types.begin(), detail::safetensors_types.end(),
                                    [&, dtype = tensor.scalar_type()](const auto& each) { return each.second == dtype; });
    if (type == detail::safetensors_types.end())
      throw error(doing, "tensor '" + name + "' has a type that the format does not hold", "convert it to float or int");
    if (tensor.layout() != at::kStrided) throw error(doing, "tensor '" + name + "' is sparse", "make it dense");
    items.emplace_back(-static_cast<std::int64_t>(tensor.element_size()), name, tensor.detach().cpu().contiguous(), type->first);
  }
  std::stable_sort(items.begin(), items.end(), [](const item& a, const item& b) { return std::get<0>(a) < std::get<0>(b); });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t at = 0;
  for (const auto& [order, name, tensor, type] : items) {
    const std::uint64_t begin = at;
    at += tensor.nbytes();
    header[name] = {{"dtype", type}, {"shape", tensor.sizes().vec()}, {"data_offsets", {begin, at}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw error(doing, "a name or the metadata is not UTF-8", "write it in UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  if (length > longest_safetensors_header)
    throw error(doing, "its header would be longer than 100 MB", "write fewer or shorter names");

  replace_file(path, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << text;
    for (const auto& [order, name, tensor, type] : items)
      out.write(static_cast<const char*>(tensor.const_data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
  });
}

}  // namespace axonzoo
