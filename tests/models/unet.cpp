#include <boost/test/unit_test.hpp>

#include <axonzoo/nn/macs.hpp>

#include "made_network.hpp"

BOOST_AUTO_TEST_SUITE(models_unet)

BOOST_AUTO_TEST_CASE(gives_three_scales_in_training_and_one_in_evaluation) {
  const auto net = made::small_unet();
  const auto x = made::images(2, 32);
  const auto levels = net->forward(x);
  BOOST_REQUIRE_EQUAL(levels.size(), 3u);
  for (std::size_t l = 0; l < 3; ++l) {
    BOOST_TEST(levels[l].size(1) == 3);
    BOOST_TEST(levels[l].size(2) == 32 >> l);
  }
  net->eval();
  BOOST_TEST(net->forward(x).size() == 1u);
}

BOOST_AUTO_TEST_CASE(published_widths_have_the_parameters_counted_by_hand) {
  const auto net = axonzoo::unet{}.make(1, 3);
  const std::int64_t w[] = {24, 48, 96, 192, 256, 256};
  std::int64_t expected = 0, in = 1;
  for (const auto width : w) {
    expected += 9 * in * width + 9 * width * width + 4 * width;
    in = width;
  }
  for (int l = 0; l < 5; ++l) {
    expected += 4 * w[l + 1] * w[l] + w[l];                          // lift
    expected += 9 * 2 * w[l] * w[l] + 9 * w[l] * w[l] + 4 * w[l];    // two blocks
    if (l < 3) expected += 3 * w[l] + 3;                             // head
  }
  std::int64_t count = 0;
  for (const auto& p : net->parameters()) count += p.numel();
  BOOST_TEST(count == expected);
}

BOOST_AUTO_TEST_CASE(macs_are_those_of_the_formula) {
  axonzoo::unet model;
  model.width = 4;
  model.levels = 2;
  const auto net = model.make(1, 2);
  net->eval();
  const axonzoo::mac_counter counter;
  net->forward(made::images(1, 16));
  const std::int64_t fine = 256, coarse = 64;
  const std::int64_t expected = fine * 9 * (1 * 4 + 4 * 4) + coarse * 9 * (4 * 8 + 8 * 8) + fine * 8 * 4 + fine * 9 * (8 * 4 + 4 * 4) + fine * 4 * 2;
  BOOST_TEST(counter.count() == expected);
}

BOOST_AUTO_TEST_SUITE_END()
