#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/augment.hpp>

#include "made_folder.hpp"
#include "made_micrograph.hpp"

using namespace axonzoo;

namespace {

std::string refused(const std::function<void(augmentation&)>& change) {
  augmentation how;
  change(how);
  return sentence_of([&] { how.check(); });
}

double deviation(const patch& one) {
  double sum = 0, squares = 0;
  for (const float level : one.pixels) {
    sum += level;
    squares += static_cast<double>(level) * level;
  }
  const double n = static_cast<double>(one.pixels.size());
  return std::sqrt(squares / n - sum / n * sum / n);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_augment)

BOOST_AUTO_TEST_CASE(off_gives_crops_that_stand_in_the_image) {
  const auto from = made_micrograph(50, 60, 1, scattered, [](auto y, auto x) { return (y + x) % 3; });
  random_stream stream(1);
  std::set<std::pair<std::size_t, std::size_t>> places;
  for (int k = 0; k < 200; ++k) {
    const auto made = cut_patch(from, 16, augmentation::off(), stream, 0);
    bool found = false;
    for (std::size_t top = 0; top + 16 <= 50 && !found; ++top)
      for (std::size_t left = 0; left + 16 <= 60 && !found; ++left) {
        found = made.pixels(0, 0, 0) == from.pixels(top, left, 0);
        for (std::size_t i = 0; i < 16 && found; ++i)
          for (std::size_t j = 0; j < 16 && found; ++j)
            found =
                made.pixels(i, j, 0) == from.pixels(top + i, left + j, 0) && made.labels(i, j) == from.labels(top + i, left + j);
        if (found) places.emplace(top, left);
      }
    BOOST_TEST(found);
  }
  BOOST_TEST(places.size() > 150u);
}

BOOST_AUTO_TEST_CASE(patches_as_large_as_the_image_and_larger_have_all_of_it) {
  const auto from = made_micrograph(16, 12, 1, scattered, [](auto, auto) { return 1; });
  random_stream stream(2);
  for (int k = 0; k < 20; ++k) {
    const auto made = cut_patch(from, 16, augmentation::off(), stream);
    for (std::size_t i = 0; i < 16; ++i) {
      std::set<float> row(&made.pixels(i, 0, 0), &made.pixels(i, 0, 0) + 16),
          whole(&from.pixels(i, 0, 0), &from.pixels(i, 0, 0) + 12);
      BOOST_TEST((row == whole));
    }
  }
  BOOST_TEST(cut_patch(from, 100, augmentation(), stream).labels(99, 99) == 1);
}

BOOST_AUTO_TEST_CASE(a_share_is_centred_on_foreground_with_classes_in_balance) {
  // Class 1 has 36 pixels, class 2 has 900; both far from the border.
  const auto from = made_micrograph(400, 400, 1, scattered, [](auto y, auto x) {
    if (y >= 100 && y < 106 && x >= 100 && x < 106) return 1;
    return y >= 250 && y < 280 && x >= 250 && x < 280 ? 2 : 0;
  });
  auto how = augmentation::off();
  random_stream stream(3);
  std::vector<int> centre(3);
  for (int k = 0; k < 6000; ++k) ++centre[cut_patch(from, 8, how, stream, 0.5).labels(4, 4)];
  BOOST_TEST(std::abs(centre[1] - 1500) < 150);
  BOOST_TEST(std::abs(centre[2] - 1510) < 150);
  how.turns = true;
  int foreground = 0;
  for (int k = 0; k < 500; ++k) {
    const auto made = cut_patch(from, 9, how, stream, 1);
    foreground += made.labels(4, 4) > 0;
  }
  BOOST_TEST(foreground == 500);
}

BOOST_AUTO_TEST_CASE(pixels_and_labels_are_moved_alike) {
  // Discs whose grey level is their label: away from edges both must agree under every geometry.
  const auto disc = [](std::size_t y, std::size_t x) {
    const double dy = static_cast<double>(y % 40) - 20, dx = static_cast<double>(x % 40) - 20;
    return dy * dy + dx * dx < 150 ? 2 : 0;
  };
  const auto from = made_micrograph(
      300, 300, 1, [&](auto y, auto x, auto) { return disc(y, x); }, disc);
  auto how = augmentation::off();
  how.turns = true;
  how.rotation = how.scale = how.elastic = 1;
  random_stream stream(4);
  for (int k = 0; k < 30; ++k) {
    const auto made = cut_patch(from, 96, how, stream);
    std::size_t other = 0, both = 0;
    for (std::size_t i = 0; i < made.labels.size(); ++i) {
      other += (made.pixels.data()[i] > 1) != (made.labels.data()[i] == 2);
      both += made.labels.data()[i] == 2;
    }
    BOOST_TEST(other < 96u * 96u / 50);
    BOOST_TEST(both > 500u);
  }
}

BOOST_AUTO_TEST_CASE(scale_above_one_enlarges) {
  const auto from = made_micrograph(
      400, 400, 1, [](auto y, auto x, auto) { return static_cast<double>(y + 0 * x); }, [](auto, auto) { return 0; });
  auto how = augmentation::off();
  how.scale = 1;
  how.scale_factor = {2, 2};
  random_stream stream(5);
  const auto made = cut_patch(from, 64, how, stream);
  BOOST_TEST(std::abs(made.pixels(40, 5, 0) - made.pixels(30, 5, 0) - 5) < 1e-3F);  // ten rows show five of the image
}

BOOST_AUTO_TEST_CASE(each_change_comes_with_its_probability_and_within_its_range) {
  const auto from = made_micrograph(
      64, 64, 1, [](auto y, auto x, auto) { return 2 * scattered(y, x, 0) - 1; }, [](auto, auto) { return 0; });
  const double own = deviation({from.pixels, from.labels});
  const auto none = augmentation::off();
  random_stream stream(6);
  const auto share = [&](augmentation how, const std::function<bool(const patch&)>& changed) {
    int count = 0;
    for (int k = 0; k < 2000; ++k) count += changed(cut_patch(from, 64, how, stream, 0));
    return count / 2000.;
  };
  const auto differs = [&](const patch& one) { return one.pixels != from.pixels; };
  for (const auto member : {&augmentation::rotation, &augmentation::scale, &augmentation::elastic, &augmentation::blur,
                            &augmentation::contrast, &augmentation::gamma, &augmentation::noise, &augmentation::inversion}) {
    auto how = none;
    how.*member = 0.3;
    BOOST_TEST(std::abs(share(how, differs) - 0.3) < 0.05);
  }
  auto how = none;
  how.contrast = 1;
  how.gain = {0.8, 1.2};
  how.offset = {0, 0};
  BOOST_TEST(share(how, [&](const patch& one) { return deviation(one) > 0.799 * own && deviation(one) < 1.201 * own; }) == 1);
  how = none;
  how.turns = true;
  BOOST_TEST(std::abs(share(how, differs) - 7. / 8) < 0.04);
  how = none;
  how.inversion = 1;
  BOOST_TEST(share(how, [&](const patch& one) { return one.pixels(3, 7, 0) == -from.pixels(3, 7, 0); }) == 1);
}

BOOST_AUTO_TEST_CASE(a_patch_depends_on_its_stream_alone) {
  const auto from = made_micrograph(90, 90, 1, scattered, [](auto y, auto) { return y % 2; });
  for (std::uint64_t k = 0; k < 40; ++k) {
    random_stream one(7, k), again(7, k), other(8, k);
    const auto a = cut_patch(from, 48, augmentation(), one), b = cut_patch(from, 48, augmentation(), again),
               c = cut_patch(from, 48, augmentation(), other);
    BOOST_TEST((a.pixels == b.pixels && a.labels == b.labels));
    BOOST_TEST((a.pixels != c.pixels));
  }
}

BOOST_AUTO_TEST_CASE(ranges_without_sense_are_refused) {
  BOOST_TEST(refused([](augmentation&) {}) == "");
  BOOST_TEST(says(refused([](augmentation& a) { a.noise = 1.5; }), {"augmentation", "probability of noise", "from 0 to 1"}));
  BOOST_TEST(says(refused([](augmentation& a) { a.gamma = std::nan(""); }), {"probability of gamma"}));
  BOOST_TEST(says(refused([](augmentation& a) { a.scale_factor = {0, 1}; }), {"scale_factor", "0.1"}));
  BOOST_TEST(says(refused([](augmentation& a) { a.gain = {2, 1}; }), {"gain", "smaller bound first"}));
}

BOOST_AUTO_TEST_CASE(probabilities_are_read_from_a_line) {
  const auto some = augmentation::parse("rotation=0,inversion=0.5");
  BOOST_TEST(some.rotation == 0);
  BOOST_TEST(some.inversion == 0.5);
  BOOST_TEST(some.elastic == augmentation().elastic);
  BOOST_TEST(!augmentation::parse("off").turns);
  for (const std::string wrong : {"rotate=1", "rotation", "rotation=", "rotation=much", "rotation=2", "=1", "turns=0.5", "rotation=0;blur=1"}) {
    BOOST_TEST(says(sentence_of([&] { augmentation::parse(wrong); }), {"augment", "give"}), wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
