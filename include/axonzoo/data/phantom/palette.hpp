#pragma once

#include <cstdint>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/phantom_options.hpp>

namespace axonzoo {

/// Grey levels (0..255) of one image's structures. No two images of real tissue have the same: stain, detector and operator
/// differ.
struct phantom_palette {
  float background, myelin, axon, filled_axon, neurite, membrane, glia, mitochondrion, mitochondrion_rim, dirt;
  float texture;    ///< standard deviation of the structures' own unevenness, as a share of their level
  float granules;   ///< depth of dark grains in the cytoplasm
  float shot;       ///< standard deviation of the noise at level 128
  float sharpness;  ///< standard deviation of the point spread, px
};

/// Levels about those of rat spinal cord (SEM) and mouse corpus callosum (TEM).
inline phantom_palette draw_palette(phantom_contrast contrast, std::uint64_t seed) {
  random_stream stream(seed, 0xC010);
  const auto about = [&stream](double level, double spread) {
    return static_cast<float>(stream.uniform(level - spread, level + spread));
  };
  phantom_palette p{};
  if (contrast == phantom_contrast::sem) {
    p.background = about(98, 22);
    p.myelin = about(182, 26);
    p.axon = about(42, 16);
    p.filled_axon = p.axon + 0.7F * (p.background - p.axon);
    p.neurite = p.background - about(26, 10);
    p.membrane = p.background + about(42, 14);
    p.glia = about(72, 20);
    p.mitochondrion = p.axon + about(34, 12);
    p.mitochondrion_rim = p.mitochondrion + 18;
    p.dirt = 250;
    p.texture = about(0.13, 0.03);
    p.granules = 6;
    p.shot = about(9, 4);
    p.sharpness = about(1.0, 0.35);
  } else {
    p.background = about(150, 20);
    p.myelin = about(40, 12);
    p.axon = about(212, 14);
    p.filled_axon = p.axon - 40;
    p.neurite = p.axon - about(12, 10);
    p.membrane = about(72, 16);
    p.glia = about(150, 25);
    p.mitochondrion = about(118, 16);
    p.mitochondrion_rim = about(62, 12);
    p.dirt = 8;
    p.texture = about(0.10, 0.02);
    p.granules = about(60, 15);
    p.shot = about(9, 3);
    p.sharpness = about(0.7, 0.2);
  }
  return p;
}

}  // namespace axonzoo
