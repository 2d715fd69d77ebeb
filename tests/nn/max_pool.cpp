#include <limits>
#include <string>
#include <vector>

#include <ATen/ops/equal.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_unpool2d.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <boost/test/unit_test.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/max_pool.hpp>

namespace {

const std::vector<std::vector<std::int64_t>> shapes = {
    {2, 64, 18, 26}, {1, 3, 7, 9}, {3, 17, 2, 2}, {2, 1, 5, 4}, {1, 130, 3, 11}};

at::Tensor random(at::IntArrayRef shape, at::ScalarType type) {
  return at::randn(shape).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

/// ATen's index into the plane for each place in the window.
at::Tensor plane_indices(const at::Tensor& indices, std::int64_t width) {
  at::Tensor plane = indices.to(at::kLong).contiguous();
  auto places = plane.accessor<std::int64_t, 4>();
  for (std::int64_t n = 0; n < plane.size(0); ++n)
    for (std::int64_t c = 0; c < plane.size(1); ++c)
      for (std::int64_t i = 0; i < plane.size(2); ++i)
        for (std::int64_t j = 0; j < plane.size(3); ++j) {
          const auto place = places[n][c][i][j];
          places[n][c][i][j] = (2 * i + place / 2) * width + 2 * j + place % 2;
        }
  return plane;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_max_pool)

BOOST_AUTO_TEST_CASE(pooling_equals_aten_forward_and_backward) {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const auto& shape : shapes) {
      const auto x = random(shape, type).requires_grad_(true), same = x.detach().clone().requires_grad_(true);
      const auto [pooled, indices] = axonzoo::max_pool_2x2(x);
      const auto [truth, places] = at::max_pool2d_with_indices(same, {2, 2}, {2, 2});
      BOOST_TEST(indices.scalar_type() == at::kByte);
      BOOST_TEST(at::equal(pooled, truth));
      BOOST_TEST(at::equal(plane_indices(indices, shape[3]), places));
      const auto gradient = at::randn(truth.sizes()).to(type);
      pooled.backward(gradient);
      truth.backward(gradient);
      BOOST_TEST(at::equal(x.grad(), same.grad()));
    }
}

BOOST_AUTO_TEST_CASE(unpooling_equals_aten_forward_and_backward) {
  for (const auto& shape : shapes) {
    const auto [pooled, indices] = axonzoo::max_pool_2x2(random(shape, at::kFloat));
    const auto y = random(pooled.sizes(), at::kFloat).requires_grad_(true), same = y.detach().clone().requires_grad_(true);
    const auto found = axonzoo::max_unpool_2x2(y, indices, shape[2], shape[3]);
    const auto truth = at::max_unpool2d(same, plane_indices(indices, shape[3]), {shape[2], shape[3]});
    BOOST_TEST(found.is_contiguous(at::MemoryFormat::ChannelsLast));
    BOOST_TEST(at::equal(found, truth));
    const auto gradient = at::randn(found.sizes());
    found.backward(gradient);
    truth.backward(gradient);
    BOOST_TEST(at::equal(y.grad(), same.grad()));
  }
}

BOOST_AUTO_TEST_CASE(bf16_and_plain_layout_equal_the_references) {
  for (const auto& shape : shapes) {
    const auto x = random(shape, at::kBFloat16);
    const auto [pooled, indices] = axonzoo::max_pool_2x2(x);
    const auto [plain, plain_indices] = axonzoo::max_pool_2x2(x.contiguous());
    BOOST_TEST(at::equal(pooled, plain));
    BOOST_TEST(at::equal(indices, plain_indices));
    BOOST_TEST(at::equal(axonzoo::max_unpool_2x2(pooled, indices, shape[2], shape[3]),
                         axonzoo::max_unpool_2x2_reference(plain, plain_indices, shape[2], shape[3])));
  }
}

BOOST_AUTO_TEST_CASE(not_a_number_wins_and_the_first_of_equals) {
  auto x = random({1, 20, 4, 4}, at::kFloat);
  x.zero_();
  x[0][7][2][1] = std::numeric_limits<float>::quiet_NaN();
  const auto [pooled, indices] = axonzoo::max_pool_2x2(x);
  BOOST_TEST(pooled[0][7][1][0].isnan().item<bool>());
  BOOST_TEST(indices[0][7][1][0].item<int>() == 1);
  BOOST_TEST(indices.sum().item<int>() == 1);
}

BOOST_AUTO_TEST_CASE(a_size_that_does_not_fit_is_a_sentence) {
  const auto [pooled, indices] = axonzoo::max_pool_2x2(random({1, 4, 8, 8}, at::kFloat));
  BOOST_CHECK_EXCEPTION(axonzoo::max_unpool_2x2(pooled, indices, 8, 10), axonzoo::error, [](const axonzoo::error& e) {
    return std::string(e.what()) ==
           "unpooling to 8 x 10: values of shape [1, 4, 4, 4] with indices of shape [1, 4, 4, 4] do not fit it; "
           "give the height and width that max_pool_2x2 had";
  });
}

BOOST_AUTO_TEST_SUITE_END()
