#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <axonzoo/core/digest.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/io/open_file.hpp>
#include <axonzoo/io/pth.hpp>
#include <axonzoo/io/safetensors.hpp>
#include <axonzoo/io/tensor_shapes.hpp>
#include <axonzoo/io/unreadable.hpp>

namespace axonzoo {

/// Reads weights of PyTorch: a .pth (of today or from before version 1.6) or a .safetensors, which their bytes tell and not their
/// names. `part` as for `read_pth`; a .safetensors has none.
[[nodiscard]] inline tensor_file read_weights(const std::filesystem::path& path, std::string_view part = {}) {
  const std::string doing = "cannot read weights '" + path.string() + "'";
  char first[9] = {};
  const std::size_t count = std::fread(first, 1, sizeof first, open_file(path, doing).get());
  const std::string_view head(first, count);
  // a .safetensors begins with a length and its JSON; the length alone may look like a pickle
  if (head.size() == sizeof first && head[8] == '{') {
    if (!part.empty()) throw error(doing, "a .safetensors has no parts", "ask for none");
    return read_safetensors(path);
  }
  if (head.starts_with("PK\3\4") || head.starts_with('\x80')) return read_pth(path, part);
  throw error(doing, "it is neither a file of torch.save nor a .safetensors", "give a file of weights");
}

namespace detail {

/// Whether the exponent bits of `Bits` are all set: NaN or infinite.
template <class Bits>
std::int64_t count_not_finite(const void* data, std::int64_t count, Bits exponent) {
  const auto* bits = static_cast<const Bits*>(data);
  std::int64_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) found += (bits[i] & exponent) == exponent ? 1 : 0;
  return found;
}

inline std::int64_t count_not_finite(const at::Tensor& given) {
  const at::Tensor tensor = given.detach().cpu().contiguous();
  const void* data = tensor.const_data_ptr();
  const std::int64_t count = tensor.numel();
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return count_not_finite<std::uint32_t>(data, count, 0x7f800000);
    case at::kDouble:
      return count_not_finite<std::uint64_t>(data, count, 0x7ff0000000000000);
    case at::kHalf:
      return count_not_finite<std::uint16_t>(data, count, 0x7c00);
    case at::kBFloat16:
      return count_not_finite<std::uint16_t>(data, count, 0x7f80);
    case at::kComplexFloat:
      return count_not_finite<std::uint32_t>(data, 2 * count, 0x7f800000);
    case at::kComplexDouble:
      return count_not_finite<std::uint64_t>(data, 2 * count, 0x7ff0000000000000);
    default:
      return 0;
  }
}

}  // namespace detail

/// Throws where weights hold NaN or infinity, which every result would become; names the first such tensor. `origin`: "'a.pth'".
inline void require_finite(const tensor_file& file, const std::string& origin) {
  std::string first;
  std::size_t others = 0;
  for (const auto& [name, tensor] : file.tensors) {
    const std::int64_t count = detail::count_not_finite(tensor);
    if (count == 0) continue;
    if (first.empty()) {
      first = "tensor '" + printable(name) + "' has " + std::to_string(count) + " of " + std::to_string(tensor.numel()) +
              " numbers that are NaN or infinite";
    } else {
      ++others;
    }
  }
  if (first.empty()) return;
  if (others > 0) first += ", and " + std::to_string(others) + " other tensors have such";
  throw error("cannot use weights " + origin, first, "give the weights of a training that did not diverge");
}

/// Fingerprint of the tensors whose names begin so.
[[nodiscard]] inline std::string tensors_digest(const std::map<std::string, at::Tensor>& tensors, std::string_view prefix = {}) {
  digest sum;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(prefix)) continue;
    const auto bytes = tensor.detach().cpu().contiguous();
    sum.add(name);
    sum.add(bytes.const_data_ptr(), bytes.nbytes());
  }
  return sum.hex();
}

/// Names and shapes, for `require_shapes`.
[[nodiscard]] inline tensor_shapes shapes_of(const tensor_file& file) {
  tensor_shapes shapes;
  for (const auto& [name, tensor] : file.tensors) shapes.emplace(name, tensor.sizes().vec());
  return shapes;
}

}  // namespace axonzoo
