#pragma once

#include <cstdint>

#include <xtensor/xtensor.hpp>

namespace axonzoo {

/// Grey levels or colours, [H, W, C] with C = 1 or 3, in the file's own levels (0..255 or 0..65535) until normalised.
using image = xt::xtensor<float, 3>;

/// 8-bit picture for people, [H, W, 3].
using rgb_image = xt::xtensor<std::uint8_t, 3>;

/// Class index of each pixel, [H, W]: 0 is background; see `dataset::classes` for the rest.
using label_image = xt::xtensor<std::uint8_t, 2>;

/// Instance index of each pixel, [H, W]: 0 is background, instances count from 1.
using instance_image = xt::xtensor<std::int32_t, 2>;

}  // namespace axonzoo
