#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include <axonzoo/data/phantom.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

/// Pixels of each instance.
std::vector<double> areas(const instance_image& instances, std::size_t count) {
  std::vector<double> area(count + 1);
  for (const auto one : instances) area[static_cast<std::size_t>(one)] += 1;
  return area;
}

std::string refused(const std::function<void(phantom_options&)>& change) {
  phantom_options options;
  options.height = options.width = 32;
  change(options);
  return sentence_of([&] { make_phantom(options, 1); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_phantom)

BOOST_AUTO_TEST_CASE(same_seed_same_phantom_and_another_seed_another) {
  phantom_options options;
  options.height = 96;
  options.width = 160;
  const auto one = make_phantom(options, 5), again = make_phantom(options, 5), other = make_phantom(options, 6);
  BOOST_TEST(one.pixels.shape(0) == 96u);
  BOOST_TEST(one.pixels.shape(1) == 160u);
  BOOST_TEST((one.pixels == again.pixels));
  BOOST_TEST((one.labels == again.labels));
  BOOST_TEST(one.table.size() == again.table.size());
  BOOST_TEST((one.pixels != other.pixels));
  BOOST_TEST((one.labels != other.labels));
}

BOOST_AUTO_TEST_CASE(masks_agree_with_each_other_and_with_the_border) {
  for (const auto contrast : {phantom_contrast::sem, phantom_contrast::tem}) {
    phantom_options options = phantom_options::typical(contrast);
    options.height = options.width = 300;
    const auto made = make_phantom(options, 11);
    const auto count = static_cast<std::int32_t>(made.table.size());
    std::set<std::int32_t> at_border, seen;
    std::size_t wrong = 0;
    for (std::size_t y = 0; y < 300; ++y)
      for (std::size_t x = 0; x < 300; ++x) {
        const auto fibre = made.fibres(y, x), axon = made.axons(y, x);
        const int label = axon > 0 ? 2 : fibre > 0 ? 1 : 0;
        wrong += made.labels(y, x) != label || fibre > count || (axon > 0 && axon != fibre);
        const float level = made.pixels(y, x, 0);
        wrong += !(level >= 0 && level <= 255 && level == std::floor(level));
        if (fibre > 0) seen.insert(fibre);
        if (fibre > 0 && (y == 0 || x == 0 || y == 299 || x == 299)) at_border.insert(fibre);
      }
    BOOST_TEST(wrong == 0u);
    BOOST_TEST(seen.size() == made.table.size());
    std::size_t otherwise = 0;  // an outline may end within half a pixel of the border, on either side
    for (std::size_t i = 0; i < made.table.size(); ++i)
      otherwise += made.table[i].touches_border != (at_border.count(static_cast<std::int32_t>(i + 1)) > 0);
    BOOST_TEST(at_border.size() > 10u);
    BOOST_TEST(otherwise * 10 < at_border.size());
  }
}

// Were outlines to overlap, the one painted later would take pixels of the other, and its area would fall short.
BOOST_AUTO_TEST_CASE(areas_of_masks_are_those_of_the_table) {
  phantom_options options;
  options.height = options.width = 700;
  options.pixel_size = 0.05;
  const auto made = make_phantom(options, 2);
  const auto axon = areas(made.axons, made.table.size()), fibre = areas(made.fibres, made.table.size());
  std::vector<double> x(made.table.size()), y(made.table.size());
  for (std::size_t r = 0; r < 700; ++r)
    for (std::size_t c = 0; c < 700; ++c)
      if (const auto n = made.axons(r, c); n > 0) {
        x[static_cast<std::size_t>(n - 1)] += (static_cast<double>(c) + 0.5) * 0.05;
        y[static_cast<std::size_t>(n - 1)] += (static_cast<double>(r) + 0.5) * 0.05;
      }
  double all_axon = 0, all_fibre = 0, all_axon_pixels = 0, all_fibre_pixels = 0;
  std::size_t inside = 0;
  for (std::size_t i = 0; i < made.table.size(); ++i) {
    const auto& one = made.table[i];
    if (one.touches_border) continue;
    ++inside;
    const double exact = std::numbers::pi * one.diameter_um * one.diameter_um / 4 / 0.0025, whole = exact / (one.g_ratio * one.g_ratio);
    // The error of counting pixel centres grows with the square root of the perimeter in pixels.
    BOOST_TEST(std::abs(axon[i + 1] - exact) < 3 * std::sqrt(std::numbers::pi * one.diameter_um / 0.05));
    BOOST_TEST(std::abs(fibre[i + 1] - whole) < 3 * std::sqrt(std::numbers::pi * one.diameter_um / one.g_ratio / 0.05));
    BOOST_TEST(std::abs(x[i] / axon[i + 1] - one.x_um) < 0.03);
    BOOST_TEST(std::abs(y[i] / axon[i + 1] - one.y_um) < 0.03);
    BOOST_TEST(std::abs(one.myelin_thickness_um - one.diameter_um * (1 / one.g_ratio - 1) / 2) < 1e-9);
    all_axon += exact;
    all_fibre += whole;
    all_axon_pixels += axon[i + 1];
    all_fibre_pixels += fibre[i + 1];
  }
  BOOST_TEST(inside > 100u);
  BOOST_TEST(std::abs(all_axon_pixels / all_axon - 1) < 0.003);
  BOOST_TEST(std::abs(all_fibre_pixels / all_fibre - 1) < 0.003);
}

BOOST_AUTO_TEST_CASE(diameters_and_g_ratios_follow_their_laws) {
  phantom_options options;
  options.height = options.width = 1400;
  options.g_ratio_spread = 0.04;
  options.least_diameter = 0.21;
  const auto made = make_phantom(options, 3);
  double n = 0, sum = 0, squares = 0, residual = 0, residual_squares = 0, slope_up = 0, slope_down = 0, log_mean = 0, g_mean = 0;
  for (const auto& one : made.table) {
    if (one.x_um < 0 || one.y_um < 0 || one.x_um > 140 || one.y_um > 140) continue;  // each place counts what is centred there
    const double off = one.g_ratio - (options.g_ratio + options.g_ratio_slope * std::log(one.diameter_um));
    ++n;
    sum += one.diameter_um;
    squares += one.diameter_um * one.diameter_um;
    residual += off;
    residual_squares += off * off;
    log_mean += std::log(one.diameter_um);
    g_mean += one.g_ratio;
  }
  log_mean /= n;
  g_mean /= n;
  for (const auto& one : made.table) {
    slope_up += (std::log(one.diameter_um) - log_mean) * (one.g_ratio - g_mean);
    slope_down += (std::log(one.diameter_um) - log_mean) * (std::log(one.diameter_um) - log_mean);
  }
  BOOST_TEST(n > 2000);
  BOOST_TEST(std::abs(residual / n) < 0.005);
  BOOST_TEST(std::abs(std::sqrt(residual_squares / n) - 0.04) < 0.003);
  BOOST_TEST(std::abs(slope_up / slope_down - options.g_ratio_slope) < 0.008);
  const double mean = sum / n, spread = std::sqrt(squares / n - mean * mean);
  BOOST_TEST(std::abs(mean / options.mean_diameter - 1) < 0.06);
  BOOST_TEST(std::abs(spread / mean - 1 / std::sqrt(options.diameter_shape)) < 0.06);
}

BOOST_AUTO_TEST_CASE(fibres_cover_the_share_that_was_asked_for) {
  for (const double share : {0.2, 0.45, 0.62}) {
    phantom_options options;
    options.height = options.width = 1000;
    options.fibre_fraction = share;
    const auto made = make_phantom(options, 4);
    const auto covered = std::count_if(made.fibres.begin(), made.fibres.end(), [](std::int32_t one) { return one > 0; });
    BOOST_TEST(std::abs(static_cast<double>(covered) / 1e6 - share) < 0.04);
  }
}

BOOST_AUTO_TEST_CASE(contrasts_have_their_order_of_grey_levels) {
  for (const auto contrast : {phantom_contrast::sem, phantom_contrast::tem}) {
    auto options = phantom_options::typical(contrast);
    const auto made = make_phantom(options, 8);
    std::array<double, 3> sum{}, count{};
    for (std::size_t i = 0; i < made.labels.size(); ++i) {
      sum[made.labels.data()[i]] += made.pixels.data()[i];
      count[made.labels.data()[i]] += 1;
    }
    const double background = sum[0] / count[0], myelin = sum[1] / count[1], axon = sum[2] / count[2];
    if (contrast == phantom_contrast::sem) BOOST_TEST((axon + 20 < background && background + 20 < myelin));
    else BOOST_TEST((myelin + 40 < background && background < axon));
  }
}

BOOST_AUTO_TEST_CASE(ten_thousand_axons_take_seconds) {
  phantom_options options;
  options.height = options.width = 2350;
  const auto start = std::chrono::steady_clock::now();
  const auto made = make_phantom(options, 9);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  BOOST_TEST(made.table.size() > 10000u);
  BOOST_TEST(seconds < 30);
  BOOST_TEST_MESSAGE(made.table.size() << " axons in " << seconds << " s");
}

BOOST_AUTO_TEST_CASE(small_images_are_made_and_impossible_ones_refused) {
  BOOST_TEST(refused([](phantom_options&) {}) == "");
  BOOST_TEST(refused([](phantom_options& o) { o.height = 1; }) == "");
  BOOST_TEST(says(refused([](phantom_options& o) { o.width = 0; }), {"cannot make a phantom", "no pixels"}));
  BOOST_TEST(says(refused([](phantom_options& o) { o.pixel_size = -1; }), {"pixel of -1"}));
  BOOST_TEST(says(refused([](phantom_options& o) { o.pixel_size = std::nan(""); }), {"cannot make a phantom", "pixel"}));
  BOOST_TEST(says(refused([](phantom_options& o) { o.mean_diameter = 9; }), {"mean diameter"}));
  BOOST_TEST(says(refused([](phantom_options& o) { o.g_ratio = 1; }), {"g-ratio"}));
  BOOST_TEST(says(refused([](phantom_options& o) { o.fibre_fraction = 0.9; }), {"of the area"}));
  BOOST_TEST(says(refused([](phantom_options& o) { o.height = 40000; }), {"30000"}));
}

BOOST_AUTO_TEST_SUITE_END()
