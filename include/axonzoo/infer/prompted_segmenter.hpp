#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/data/found_masks.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/infer/view_encoder.hpp>
#include <axonzoo/measure/runs.hpp>

namespace axonzoo {

namespace detail {

/// Runs of positive values of logits [h, w], whose first px is (top, left) of the image.
inline std::vector<instance_run> positive_runs(const float* logits, std::int64_t h, std::int64_t w, std::int64_t pitch, std::int64_t top, std::int64_t left,
                                               std::int32_t instance) {
  std::vector<instance_run> runs;
  for (std::int64_t y = 0; y < h; ++y) {
    const float* row = logits + y * pitch;
    for (std::int64_t x = 0; x < w;) {
      const auto begin = x;
      while (x < w && row[x] > 0) ++x;
      if (x > begin) {
        runs.push_back({static_cast<std::int32_t>(top + y), static_cast<std::int32_t>(left + begin), static_cast<std::int32_t>(left + x), instance});
      } else {
        ++x;
      }
    }
  }
  return runs;
}

}  // namespace detail

/// Masks for all `objects`, whose boxes are in px of an image of height x width; `prepared` is that image as the encoder's views are cut from it, perhaps
/// resampled. Each box is asked in the view of `side` px (of `prepared`) where it lies most central, `together` boxes at a time. Throws
/// `interruption` after Ctrl-C.
inline std::vector<found_mask> segment_boxes(const sam_network& net, const view_encoder& encoder, const image& prepared, std::size_t height, std::size_t width,
                                             const std::vector<prompted_object>& objects, std::int64_t side, c10::Device device,
                                             std::size_t together = 32) {
  const at::NoGradGuard no_gradients;
  const double down = static_cast<double>(prepared.shape(0)) / static_cast<double>(height),
               across = static_cast<double>(prepared.shape(1)) / static_cast<double>(width);
  std::vector<pixel_box> boxes;
  for (const auto& object : objects) boxes.push_back({object.box.left * across, object.box.top * down, object.box.right * across, object.box.bottom * down});
  std::vector<found_mask> found(objects.size());
  const auto plan = plan_views(boxes, static_cast<std::int64_t>(prepared.shape(0)), static_cast<std::int64_t>(prepared.shape(1)), side, /*each_once=*/true);
  for (const auto& [where, members] : plan) {
    const auto embedding = encoder.embed(net, prepared, where);
    const auto at = [](double value) { return static_cast<std::int64_t>(value + 0.5); };
    const std::int64_t top = at(static_cast<double>(where.top) / down), left = at(static_cast<double>(where.left) / across);
    const std::int64_t rows = std::max<std::int64_t>(1, at(static_cast<double>(where.side) / down)),
                       columns = std::max<std::int64_t>(1, at(static_cast<double>(where.side) / across));
    for (std::size_t first = 0; first < members.size(); first += together) {
      end_if_interrupted();
      const auto end = std::min(members.size(), first + together);
      std::vector<pixel_box> asked;
      for (auto i = first; i < end; ++i) asked.push_back(encoder.in_view(boxes[members[i]], where));
      const auto masks = net.decode(embedding, box_prompts(asked, device), /*several=*/false);
      const std::int64_t size[] = {rows, columns};
      const auto logits = (masks.logits.size(2) == rows && masks.logits.size(3) == columns ? masks.logits
                                                                                           : at::upsample_bilinear2d(masks.logits, size, /*align_corners=*/false))
                              .select(1, 0)
                              .cpu()
                              .contiguous();
      const auto scores = masks.scores.select(1, 0).cpu().contiguous();
      const std::int64_t h = std::min(rows, static_cast<std::int64_t>(height) - top), w = std::min(columns, static_cast<std::int64_t>(width) - left);
      for (auto i = first; i < end; ++i) {
        const auto& object = objects[members[i]];
        const auto number = static_cast<std::int64_t>(i - first);
        found[members[i]] = {object.kind, object.instance,
                             detail::positive_runs(logits.const_data_ptr<float>() + number * rows * columns, h, w, columns, top, left, object.instance),
                             static_cast<double>(scores.const_data_ptr<float>()[number])};
      }
    }
  }
  return found;
}

}  // namespace axonzoo
