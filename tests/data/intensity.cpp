#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/random.hpp>
#include <axonzoo/data/intensity.hpp>

using namespace axonzoo;

namespace {

std::vector<float> random_levels(std::size_t n, std::uint64_t seed) {
  random_stream random(seed);
  std::vector<float> levels(n);
  for (auto& level : levels) level = static_cast<float>(random.normal());
  return levels;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_intensity)

BOOST_AUTO_TEST_CASE(the_range_is_that_of_all_values) {
  for (const std::size_t n : {1, 2, 15, 16, 17, 100, 1000}) {
    const auto levels = random_levels(n, n);
    const auto [low, high] = range_of(levels.data(), static_cast<std::int64_t>(n));
    BOOST_TEST(low == *std::min_element(levels.begin(), levels.end()));
    BOOST_TEST(high == *std::max_element(levels.begin(), levels.end()));
  }
}

BOOST_AUTO_TEST_CASE(contrast_is_gain_and_offset) {
  auto levels = random_levels(77, 1);
  const auto before = levels;
  change_contrast(levels.data(), 77, -1.25F, 0.5F);
  for (std::size_t i = 0; i < 77; ++i) BOOST_TEST(std::abs(levels[i] - (0.5F - 1.25F * before[i])) < 1e-6F);
}

BOOST_AUTO_TEST_CASE(gamma_is_the_power_on_the_own_range) {
  for (const double exponent : {0.6, 1.0, 1.6}) {
    auto levels = random_levels(5000, 2);
    const auto before = levels;
    const auto [low, high] = range_of(levels.data(), 5000);
    change_gamma(levels.data(), 5000, exponent);
    double worst = 0;
    for (std::size_t i = 0; i < 5000; ++i) {
      const double exact = low + (high - low) * std::pow((static_cast<double>(before[i]) - low) / (high - low), exponent);
      worst = std::max(worst, std::abs(levels[i] - exact) / (high - low));
    }
    BOOST_TEST(worst < 0.003);
    const auto after = range_of(levels.data(), 5000);
    BOOST_TEST(std::abs(after.first - low) < 1e-5F);
    BOOST_TEST(std::abs(after.second - high) < 1e-5F);
  }
  std::vector<float> flat(40, 3.5F);
  change_gamma(flat.data(), 40, 0.6);
  for (const auto level : flat) BOOST_TEST(level == 3.5F);
}

BOOST_AUTO_TEST_CASE(noise_is_normal_white_and_its_key_alone) {
  constexpr std::size_t n = 400000;
  std::vector<float> noise(n), other(n), again(n);
  add_noise(noise.data(), n, 0.25F, 0x123456789ABCDEFULL);
  add_noise(again.data(), n, 0.25F, 0x123456789ABCDEFULL);
  add_noise(other.data(), n, 0.25F, 0x223456789ABCDEFULL);
  BOOST_TEST((noise == again));
  double sum = 0, squares = 0, fourths = 0, neighbour = 0, row = 0, key = 0;
  std::size_t beyond = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double z = noise[i] / 0.25;
    sum += z;
    squares += z * z;
    fourths += z * z * z * z;
    beyond += std::abs(z) > 1.959964;
    if (i + 256 < n) {
      neighbour += z * noise[i + 1] / 0.25;
      row += z * noise[i + 256] / 0.25;
    }
    key += z * other[i] / 0.25;
  }
  const double d = n, five_sigma = 5 / std::sqrt(d);
  BOOST_TEST(std::abs(sum / d) < five_sigma);
  BOOST_TEST(std::abs(squares / d - 1) < five_sigma * std::sqrt(2));
  BOOST_TEST(std::abs(fourths / d - 2.85) < 0.1);  // excess kurtosis of eight uniform summands: -1.2 / 8
  BOOST_TEST(std::abs(static_cast<double>(beyond) / d - 0.05) < 0.004);
  BOOST_TEST(std::abs(neighbour / d) < five_sigma);
  BOOST_TEST(std::abs(row / d) < five_sigma);
  BOOST_TEST(std::abs(key / d) < five_sigma);
}

BOOST_AUTO_TEST_CASE(blur_of_a_point_is_the_gaussian_in_its_own_channel) {
  constexpr std::int64_t height = 21, width = 27, channels = 3;
  std::vector<float> levels(height * width * channels);
  levels[(10 * width + 13) * channels + 1] = 1;
  blur(levels.data(), height, width, channels, 1.1);
  double norm = 0;
  for (int k = -3; k <= 3; ++k) norm += std::exp(-k * k / 2.42);
  double worst = 0;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int64_t c = 0; c < channels; ++c) {
        const double dy = static_cast<double>(y - 10), dx = static_cast<double>(x - 13);
        const bool near = c == 1 && std::abs(dy) <= 3 && std::abs(dx) <= 3;
        const double exact = near ? std::exp(-(dy * dy + dx * dx) / 2.42) / (norm * norm) : 0;
        worst = std::max(worst,
                         std::abs(static_cast<double>(levels[static_cast<std::size_t>((y * width + x) * channels + c)]) - exact));
      }
  BOOST_TEST(worst < 1e-6);
}

BOOST_AUTO_TEST_CASE(blur_keeps_the_sum_also_at_borders_and_in_tiny_images) {
  for (const std::int64_t side : {1, 2, 3, 30}) {
    auto levels = random_levels(static_cast<std::size_t>(side * (side + 2)), 9);
    const double before = std::accumulate(levels.begin(), levels.end(), 0.0);
    blur(levels.data(), side, side + 2, 1, 1.0);
    BOOST_TEST(std::abs(std::accumulate(levels.begin(), levels.end(), 0.0) - before) < 1e-4);
  }
}

BOOST_AUTO_TEST_SUITE_END()
