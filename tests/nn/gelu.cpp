#include <boost/test/unit_test.hpp>

#include <cmath>

#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <axonzoo/nn/gelu.hpp>

BOOST_AUTO_TEST_SUITE(nn_gelu)

BOOST_AUTO_TEST_CASE(equals_the_definition_in_double_with_its_gradient) {
  for (const std::int64_t count : {1, 15, 16, 17, 1000, 70001}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      BOOST_TEST_CONTEXT(count << " " << c10::toString(type)) {
        const at::Tensor values = at::randn({count}).mul(3).to(type), dy = at::randn({count}).to(type);
        const at::Tensor x = values.clone().requires_grad_(), wide = values.to(at::kDouble).requires_grad_();
        const at::Tensor y = axonzoo::gelu(x), expected = axonzoo::reference::gelu(wide);
        y.backward(dy);
        expected.backward(dy.to(at::kDouble));
        const double bound = type == at::kFloat ? 5e-7 : 4e-3, least = type == at::kFloat ? 1e-30 : 1e-3;  // some draw is 0
        BOOST_TEST((y.detach().to(at::kDouble) - expected.detach()).abs().div(wide.detach().abs() + least).max().item<double>() < bound);
        BOOST_TEST((x.grad().to(at::kDouble) - wide.grad()).abs().div(dy.to(at::kDouble).abs() * 1.2 + least).max().item<double>() < 1.5 * bound);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(gradient_of_another_layout_and_type) {
  const at::Tensor x = at::randn({2, 5, 3, 4}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(), dy = at::randn({2, 5, 3, 4});
  axonzoo::gelu(x).backward(dy);
  const at::Tensor wide = x.detach().to(at::kDouble).requires_grad_();
  axonzoo::reference::gelu(wide).backward(dy.to(at::kDouble));
  BOOST_TEST((x.grad().to(at::kDouble) - wide.grad()).abs().max().item<double>() < 2e-6);
}

BOOST_AUTO_TEST_CASE(the_ends_of_the_line) {
  const at::Tensor y = axonzoo::gelu(at::tensor({0.0F, 40.0F, -40.0F, 1e30F, -1e30F, INFINITY, NAN}));
  const auto* const at = y.const_data_ptr<float>();
  BOOST_TEST(at[0] == 0);
  BOOST_TEST(at[1] == 40);
  BOOST_TEST(std::fabs(at[2]) < 1e-30);
  BOOST_TEST(at[3] == 1e30F);
  BOOST_TEST(at[4] == 0);
  BOOST_TEST(at[5] == INFINITY);
  BOOST_TEST(std::isnan(at[6]));
}

BOOST_AUTO_TEST_CASE(writes_over_a_temporary_alone) {
  const c10::NoGradGuard no_gradients;
  at::Tensor x = at::randn({100});
  const at::Tensor kept = x.clone(), y = axonzoo::gelu(x);
  BOOST_TEST(at::equal(x, kept));
  const void* const memory = x.const_data_ptr();
  const at::Tensor over = axonzoo::gelu(std::move(x));
  BOOST_TEST(over.const_data_ptr() == memory);
  BOOST_TEST(at::equal(over, y));
}

BOOST_AUTO_TEST_SUITE_END()
