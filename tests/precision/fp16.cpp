#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

#include <ATen/ops/allclose.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include <axonzoo/nn/soft_loss.hpp>
#include <axonzoo/precision/registry.hpp>
#include <axonzoo/precision/weight_storage.hpp>

#include "../models/made_network.hpp"

BOOST_AUTO_TEST_SUITE(precision_fp16)

BOOST_AUTO_TEST_CASE(the_loss_scale_finds_the_largest_that_fits_and_backs_off) {
  axonzoo::loss_scale scale(65536, 10);
  const double fits = 1024;
  for (int step = 0; step < 6; ++step) scale.update(scale.value() <= fits);
  BOOST_TEST(scale.value() == fits);
  BOOST_TEST(scale.skipped() == 6);
  for (int step = 0; step < 10; ++step) scale.update(true);
  BOOST_TEST(scale.value() == 2 * fits);
  scale.update(false);
  BOOST_TEST(scale.value() == fits);
  axonzoo::loss_scale resumed(65536, 10);
  resumed.resume(scale.value(), 9, scale.skipped());
  resumed.update(true);
  BOOST_TEST(resumed.value() == 2 * fits);
  BOOST_CHECK_THROW(for (int step = 0; step < 100; ++step) scale.update(false), axonzoo::error);
  BOOST_TEST(!axonzoo::loss_scale().active());
}

BOOST_AUTO_TEST_CASE(scales_out_of_range_are_refused_by_name) {
  for (const double bad : {0., -1., 3., 1e30, std::numeric_limits<double>::quiet_NaN()}) {
    axonzoo::fp16 policy;
    policy.initial_scale = bad;
    BOOST_CHECK_EXCEPTION(policy.check(), axonzoo::error, [](const auto& said) { return std::string(said.what()).find("--loss-scale") != std::string::npos; });
  }
  axonzoo::fp16{}.check();
}

BOOST_AUTO_TEST_CASE(stochastic_rounding_is_right_in_the_mean_and_leaves_what_is_exact) {
  const auto values = at::randn({4096});
  const auto first = axonzoo::rounded_stochastically(values, 1).to(at::kFloat);
  BOOST_TEST(at::equal(first, axonzoo::rounded_stochastically(values, 1).to(at::kFloat)));
  BOOST_TEST(((first - values).abs() <= values.abs() * std::ldexp(1., -7)).all().item<bool>());
  at::Tensor sum = at::zeros_like(values);
  for (std::uint64_t draw = 0; draw < 256; ++draw) sum += axonzoo::rounded_stochastically(values, draw).to(at::kFloat);
  // 4096 errors of at most 2^-7 each, in the mean of 256: 8 standard deviations
  BOOST_TEST(((sum / 256 - values) / values).mean().abs().item<double>() < 8 * std::ldexp(1., -8) / std::sqrt(4096. * 256));
  const auto exact = values.to(at::kBFloat16).to(at::kFloat);
  BOOST_TEST(at::equal(axonzoo::rounded_stochastically(exact, 3).to(at::kFloat), exact));
}

BOOST_AUTO_TEST_CASE(tf32_needs_a_gpu) {
  BOOST_CHECK_EXCEPTION(axonzoo::setting_of("tf32").enter(c10::kCPU), axonzoo::error, [](const auto& said) { return std::string(said.what()).find("--device cuda") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(convolutions_of_fp16_round_the_result_of_fp32) {
  for (const bool up : {false, true}) {
    const auto x = made::images(2, 16, 5).to(at::kHalf);
    const auto weight = (up ? at::randn({5, 7, 2, 2}) : at::randn({7, 5, 3, 3})).to(at::kHalf).to(at::kFloat), bias = at::randn({7}).to(at::kHalf).to(at::kFloat);
    const auto run = [&](at::Tensor image) {
      image.requires_grad_();
      auto w = weight.clone().requires_grad_(), b = bias.clone().requires_grad_();
      const auto scope = axonzoo::setting_of("fp16").enter(c10::kCPU);
      const auto y = up ? axonzoo::transposed_convolution_2x2(image, w, b) : axonzoo::convolution(image, w, b, 1, 1);
      y.to(at::kFloat).square().mean().backward();
      return std::vector<at::Tensor>{y.detach(), image.grad(), w.grad(), b.grad()};
    };
    const auto half = run(x.clone()), single = run(x.to(at::kFloat));
    BOOST_TEST((half[0].scalar_type() == at::kHalf && half[1].scalar_type() == at::kHalf && half[2].scalar_type() == at::kFloat));
    for (std::size_t i = 0; i < half.size(); ++i) {
      BOOST_TEST(((half[i].to(at::kFloat) - single[i].to(at::kFloat)).abs().max() / single[i].abs().max().to(at::kFloat)).item<double>() < axonzoo::fp16::tolerance, i);
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_of_networks_agree_with_fp32_up_to_rounding) {
  for (const bool segnet : {false, true}) {
    const auto net = segnet ? made::small_segnet() : made::small_unet();
    net->train();
    const auto images = made::images(2, 64);
    const auto labels = at::randint(3, {2, 64, 64}, at::kByte);
    const auto gradients = [&](const char* precision, double scale) {
      const auto setting = axonzoo::setting_of(precision);
      const auto scope = setting.enter(c10::kCPU);
      for (auto& parameter : net->parameters()) parameter.mutable_grad() = at::Tensor();
      (axonzoo::dice_cross_entropy(net->forward(images.to(setting.compute_type)).front(), labels) * scale).backward();
      std::vector<at::Tensor> all;
      for (const auto& item : net->named_parameters()) {
        if (item.value().dim() == 4 && item.value().grad().defined()) all.push_back(item.value().grad().clone() / scale);
      }
      return all;
    };
    const auto half = gradients("fp16", 1024), single = gradients("fp32", 1);
    BOOST_REQUIRE(half.size() == single.size());
    // SegNet's argmaxes flip with the last bit in a network that was never trained: only its last layer is comparable
    for (std::size_t i = segnet ? half.size() - 1 : 0; i < half.size(); ++i) {
      const double cosine = ((half[i] * single[i]).sum() / (half[i].norm() * single[i].norm())).item<double>();
      BOOST_TEST(cosine > 0.98, segnet << " " << i << " cosine " << cosine);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
