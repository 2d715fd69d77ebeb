#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include <axonzoo/core/image.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/augmentation.hpp>
#include <axonzoo/data/crop.hpp>
#include <axonzoo/data/intensity.hpp>
#include <axonzoo/data/prepared_micrograph.hpp>
#include <axonzoo/data/warp.hpp>

namespace axonzoo {

/// What a network is trained on: pixels [size, size, C] and their classes [size, size].
struct patch {
  image pixels;
  label_image labels;
};

namespace detail {

/// First row or column of a patch around `centre`, or anywhere: within the image, or around it where the patch is larger.
inline std::int64_t place_patch(std::int64_t length, std::int64_t size, const std::uint32_t* centre, random_stream& stream) {
  const std::int64_t first = std::min<std::int64_t>(0, length - size), last = std::max<std::int64_t>(0, length - size);
  if (centre != nullptr) return std::clamp(static_cast<std::int64_t>(*centre) - size / 2, first, last);
  return first + stream.below(last - first + 1);
}

}  // namespace detail

/// Cuts a patch, changed as `how` says, into memory of the caller. One pass over the image: a copy where no free rotation, scale
/// or elastic change falls to the patch, else one bilinear warp. `foreground_share` of the patches are centred on a pixel of a
/// class other than background, all classes equally often; the others lie anywhere. A patch larger than the image, and a warp
/// that looks beyond its border, see the image mirrored. What comes out depends on the arguments alone.
inline void cut_patch(const prepared_micrograph& source, const augmentation& how, double foreground_share, random_stream& stream,
                      const patch_target& target) {
  const auto happens = [&stream](double probability) { return probability > 0 && stream.uniform() < probability; };
  const auto draw = [&stream](augmentation::range r) { return stream.uniform(r.low, r.high); };
  const std::int64_t size = target.size;
  const auto height = static_cast<std::int64_t>(source.pixels.shape(0)),
             width = static_cast<std::int64_t>(source.pixels.shape(1));

  const std::uint32_t* row = nullptr;
  const std::uint32_t* column = nullptr;
  if (happens(foreground_share) && !source.foreground.empty()) {
    const auto& pixel =
        source.foreground[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(source.foreground.size())))];
    row = &pixel.first;
    column = &pixel.second;
  }
  const std::int64_t top = detail::place_patch(height, size, row, stream),
                     left = detail::place_patch(width, size, column, stream);

  const quarter_turn turn = how.turns ? static_cast<quarter_turn>(stream.below(8)) : 0;
  const double angle = happens(how.rotation) ? draw(how.rotation_degrees) * std::numbers::pi / 180 : 0;
  const double factor =
      happens(how.scale) ? std::exp(stream.uniform(std::log(how.scale_factor.low), std::log(how.scale_factor.high))) : 1;
  const double bend = happens(how.elastic) ? draw(how.elastic_pixels) : 0;
  if (angle == 0 && factor == 1 && bend == 0) {
    crop_patch(source, top, left, turn, target);
  } else {
    warp w;
    w.row = static_cast<double>(top) + static_cast<double>(size - 1) / 2;
    w.column = static_cast<double>(left) + static_cast<double>(size - 1) / 2;
    const double cosine = std::cos(angle) / factor, sine = std::sin(angle) / factor;
    const double down = (turn & 1U) != 0 ? -1 : 1, right = (turn & 2U) != 0 ? -1 : 1;
    const int y = (turn & 4U) != 0 ? 1 : 0, x = 1 - y;
    w.matrix[0][y] = cosine * down;
    w.matrix[0][x] = -sine * right;
    w.matrix[1][y] = sine * down;
    w.matrix[1][x] = cosine * right;
    if (bend > 0) {
      w.cells = std::max<std::int64_t>(1, std::llround(static_cast<double>(size) / how.elastic_spacing));
      const auto nodes = static_cast<std::size_t>((w.cells + 1) * (w.cells + 1));
      w.row_shift.resize(nodes);
      w.column_shift.resize(nodes);
      for (auto& shift : w.row_shift) shift = static_cast<float>(bend * stream.normal());
      for (auto& shift : w.column_shift) shift = static_cast<float>(bend * stream.normal());
    }
    warp_patch(source, w, target);
  }

  const auto channels = static_cast<std::int64_t>(source.pixels.shape(2)), n = size * size * channels;
  if (happens(how.blur)) blur(target.pixels, size, size, channels, draw(how.blur_sigma));
  if (happens(how.gamma)) change_gamma(target.pixels, n, draw(how.gamma_exponent));
  float gain = 1, offset = 0;
  if (happens(how.contrast)) {
    gain = static_cast<float>(draw(how.gain));
    offset = static_cast<float>(draw(how.offset));
  }
  if (happens(how.inversion)) gain = -gain;
  if (gain != 1 || offset != 0) change_contrast(target.pixels, n, gain, offset);
  if (happens(how.noise)) {
    const auto sigma = static_cast<float>(draw(how.noise_sigma));
    add_noise(target.pixels, n, sigma, stream.bits());
  }
}

/// The same as a value.
inline patch cut_patch(const prepared_micrograph& source, std::int64_t size, const augmentation& how, random_stream& stream,
                       double foreground_share = 1. / 3) {
  const auto side = static_cast<std::size_t>(size);
  patch made{image::from_shape({side, side, source.pixels.shape(2)}), label_image::from_shape({side, side})};
  cut_patch(source, how, foreground_share, stream, {made.pixels.data(), made.labels.data(), size});
  return made;
}

}  // namespace axonzoo
