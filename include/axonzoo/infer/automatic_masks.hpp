#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/core/pixel_box.hpp>
#include <axonzoo/infer/sam_predictor.hpp>
#include <axonzoo/measure/box_suppression.hpp>
#include <axonzoo/measure/run_lengths.hpp>
#include <axonzoo/measure/small_regions.hpp>

namespace axonzoo {

/// segment-anything's options of its generator, with its defaults.
struct automatic_mask_options {
  int points_per_side = 32;
  int points_per_batch = 64;
  double least_score = 0.88;          ///< predicted IoU that a mask must be above; 0: none is dropped
  double least_stability = 0.95;      ///< IoU of the masks at the logits +-stability_offset; 0: none is dropped
  double stability_offset = 1.0;
  double box_overlap = 0.7;           ///< IoU of boxes above which the lower score goes
  int crop_layers = 0;                ///< layer n asks 4^n crops too
  double crop_box_overlap = 0.7;      ///< the same between crops
  double crop_overlap = 512.0 / 1500; ///< share of the shorter side that crops of the first layer share
  int crop_points_divisor = 1;        ///< points per side are divided by this with each layer
  int least_region = 0;               ///< px; smaller holes are filled and smaller islands removed
};

struct automatic_mask {
  run_lengths mask;  ///< of the whole image
  pixel_box box;     ///< its first and last columns and rows
  float score = 0, stability = 0;
  std::array<double, 2> point{};        ///< x, y of the prompt
  std::array<std::int64_t, 4> crop{};   ///< left, top, right, bottom of the crop that gave it
};

namespace detail {

using crop_box = std::array<std::int64_t, 4>;

/// The image, then the crops of each layer, by columns.
inline std::vector<std::pair<crop_box, int>> mask_crops(std::int64_t height, std::int64_t width, int layers, double share) {
  std::vector<std::pair<crop_box, int>> crops{{{0, 0, width, height}, 0}};
  for (int layer = 1; layer <= layers; ++layer) {
    const std::int64_t side = std::int64_t{1} << layer;
    const auto overlap = static_cast<std::int64_t>(share * static_cast<double>(std::min(height, width)) * (2.0 / static_cast<double>(side)));
    const auto length = [&](std::int64_t whole) { return (overlap * (side - 1) + whole + side - 1) / side; };
    const std::int64_t w = length(width), h = length(height);
    for (std::int64_t i = 0; i < side; ++i)
      for (std::int64_t j = 0; j < side; ++j) {
        const std::int64_t x = (w - overlap) * i, y = (h - overlap) * j;
        crops.push_back({{x, y, std::min(x + w, width), std::min(y + h, height)}, layer});
      }
  }
  return crops;
}

/// First and last column and row of a mask; zeros where it is empty.
inline pixel_box box_of(const std::uint8_t* mask, std::int64_t height, std::int64_t width) {
  std::int64_t left = width, right = -1, top = height, bottom = -1;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      if (mask[y * width + x] == 0) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return {};
  return {static_cast<double>(left), static_cast<double>(top), static_cast<double>(right), static_cast<double>(bottom)};
}

template <class Value>
std::vector<Value> chosen(const std::vector<Value>& from, const std::vector<std::size_t>& which) {
  std::vector<Value> made;
  for (const std::size_t i : which) made.push_back(from[i]);
  return made;
}

inline std::vector<std::size_t> suppress_masks(const std::vector<automatic_mask>& masks, const std::vector<float>& scores, double most) {
  std::vector<pixel_box> boxes;
  for (const auto& each : masks) boxes.push_back(each.box);
  return suppress_boxes(boxes, scores, most);
}

/// Reads one mask off its logits at the crop's size; false where an option drops it.
inline bool read_mask(const float* logits, const crop_box& crop, std::int64_t height, std::int64_t width,
                      const automatic_mask_options& options, automatic_mask& made) {
  const std::int64_t h = crop[3] - crop[1], w = crop[2] - crop[0];
  const auto offset = static_cast<float>(options.stability_offset);
  std::int64_t inner = 0, outer = 0;
  for (std::int64_t i = 0; i < h * w; ++i) {
    inner += logits[i] > offset;
    outer += logits[i] > -offset;
  }
  made.stability = static_cast<float>(inner) / static_cast<float>(outer);
  if (options.least_stability > 0 && !(made.stability >= static_cast<float>(options.least_stability))) return false;
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(height * width));
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x) mask[static_cast<std::size_t>((crop[1] + y) * width + crop[0] + x)] = logits[y * w + x] > 0;
  made.box = box_of(mask.data(), height, width);
  const bool empty = made.box == pixel_box{} && mask[0] == 0;
  const auto in_px = [&crop](std::size_t side) { return static_cast<double>(crop[side]); };
  if (empty) made.box = {in_px(0), in_px(1), in_px(0), in_px(1)};
  const auto cut = [](double place, double of_crop, double of_image) { return std::abs(place - of_crop) <= 20 && std::abs(place - of_image) > 20; };
  if (cut(made.box.left, in_px(0), 0) || cut(made.box.top, in_px(1), 0) || cut(made.box.right, in_px(2), static_cast<double>(width)) ||
      cut(made.box.bottom, in_px(3), static_cast<double>(height))) {
    return false;
  }
  made.mask = encode_runs(mask.data(), height, width);
  made.crop = crop;
  return true;
}

