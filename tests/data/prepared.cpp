#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/prepared.hpp>

#include "made_folder.hpp"
#include "made_micrograph.hpp"

using namespace axonzoo;

namespace {

/// Images of 40 x 30 px at 0.2 um with noise, and masks with a ring of myelin around an axon.
dataset make_set(const made_folder& folder, int images) {
  dataset data;
  data.classes = {"background", "myelin", "axon"};
  for (int n = 0; n < images; ++n) {
    micrograph one;
    one.name = "image" + std::to_string(n);
    one.pixel_size = 0.2;
    one.path = folder.png(one.name + ".png", 40, 30, [n](auto y, auto x) { return static_cast<int>(200 * scattered(y, x, n)); });
    const auto mask = folder.png(one.name + "_mask.png", 40, 30, [](auto y, auto x) {
      const double dy = static_cast<double>(y) - 20, dx = static_cast<double>(x) - 15, squared = dy * dy + dx * dx;
      return squared < 36 ? 255 : squared < 100 ? 127 : 0;
    });
    one.masks = {{mask, mask_file::kind::axonmyelin, 0}};
    data.micrographs.push_back(one);
  }
  return data;
}

class quiet_errors {
 public:
  quiet_errors() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  ~quiet_errors() { std::cerr.rdbuf(before_); }
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(data_prepared)

BOOST_AUTO_TEST_CASE(pixels_are_resampled_then_scored_and_labels_follow) {
  const made_folder folder;
  const auto data = make_set(folder, 1);
  for (const double target : {0., 0.2, 0.1, 0.4}) {
    const auto made = prepare_micrograph(data, 0, target, std::nullopt);
    const std::size_t rows = target == 0.1 ? 80 : target == 0.4 ? 20 : 40;
    BOOST_TEST(made.pixels.shape(0) == rows);
    BOOST_TEST(made.pixels.shape(1) == rows * 3 / 4);
    BOOST_TEST(made.labels.shape(0) == rows);
    BOOST_TEST(made.labels(rows / 2, rows * 3 / 8) == 2);
    BOOST_TEST(made.labels(0, 0) == 0);
    double sum = 0, squares = 0;
    for (const float level : made.pixels) {
      sum += level;
      squares += static_cast<double>(level) * level;
    }
    const auto n = static_cast<double>(made.pixels.size());
    BOOST_TEST(std::abs(sum / n) < 1e-5);
    BOOST_TEST(std::abs(squares / n - 1) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(inference_prepares_pixels_in_the_same_way) {
  const made_folder folder;
  const auto data = make_set(folder, 1);
  BOOST_TEST(
      (prepare_pixels(read_pixels(data.micrographs[0]), 0.2, 0.13) == prepare_micrograph(data, 0, 0.13, std::nullopt).pixels));
}

BOOST_AUTO_TEST_CASE(foreground_is_sampled_evenly_and_in_balance) {
  label_image labels = label_image::from_shape({200, 300});
  labels.fill(0);
  for (std::size_t y = 0; y < 100; ++y)
    for (std::size_t x = 0; x < 300; ++x) labels(y, x) = 2;
  for (std::size_t k = 0; k < 50; ++k) labels(150, 10 + k) = 1;
  std::vector<int> of_class(3), by_column(3);
  for (const auto& [row, column] : sample_foreground(labels)) {
    ++of_class[labels(row, column)];
    if (labels(row, column) == 2) ++by_column[column / 100];
  }
  BOOST_TEST(of_class[0] == 0);
  BOOST_TEST(of_class[1] == 4096);
  BOOST_TEST(of_class[2] == 4096);
  for (const int count : by_column) BOOST_TEST(std::abs(count - 4096 / 3) < 200);
  labels.fill(0);
  BOOST_TEST(sample_foreground(labels).empty());
  labels(7, 8) = 1;
  const auto one = sample_foreground(labels);
  BOOST_TEST(!one.empty());
  BOOST_TEST((one.front() == std::pair<std::uint32_t, std::uint32_t>{7, 8}));
}

BOOST_AUTO_TEST_CASE(what_is_held_is_given_again_and_the_longest_unused_leaves) {
  const made_folder folder;
  const auto data = make_set(folder, 3);
  const std::size_t each = prepare_micrograph(data, 0, 0, std::nullopt).bytes();
  prepared_cache cache(data, 0, std::nullopt, 5 * each / 2);
  const auto first = cache.get(0);
  BOOST_TEST(cache.get(0) == first);
  (void)cache.get(1);
  (void)cache.get(0);  // now 1 is the longest unused
  BOOST_TEST(cache.preparations() == 2u);
  (void)cache.get(2);
  BOOST_TEST(cache.resident_bytes() == 2 * each);
  (void)cache.get(0);
  BOOST_TEST(cache.preparations() == 3u);
  (void)cache.get(1);
  BOOST_TEST(cache.preparations() == 4u);
  BOOST_TEST(first->name == "image0");
}

BOOST_AUTO_TEST_CASE(an_image_above_the_budget_is_made_anew_and_that_is_said_once) {
  const made_folder folder;
  prepared_cache cache(make_set(folder, 2), 0, std::nullopt, 100);
  const quiet_errors errors;
  const auto one = cache.get(0), again = cache.get(0), other = cache.get(1);
  BOOST_TEST(one != again);
  BOOST_TEST((one->pixels == again->pixels));
  BOOST_TEST(cache.preparations() == 3u);
  BOOST_TEST(cache.resident_bytes() == 0u);
  BOOST_TEST(errors.text().find("'image0'") != std::string::npos);
  BOOST_TEST(errors.text().find('\n') == errors.text().size() - 1);
}

BOOST_AUTO_TEST_CASE(threads_that_want_the_same_image_prepare_it_once) {
  const made_folder folder;
  prepared_cache cache(make_set(folder, 4), 0.05, std::nullopt, std::size_t{1} << 30);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 40; ++k) {
        const std::size_t index = (k + static_cast<std::size_t>(t)) % 4;
        wrong += cache.get(index)->index != index;
      }
    });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(cache.preparations() == 4u);
}

BOOST_AUTO_TEST_CASE(threads_within_a_small_budget_never_pass_it) {
  const made_folder folder;
  const auto data = make_set(folder, 6);
  const std::size_t each = prepare_micrograph(data, 0, 0, std::nullopt).bytes();
  prepared_cache cache(data, 0, std::nullopt, 2 * each);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 60; ++k) {
        const std::size_t index = (7 * k + 3 * static_cast<std::size_t>(t)) % 6;
        wrong += cache.get(index)->index != index || cache.resident_bytes() > 2 * each;
      }
    });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_failed_is_tried_again) {
  const made_folder folder;
  const auto data = make_set(folder, 1);
  prepared_cache cache(data, 0, std::nullopt, std::size_t{1} << 30, 1);
  const auto path = data.micrographs[0].path, aside = folder.at("aside.png");
  std::filesystem::copy_file(path, aside);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  BOOST_TEST(says(sentence_of([&] { (void)cache.get(0); }), {"image0.png"}));
  std::filesystem::copy_file(aside, path, std::filesystem::copy_options::overwrite_existing);
  BOOST_TEST(cache.get(0)->name == "image0");
  BOOST_TEST(cache.preparations() == 2u);
}

