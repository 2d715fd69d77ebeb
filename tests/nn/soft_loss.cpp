#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <boost/test/unit_test.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/class_divergence.hpp>
#include <axonzoo/nn/soft_loss.hpp>

namespace {

at::Tensor random_labels(std::int64_t n, std::int64_t classes, std::int64_t height, std::int64_t width) {
  return at::randint(classes, {n, height, width}, at::kByte);
}

struct outcome {
  double loss;
  at::Tensor gradient;
};

template <class Loss>
outcome run(const Loss& loss, const at::Tensor& logits, const at::Tensor& labels) {
  const auto z = logits.detach().clone().requires_grad_(true);
  const auto value = loss(z, labels);
  value.mul(0.7).backward();
  return {value.template item<double>(), z.grad()};
}

outcome fused(const at::Tensor& logits, const at::Tensor& labels) { return run(axonzoo::dice_cross_entropy, logits, labels); }
outcome truth(const at::Tensor& logits, const at::Tensor& labels) {
  return run(axonzoo::dice_cross_entropy_reference, logits.to(at::kDouble), labels);
}

double difference(const at::Tensor& found, const at::Tensor& truth) {
  return found.to(at::kDouble).sub(truth).norm().div(truth.norm()).item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_soft_loss)

BOOST_AUTO_TEST_CASE(equals_the_reference_in_double) {
  for (const std::int64_t classes : {2, 3, 5, 17})
    for (const auto layout : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast})
      for (const auto type : {at::kFloat, at::kBFloat16}) {
        const auto logits = at::randn({3, classes, 37, 143}).mul(4).to(type).contiguous(layout);
        const auto labels = random_labels(3, classes, 37, 143);
        const auto found = fused(logits, labels), wanted = truth(logits, labels);
        BOOST_TEST(found.loss == wanted.loss, boost::test_tools::tolerance(1e-6));
        BOOST_TEST(found.gradient.scalar_type() == type);
        BOOST_TEST(difference(found.gradient, wanted.gradient) < (type == at::kFloat ? 2e-6 : 4e-3));
      }
}

BOOST_AUTO_TEST_CASE(other_types_and_layouts_are_taken_too) {
  const auto labels = random_labels(2, 3, 8, 9);
  const auto logits = at::randn({2, 3, 8, 18}).slice(3, 0, 18, 2);
  const auto wanted = truth(logits, labels);
  BOOST_TEST(fused(logits, labels).loss == wanted.loss, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(fused(logits.to(at::kDouble), labels).loss == wanted.loss, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(fused(logits.to(at::kHalf), labels).loss == wanted.loss, boost::test_tools::tolerance(1e-3));
}

/// All logits equal: cross entropy is log K, and Dice of a class with m of M pixels is (2 m / K + 1) / (M / K + m + 1).
BOOST_AUTO_TEST_CASE(has_its_closed_form_where_all_classes_are_as_likely) {
  auto labels = at::zeros({1, 10, 10}, at::kByte);
  labels.slice(1, 0, 3).fill_(1);
  const double dice_1 = (2 * 30 / 3.0 + 1) / (100 / 3.0 + 30 + 1), dice_2 = 1 / (100 / 3.0 + 1);
  const auto loss = axonzoo::dice_cross_entropy(at::zeros({1, 3, 10, 10}), labels).item<double>();
  BOOST_TEST(loss == std::log(3.0) + 1 - (dice_1 + dice_2) / 2, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(is_the_mean_of_the_losses_of_parts_of_the_batch) {
  const auto logits = at::randn({4, 3, 20, 20});
  const auto labels = random_labels(4, 3, 20, 20);
  const auto part = [&](int from, int to) {
    return axonzoo::dice_cross_entropy(logits.slice(0, from, to), labels.slice(0, from, to)).item<double>();
  };
  BOOST_TEST(part(0, 4) == (part(0, 2) + part(2, 4)) / 2, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(holds_for_extreme_logits_and_shows_what_is_not_a_number) {
  auto logits = at::zeros({1, 3, 4, 4});
  logits.select(1, 2).fill_(1e30);
  auto labels = at::zeros({1, 4, 4}, at::kByte).fill_(2);
  BOOST_TEST(axonzoo::dice_cross_entropy(logits, labels).item<double>() < 1);
  BOOST_TEST(fused(logits, labels).gradient.isfinite().all().item<bool>());
  logits[0][1][2][3] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(std::isnan(axonzoo::dice_cross_entropy(logits, labels).item<double>()));
  logits[0][1][2][3] = std::numeric_limits<float>::infinity();
  BOOST_TEST(!std::isfinite(axonzoo::dice_cross_entropy(logits, labels).item<double>()));
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit) {
  const auto logits = at::randn({2, 3, 101, 203}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto labels = random_labels(2, 3, 101, 203);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = fused(logits, labels);
  at::set_num_threads(3);
  const auto three = fused(logits, labels);
  at::set_num_threads(threads);
  BOOST_TEST(one.loss == three.loss);
  BOOST_TEST(at::equal(one.gradient, three.gradient));
}

BOOST_AUTO_TEST_CASE(wrong_labels_are_a_sentence) {
  const auto says = [](const std::string& text) {
    return [text](const axonzoo::error& e) {
      BOOST_TEST(e.what() == text);
      return true;
    };
  };
  auto labels = at::zeros({2, 6, 5}, at::kByte);
  labels[1][3][2] = 3;
  BOOST_CHECK_EXCEPTION(
      axonzoo::dice_cross_entropy(at::zeros({2, 3, 6, 5}), labels), axonzoo::error,
      says("taking the loss of 3 classes: 1 pixels have a label that is none of them; make the network with as many "
           "classes as the labels have"));
  BOOST_CHECK_EXCEPTION(
      axonzoo::dice_cross_entropy(at::zeros({2, 3, 6, 4}), labels), axonzoo::error,
      says("taking the loss of logits of shape [2, 3, 6, 4]: labels of type Byte and shape [2, 6, 5] do not go with "
           "them; give uint8 labels [N, H, W] and logits [N, K, H, W] with K >= 2"));
}

BOOST_AUTO_TEST_CASE(a_teacher_of_the_same_answer_teaches_nothing) {
  const auto taught = at::randn({2, 3, 4, 5}), own = at::randn({2, 3, 4, 5}).requires_grad_();
  BOOST_TEST(std::abs(axonzoo::class_divergence(taught + 7, taught).item<double>()) < 1e-6);  // logits that differ by a constant say the same
  const auto loss = axonzoo::class_divergence(own, taught);
  BOOST_TEST(loss.item<double>() > 0);
  loss.backward();
  // d/dz of the divergence is softmax(z) - softmax(z of the teacher), over the pixels
  const auto expected = (own.detach().softmax(1) - taught.softmax(1)) / 40;
  BOOST_TEST((own.grad() - expected).abs().max().item<double>() < 1e-6);
}

BOOST_AUTO_TEST_CASE(coarser_labels_are_every_factor_th_pixel) {
  const auto labels = random_labels(2, 3, 9, 12), coarse = axonzoo::labels_at(labels, 2);
  BOOST_TEST(coarse.sizes() == at::IntArrayRef({2, 5, 6}));
  BOOST_TEST(coarse.is_contiguous());
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 6; ++j) BOOST_TEST(coarse[1][i][j].item<int>() == labels[1][2 * i][2 * j].item<int>());
}

BOOST_AUTO_TEST_SUITE_END()
