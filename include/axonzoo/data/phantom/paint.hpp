#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/phantom/cytology.hpp>
#include <axonzoo/data/phantom/lattice_noise.hpp>
#include <axonzoo/data/phantom/palette.hpp>
#include <axonzoo/data/phantom/raster.hpp>
#include <axonzoo/data/phantom/tissue.hpp>

namespace axonzoo {

/// Grey levels of a window as a perfect microscope would see them, before `expose`: background, glia, neurites with their
/// membranes, sheaths with their lamellae and splits, axons with their organelles; edges antialiased.
class tissue_painter {
 public:
  tissue_painter(const phantom_tissue& tissue, const phantom_palette& palette, const phantom_window& window)
      : tissue_(tissue),
        p_(palette),
        window_(window),
        pixel_(static_cast<float>(tissue.options.pixel_size)),
        tem_(tissue.options.contrast == phantom_contrast::tem) {
    const double fine = (tem_ ? 0.018 : 0.1) / pixel_, coarse = (tem_ ? 0.09 : 0.5) / pixel_;
    fine_ = lattice_noise(tissue.seed ^ 0xF19E, fine).field(window);
    coarse_ = lattice_noise(tissue.seed ^ 0xC0A5, coarse).field(window);
    texture_ = p_.texture * static_cast<float>(tissue.options.noise);
    granules_ = p_.granules * static_cast<float>(tissue.options.noise);
    levels_ = image::from_shape({static_cast<std::size_t>(window.height), static_cast<std::size_t>(window.width), 1});
  }

  image paint() {
    for (std::int64_t row = 0; row < window_.height; ++row) {
      for (std::int64_t column = 0; column < window_.width; ++column)
        levels_(row, column, 0) = cytoplasm(p_.background, row, column, 1.3F);
    }
    for (const auto& one : tissue_.glia) paint_profile(one, p_.glia, 1.4F, p_.glia, 0);
    for (const auto& one : tissue_.neurites) paint_profile(one, p_.neurite, 1, p_.membrane, tem_ ? 0.018F : 0.07F);
    for (std::size_t i = 0; i < tissue_.fibres.size(); ++i) paint_fibre(i);
    return std::move(levels_);
  }

 private:
  [[nodiscard]] float cytoplasm(float level, std::int64_t row, std::int64_t column, float unevenness) const {
    const float grain = fine_(row, column);
    const float dots = granules_ * std::clamp(grain - 0.6F, 0.F, 1.6F);
    return level * (1 + texture_ * unevenness * (0.5F * grain + 0.8F * coarse_(row, column))) - dots;
  }

  /// Share of a pixel at that depth which lies within.
  [[nodiscard]] float cover(float depth) const { return std::clamp(0.5F + depth / pixel_, 0.F, 1.F); }

  /// Share of a pixel taken by a line of that thickness along the inside of an outline.
  [[nodiscard]] float line(float depth, float thickness) const { return cover(depth) * (1 - cover(depth - thickness)); }

  void paint_profile(const star_outline& outline, float level, float unevenness, float membrane, float thickness) {
    const float own =
        level * (1 + 0.08F * static_cast<float>(lattice_noise::deviate(tissue_.seed, static_cast<std::int64_t>(outline.x * 4096),
                                                                       static_cast<std::int64_t>(outline.y * 4096))));
    visit_pixels(outline, pixel_ / 2, pixel_, window_,
                 [&](std::int64_t row, std::int64_t column, float, float, std::size_t, float depth) {
                   float value = cytoplasm(own, row, column, unevenness);
                   if (thickness > 0) value += (membrane - value) * line(depth, thickness);
                   auto& at = levels_(row, column, 0);
                   at += cover(depth) * (value - at);
                 });
  }

  void paint_fibre(std::size_t number) {
    const auto& fibre = tissue_.fibres[number];
    const auto cytology = draw_cytology(tissue_, number);
    const star_edges axon(fibre.axon);
    const auto sectors = fibre.sheath.radii.size();
    const float axon_level = (cytology.filled ? p_.filled_axon : p_.axon) + cytology.axon_offset;
    const float lamellae = tem_ ? 0.22F * std::clamp(1.5F - pixel_ / 0.012F, 0.F, 1.F) : 0.F;
    visit_pixels(fibre.sheath, pixel_ / 2, pixel_, window_,
                 [&](std::int64_t row, std::int64_t column, float dx, float dy, std::size_t sector, float depth) {
                   const float within = axon.depth(sector, dx, dy);
                   float value = 0;
                   const float inner = cover(within);
                   if (inner < 1) {
                     const float thickness = std::max(depth - within, 1e-3F), share = depth / thickness;
                     float sheath = p_.myelin * cytology.brightness *
                                    (1 + texture_ * (0.6F * fine_(row, column) + 0.7F * coarse_(row, column)));
                     if (lamellae > 0)
                       sheath *= 1 + lamellae * std::sin(2 * std::numbers::pi_v<float> * depth / 0.034F + coarse_(row, column));
                     for (const auto& split : cytology.splits) {
                       const float open = std::min(1.F, split.width / pixel_) * split.depth_at(sector, sectors, share, thickness);
                       sheath += open * (0.8F * (tem_ ? p_.background : p_.axon) + 0.2F * sheath - sheath);
                     }
                     value = sheath;
                   }
                   if (inner > 0) value += inner * (axoplasm(cytology, axon_level, row, column, dx, dy) - value);
                   auto& at = levels_(row, column, 0);
                   at += cover(depth) * (value - at);
                 });
  }

  [[nodiscard]] float axoplasm(const fibre_cytology& cytology, float level, std::int64_t row, std::int64_t column, float dx,
                               float dy) const {
    float value = cytoplasm(level, row, column, tem_ ? 0.8F : 1.6F);
    for (const auto& one : cytology.organelles) {
      const float radius = one.radius_at(dx, dy);
      if (radius > 1.3F) continue;
      const float size = one.short_radius, depth = (1 - radius) * size;
      const float there = one.clot ? std::clamp(2 * (1 - radius), 0.F, 1.F) : cover(depth);
      float inside = one.clot ? 0.5F * (p_.filled_axon + p_.mitochondrion) : p_.mitochondrion;
      inside = cytoplasm(inside, row, column, 1.5F);
      if (!one.clot) {
        if (tem_)
          inside -=
              26 * std::clamp(1.5F - pixel_ / 0.012F, 0.F, 1.F) * std::sin(one.across(dx, dy) / 0.006F + coarse_(row, column));
        inside += (p_.mitochondrion_rim - inside) * line(depth, tem_ ? 0.014F : 0.06F);
      }
      value += there * (inside - value);
    }
    return value;
  }

  const phantom_tissue& tissue_;
  const phantom_palette p_;
  const phantom_window window_;
  const float pixel_;
  const bool tem_;
  float texture_, granules_;
  xt::xtensor<float, 2> fine_, coarse_;
  image levels_;
};

}  // namespace axonzoo