BOOST_AUTO_TEST_CASE(one_image_in_colour_makes_all_three_channels) {
  const made_folder folder;
  auto data = make_set(folder, 2);
  prepared_cache grey(data, 0, std::nullopt, std::size_t{1} << 30);
  BOOST_TEST(grey.channels() == 1u);
  data.micrographs[1].path = folder.colour_png("colour.png", 40, 30, 200, 100, 50);
  prepared_cache colour(data, 0, std::nullopt, std::size_t{1} << 30);
  BOOST_TEST(colour.channels() == 3u);
  BOOST_TEST(colour.get(0)->pixels.shape(2) == 3u);
  BOOST_TEST(colour.get(1)->pixels.shape(2) == 3u);
}

BOOST_AUTO_TEST_CASE(a_size_that_nobody_knows_is_asked_for) {
  const made_folder folder;
  auto data = make_set(folder, 1);
  data.micrographs[0].pixel_size = 0;
  prepared_cache asked(data, 0.1, std::nullopt, std::size_t{1} << 30);
  BOOST_TEST(says(sentence_of([&] { (void)asked.get(0); }), {"image0.png", "pixel"}));
  prepared_cache told(data, 0.1, 0.2, std::size_t{1} << 30);
  BOOST_TEST(told.get(0)->pixels.shape(0) == 80u);
  prepared_cache as_it_is(data, 0, std::nullopt, std::size_t{1} << 30);
  BOOST_TEST(as_it_is.get(0)->pixels.shape(0) == 40u);
}

BOOST_AUTO_TEST_SUITE_END()
