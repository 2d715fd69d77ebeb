#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include <axonzoo/nn/layers.hpp>

namespace {

/// A block after another, between which a weight that was not gathered, or is read again after it was released, is 0.
struct two_blocks : torch::nn::Module {
  two_blocks()
      : first(register_module("first", std::make_shared<axonzoo::conv_block>(3, 8, axonzoo::norm_kind::instance_leaky))),
        lift(register_module("lift", std::make_shared<axonzoo::up_layer>(8, 4))),
        second(register_module("second", std::make_shared<axonzoo::conv_block>(12, 5, axonzoo::norm_kind::batch_relu))),
        head(register_module("head", std::make_shared<axonzoo::conv_layer>(5, 2, 1))) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& skip) { return head->forward(second->forward(lift->forward(first->forward(x)), skip)); }

  std::shared_ptr<axonzoo::conv_block> first;
  std::shared_ptr<axonzoo::up_layer> lift;
  std::shared_ptr<axonzoo::conv_block> second;
  std::shared_ptr<axonzoo::conv_layer> head;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_gathered_layer)

BOOST_AUTO_TEST_CASE(weights_are_there_while_a_layer_computes_and_in_its_backward_pass) {
  two_blocks net;
  const auto weights = net.parameters();
  std::vector<at::Tensor> kept;
  for (const auto& weight : weights) kept.push_back(weight.detach().clone());
  const auto x = at::randn({2, 3, 8, 8}), skip = at::randn({2, 8, 16, 16}), seed = at::randn({2, 2, 16, 16});
  const auto gradients = [&](const at::Tensor& y) {
    y.backward(seed);
    std::vector<at::Tensor> found;
    for (const auto& weight : weights) {
      found.push_back(weight.grad().clone());
      weight.mutable_grad() = at::Tensor();
    }
    return found;
  };
  const auto y = net.forward(x, skip);
  const auto expected = gradients(y);

  const auto each = [&](const std::vector<at::Tensor>& some, const auto& visit) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (const auto& one : some) {
        if (one.is_same(weights[i])) visit(one.variable_data(), kept[i]);
      }
    }
  };
  auto among = std::make_shared<axonzoo::gathered_layer::ranks>();
  among->gather = [&](const std::vector<at::Tensor>& some) { each(some, [](at::Tensor values, const at::Tensor& whole) { values.copy_(whole); }); };
  among->release = [&](const std::vector<at::Tensor>& some) { each(some, [](at::Tensor values, const at::Tensor&) { values.zero_(); }); };
  among->release(weights);
  at::Tensor again;
  {
    const axonzoo::gathered_layer::scope gathering(among);
    again = net.forward(x, skip);
  }
  BOOST_TEST(at::equal(again, y));
  for (const auto& weight : weights) BOOST_TEST(at::equal(weight, at::zeros_like(weight)));
  const auto found = gradients(again);
  for (std::size_t i = 0; i < weights.size(); ++i) BOOST_TEST(at::equal(found[i], expected[i]));
  for (std::size_t i = 0; i < weights.size(); ++i) BOOST_TEST(at::equal(weights[i], kept[i]));
}

BOOST_AUTO_TEST_SUITE_END()