inline std::vector<automatic_mask> masks_of_crop(sam_predictor& predictor, const image& pixels, const crop_box& crop, int layer,
                                                 const automatic_mask_options& options) {
  const auto height = static_cast<std::int64_t>(pixels.shape(0)), width = static_cast<std::int64_t>(pixels.shape(1));
  const std::int64_t h = crop[3] - crop[1], w = crop[2] - crop[0];
  auto part = image::from_shape({static_cast<std::size_t>(h), static_cast<std::size_t>(w), pixels.shape(2)});
  const auto row = static_cast<std::size_t>(w) * pixels.shape(2);
  for (std::int64_t y = 0; y < h; ++y)
    std::copy_n(pixels.data() + static_cast<std::size_t>((crop[1] + y) * width + crop[0]) * pixels.shape(2), row,
                part.data() + static_cast<std::size_t>(y) * row);
  predictor.set_image(part);
  const auto side = static_cast<std::int64_t>(options.points_per_side / std::pow(options.crop_points_divisor, layer));
  std::vector<automatic_mask> found;
  for (std::int64_t begin = 0; begin < side * side; begin += options.points_per_batch) {
    const std::int64_t count = std::min<std::int64_t>(options.points_per_batch, side * side - begin);
    at::Tensor points = at::empty({count, 1, 2}, at::kDouble);
    auto* to = points.mutable_data_ptr<double>();
    const auto place = [&](std::int64_t i) { return (static_cast<double>(i) + 0.5) / static_cast<double>(side); };
    for (std::int64_t i = 0; i < count; ++i) {
      to[2 * i] = place((begin + i) % side) * static_cast<double>(w);
      to[2 * i + 1] = place((begin + i) / side) * static_cast<double>(h);
    }
    const sam_masks masks = predictor.predict({points, at::ones({count, 1}), {}, {}}, true);
    const at::Tensor scores = masks.scores.contiguous();
    for (std::int64_t i = 0; i < scores.numel(); ++i) {
      automatic_mask made;
      made.score = scores.const_data_ptr<float>()[i];
      if (options.least_score > 0 && !(made.score > static_cast<float>(options.least_score))) continue;
      const std::int64_t prompt = i / scores.size(1), answer = i % scores.size(1);
      const at::Tensor logits = predictor.at_full_size(masks.logits.slice(0, prompt, prompt + 1).slice(1, answer, answer + 1)).contiguous();
      made.point = {to[2 * prompt] + static_cast<double>(crop[0]), to[2 * prompt + 1] + static_cast<double>(crop[1])};
      if (read_mask(logits.const_data_ptr<float>(), crop, height, width, options, made)) found.push_back(std::move(made));
    }
  }
  std::vector<float> scores;
  for (const auto& each : found) scores.push_back(each.score);
  return chosen(found, suppress_masks(found, scores, options.box_overlap));
}

}  // namespace detail

