#include <boost/test/unit_test.hpp>

#include <ATen/ops/allclose.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <axonzoo/infer/labels.hpp>
#include <axonzoo/infer/tiles.hpp>

namespace {

/// Logits that depend on a pixel's own level only: tiles, flips and padding must not change them.
struct pointwise : axonzoo::network {
  std::vector<at::Tensor> forward(const at::Tensor& x) override { return {at::stack({x.select(1, 0), -x.select(1, 0)}, 1)}; }
  [[nodiscard]] std::int64_t stride() const override { return 8; }
  [[nodiscard]] std::vector<axonzoo::channel_group> channel_groups() const override { return {}; }
};

axonzoo::image random_image(std::size_t height, std::size_t width) {
  auto made = axonzoo::image::from_shape({height, width, 1});
  const auto values = at::rand({static_cast<std::int64_t>(made.size())}) * 2 - 1;
  std::copy_n(values.const_data_ptr<float>(), made.size(), made.data());
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(infer_tiles)

BOOST_AUTO_TEST_CASE(tiles_of_any_size_agree_with_the_pixels) {
  pointwise net;
  net.eval();
  const std::pair<std::size_t, std::size_t> sizes[] = {{1, 1}, {5, 70}, {33, 64}, {100, 90}, {129, 64}};
  for (const auto& [height, width] : sizes) {
    for (const double overlap : {0.0, 0.25, 0.6}) {
      for (const int turns : {1, 4, 8}) {
        const auto pixels = random_image(height, width);
        axonzoo::tile_options options;
        options.side = 30;
        options.overlap = overlap;
        options.turns = turns;
        const auto p = axonzoo::class_probabilities(net, pixels, at::kFloat, c10::kCPU, options);
        const auto x = at::from_blob(const_cast<float*>(pixels.data()), {static_cast<std::int64_t>(height), static_cast<std::int64_t>(width)}, at::kFloat);
        BOOST_TEST(at::allclose(p[0], (x * 2).sigmoid(), 1e-4, 1e-5));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_turn_and_its_inverse_are_nothing) {
  const auto x = at::rand({1, 2, 6, 6});
  for (int k = 0; k < 8; ++k) {
    BOOST_TEST(at::equal(axonzoo::detail::turned(axonzoo::detail::turned(x, k), k, true), x));
    for (int other = 0; other < k; ++other) BOOST_TEST(!at::equal(axonzoo::detail::turned(x, k), axonzoo::detail::turned(x, other)));
  }
}

BOOST_AUTO_TEST_CASE(labels_come_at_the_images_size) {
  const auto p = at::stack({at::rand({4, 5}), at::full({4, 5}, 2.0f)});
  const auto labels = axonzoo::likeliest_labels(p, 9, 13);
  BOOST_TEST(labels.shape(0) == 9u);
  BOOST_TEST(labels.shape(1) == 13u);
  for (const auto label : labels) BOOST_TEST(label == 1);
}

// Outlines may move by a pixel where two classes are within rounding of each other, nowhere else.
BOOST_AUTO_TEST_CASE(labels_are_those_of_interpolated_probabilities) {
  for (const auto& [height, width] : {std::pair(19, 23), std::pair(5, 40), std::pair(8, 11), std::pair(3, 4)}) {
    const auto p = at::rand({3, 8, 11});
    const std::int64_t size[] = {height, width};
    const auto fine = at::upsample_bilinear2d(p.unsqueeze(0), size, /*align_corners=*/false)[0].contiguous();
    const auto labels = axonzoo::likeliest_labels(p, static_cast<std::size_t>(height), static_cast<std::size_t>(width));
    const auto best = std::get<0>(fine.max(0)).contiguous();
    for (std::size_t i = 0; i < labels.size(); ++i) BOOST_TEST(fine.const_data_ptr<float>()[labels.data()[i] * labels.size() + i] >= best.const_data_ptr<float>()[i] - 1e-5f);
  }
}

BOOST_AUTO_TEST_SUITE_END()
