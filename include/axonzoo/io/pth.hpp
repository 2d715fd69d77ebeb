#pragma once

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/pickle/state_dict_writer.hpp>
#include <axonzoo/io/pth/load.hpp>
#include <axonzoo/io/pth_contents.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/io/unreadable.hpp>
#include <axonzoo/io/utf8.hpp>
#include <axonzoo/io/zip_writer.hpp>

namespace axonzoo {

namespace detail {

/// Of `tensor_types`, in their order.
inline constexpr std::array<at::ScalarType, tensor_types.size()> pth_types{at::kFloat,
                                                                           at::kDouble,
                                                                           at::kHalf,
                                                                           at::kBFloat16,
                                                                           at::kLong,
                                                                           at::kInt,
                                                                           at::kShort,
                                                                           at::kChar,
                                                                           at::kByte,
                                                                           at::kBool,
                                                                           at::kComplexFloat,
                                                                           at::kComplexDouble,
                                                                           at::kComplexHalf,
                                                                           at::kUInt16,
                                                                           at::kUInt32,
                                                                           at::kUInt64,
                                                                           at::kFloat8_e4m3fn,
                                                                           at::kFloat8_e5m2,
                                                                           at::kFloat8_e4m3fnuz,
                                                                           at::kFloat8_e5m2fnuz,
                                                                           at::kFloat8_e8m0fnu};

inline at::ScalarType pth_type(const tensor_type& type) {
  return pth_types[static_cast<std::size_t>(&type - tensor_types.data())];
}

}  // namespace detail

/// Reads the state dict of a file of torch.save (`read_pth_contents` says which files and which state dict) and runs nothing that
/// the file says: tensors and plain containers are read, anything else is refused by its name. The metadata say what was read:
/// "pth.container" is "zip" or "legacy", "pth.wrapper" the entry that held the state dict ("model_state"; missing where it is
/// bare), "pth.parts" the other entries of tensors, joined with commas, which `part` reads.
[[nodiscard]] inline tensor_file read_pth(const std::filesystem::path& path, std::string_view part = {}) {
  const std::string doing = "cannot read weights '" + path.string() + "'";
  const open_handle file = open_file(path, doing);
  try {
    const pth_contents contents = read_pth_contents(file.get(), std::filesystem::file_size(path), part);
    tensor_file out;
    out.metadata["pth.container"] = contents.legacy ? "legacy" : "zip";
    if (!contents.wrapper.empty()) out.metadata["pth.wrapper"] = contents.wrapper;
    std::string parts;
    for (const std::string& each : contents.parts) parts += (parts.empty() ? "" : ",") + each;
    if (!parts.empty()) out.metadata["pth.parts"] = parts;
    detail::load_pth_tensors(file.get(), contents, [&](const pth_tensor& tensor) {
      at::Tensor empty = at::empty(tensor.shape, at::TensorOptions().dtype(detail::pth_type(*tensor.type)));
      return out.tensors.emplace(tensor.name, std::move(empty)).first->second.mutable_data_ptr();
    });
    return out;
  } catch (const unreadable& wrong) {
    throw error(doing, wrong.what(), wrong.mend());
  } catch (const std::exception& wrong) {
    // LibTorch's exceptions go on with a stack trace
    throw error(doing, std::string(wrong.what()).substr(0, std::string_view(wrong.what()).find('\n')), "copy or write it again");
  }
}

/// Writes tensors (of any device and layout in memory) as a bare state dict that torch.load(weights_only=True) reads, and with it
/// segment-anything: a .zip as of torch.save. The metadata have no place there. The same tensors give the same bytes.
inline void write_pth(const std::filesystem::path& path, const tensor_file& file) {
  const std::string doing = "cannot write weights '" + path.string() + "'";
  state_dict_writer pickle;
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : file.tensors) {
    const std::string said = "tensor '" + name + "'";
    if (!is_utf8(name)) throw error(doing, "a name is not UTF-8", "write it in UTF-8");
    if (!tensor.defined()) throw error(doing, said + " is undefined", "leave it out");
    if (tensor.layout() != at::kStrided) throw error(doing, said + " is sparse", "make it dense");
    const auto type = std::find(detail::pth_types.begin(), detail::pth_types.end(), tensor.scalar_type());
    if (type == detail::pth_types.end())
      throw error(doing, said + " has a type that is not written", "convert it to float or int");
    tensors.push_back(tensor.detach().cpu().contiguous().resolve_conj().resolve_neg());
    pickle.add(name, tensor_types[static_cast<std::size_t>(type - detail::pth_types.begin())], tensor.sizes().vec());
  }
  replace_file(path, [&](std::ostream& out) {
    zip_writer zip(out);
    zip.add("archive/data.pkl", pickle.finish());
    zip.add("archive/byteorder", "little");
    for (std::size_t i = 0; i < tensors.size(); ++i)
      zip.add("archive/data/" + std::to_string(i), {static_cast<const char*>(tensors[i].const_data_ptr()), tensors[i].nbytes()});
    zip.add("archive/version", "3\n");
    zip.finish();
  });
}

}  // namespace axonzoo