/// Masks of all that a grid of points finds in an image [H, W, 1 or 3], by segment-anything's rules: three masks a point, those of
/// low score or stability and those that a crop cuts dropped, of overlapping boxes the better kept. The predictor's image is
/// another after. Throws `error` for options out of their range.
[[nodiscard]] inline std::vector<automatic_mask> automatic_masks(sam_predictor& predictor, const image& pixels,
                                                                 const automatic_mask_options& options = {}) {
  if (options.points_per_side < 1 || options.points_per_batch < 1 || options.crop_layers < 0 || options.crop_layers > 6 ||
      options.crop_points_divisor < 1 || !(options.crop_overlap >= 0 && options.crop_overlap < 1)) {
    throw error("making automatic masks", "an option is out of its range",
                "give points and batches of 1 and more, 0 to 6 layers of crops and overlaps below 1");
  }
  const auto height = static_cast<std::int64_t>(pixels.shape(0)), width = static_cast<std::int64_t>(pixels.shape(1));
  const auto crops = detail::mask_crops(height, width, options.crop_layers, options.crop_overlap);
  std::vector<automatic_mask> masks;
  for (const auto& [crop, layer] : crops) {
    if (crop[2] <= crop[0] || crop[3] <= crop[1]) continue;  // of an image smaller than its number of crops
    auto found = detail::masks_of_crop(predictor, pixels, crop, layer, options);
    masks.insert(masks.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  std::vector<float> scores;
  if (crops.size() > 1) {
    for (const auto& each : masks)
      scores.push_back(1 / static_cast<float>((each.crop[2] - each.crop[0]) * (each.crop[3] - each.crop[1])));
    masks = detail::chosen(masks, detail::suppress_masks(masks, scores, options.crop_box_overlap));
  }
  if (options.least_region <= 0) return masks;
  scores.clear();
  for (auto& each : masks) {
    auto mask = label_image::from_shape({pixels.shape(0), pixels.shape(1)});
    const auto old = decode_runs(each.mask);
    std::copy(old.begin(), old.end(), mask.data());
    const bool changed = remove_small_regions(mask, options.least_region);
    scores.push_back(changed ? 0.f : 1.f);
    each.box = detail::box_of(mask.data(), height, width);
    if (changed) each.mask = encode_runs(mask.data(), height, width);
  }
  return detail::chosen(masks, detail::suppress_masks(masks, scores, std::max(options.box_overlap, options.crop_box_overlap)));
}

/// The masks as one label image [height, width], numbered from 1 in their order; where they overlap, the smaller is on top.
[[nodiscard]] inline instance_image label_image_of(const std::vector<automatic_mask>& masks, std::size_t height, std::size_t width) {
  instance_image labels = instance_image::from_shape({height, width});
  std::fill(labels.begin(), labels.end(), 0);
  std::vector<std::size_t> order(masks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return masks[a].mask.area() > masks[b].mask.area(); });
  for (const std::size_t i : order) {
    std::int64_t at = 0;
    const auto& runs = masks[i].mask;
    for (std::size_t r = 0; r < runs.counts.size(); ++r) {
      for (std::int64_t n = runs.counts[r]; n > 0; --n, ++at) {
        if (r % 2 == 1) labels.data()[at % runs.height * runs.width + at / runs.height] = static_cast<std::int32_t>(i + 1);
      }
    }
  }
  return labels;
}

}  // namespace axonzoo
