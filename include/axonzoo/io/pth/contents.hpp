#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <axonzoo/io/tensor_type.hpp>

namespace axonzoo {

/// Bytes of the file that tensors view.
struct pth_storage {
  std::string key;
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  bool checked = false;  ///< whether `crc` is known
  std::uint32_t crc = 0;
};

/// A tensor as a .pth describes it, held against its storage's bytes; offset and strides count values.
struct pth_tensor {
  std::string name;
  const tensor_type* type = nullptr;
  std::size_t storage = 0;  ///< place in `pth_contents::storages`
  std::uint64_t offset = 0;
  std::uint64_t count = 0;  ///< of its values
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;

  [[nodiscard]] bool is_contiguous() const {
    std::int64_t step = 1;
    for (std::size_t i = shape.size(); i-- > 0;) {
      if (shape[i] != 1 && strides[i] != step) return count == 0;
      step *= shape[i];
    }
    return true;
  }
};

/// What a .pth holds, without its numbers.
struct pth_contents {
  bool legacy = false;  ///< not a .zip: as torch.save wrote before version 1.6
  std::string wrapper;  ///< the entry that the tensors were taken from, as "model_state"; empty where the state dict is bare
  std::vector<std::string> parts;  ///< other entries beside the wrapper that hold tensors
  std::vector<pth_storage> storages;
  std::vector<pth_tensor> tensors;
};

}  // namespace axonzoo
