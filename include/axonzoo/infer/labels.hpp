#pragma once

#include <algorithm>
#include <cstdint>

#include <ATen/core/Tensor.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// The likeliest class of each pixel at the image's own size: probabilities [K, h, w] are interpolated first, so that outlines are
/// finer than the network's pixels.
inline label_image likeliest_labels(const at::Tensor& probabilities, std::size_t height, std::size_t width) {
  auto fine = probabilities;
  const auto h = static_cast<std::int64_t>(height), w = static_cast<std::int64_t>(width);
  if (fine.size(1) != h || fine.size(2) != w) {
    const std::int64_t size[] = {h, w};
    fine = at::upsample_bilinear2d(fine.unsqueeze(0), size, /*align_corners=*/false)[0];
  }
  const auto best = fine.argmax(0).to(at::kByte).contiguous();
  label_image labels = label_image::from_shape({height, width});
  std::copy_n(best.const_data_ptr<std::uint8_t>(), labels.size(), labels.data());
  return labels;
}

}  // namespace axonzoo
