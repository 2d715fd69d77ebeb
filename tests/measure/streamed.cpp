#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/phantom.hpp>
#include <axonzoo/measure/morphometric_table.hpp>
#include <axonzoo/measure/streamed_morphometrics.hpp>

#include "drawing.hpp"

namespace {

std::string rows_of(const axonzoo::measured_image& measured) {
  std::string text;
  for (const auto& axon : measured.measures.table) text += axonzoo::format_csv_row(axonzoo::morphometric_cells(axon));
  return text;
}

axonzoo::measured_image by_bands(const axonzoo::label_image& labels, std::size_t band, std::size_t halo, unsigned threads = 1) {
  const auto read = [&labels](std::size_t top, std::size_t count) {
    axonzoo::label_image rows = axonzoo::label_image::from_shape({count, labels.shape(1)});
    std::copy_n(labels.data() + top * labels.shape(1), rows.size(), rows.data());
    return rows;
  };
  return axonzoo::measure_streamed(labels.shape(0), labels.shape(1), read, {.pixel_size = 0.1}, {band, halo, threads});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(measure_streamed)

BOOST_AUTO_TEST_CASE(bands_of_a_phantom_give_the_table_of_the_whole) {
  axonzoo::phantom_options options;
  options.height = 500;
  options.width = 300;
  auto labels = axonzoo::make_phantom(options, 3).labels;
  auto copy = labels;
  const auto whole = axonzoo::measure_image(copy, {.pixel_size = 0.1});
  BOOST_TEST(whole.measures.table.size() > 150u);
  for (const std::size_t band : {37, 128, 500}) {
    const auto streamed = by_bands(labels, band, 16, 2);
    BOOST_TEST(rows_of(streamed) == rows_of(whole));
    BOOST_TEST(streamed.aggregates.myelin_volume_fraction == whole.aggregates.myelin_volume_fraction);
    BOOST_TEST(streamed.aggregates.density == whole.aggregates.density);
  }
}

// Bent axons, seeds in others' axons, myelin without an axon, sheaths that reach across all bands.
BOOST_AUTO_TEST_CASE(bands_of_random_tissue_give_the_table_of_the_whole) {
  const unsigned first = std::random_device{}();
  for (unsigned seed = first; seed < first + 60; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      auto labels = drawing::random_tissue(40 + seed % 50, 30 + seed % 31, seed);
      if (seed % 3 == 0) drawing::rectangle(labels, 0, 10, labels.shape(0), 3, 1);
      auto copy = labels;
      const auto whole = rows_of(axonzoo::measure_image(copy, {.pixel_size = 0.1}));
      for (const std::size_t band : {1, 7, 20}) BOOST_TEST(rows_of(by_bands(labels, band, 1 + seed % 5)) == whole);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
