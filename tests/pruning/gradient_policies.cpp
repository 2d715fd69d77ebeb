#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ops/allclose.h>
#include <ATen/core/grad_mode.h>

#include <axonzoo/pruning/disturbed_taylor.hpp>
#include <axonzoo/pruning/hessian.hpp>
#include <axonzoo/pruning/structured.hpp>
#include <axonzoo/pruning/taylor.hpp>

#include "made_calibration.hpp"

namespace {

constexpr std::int64_t batches = 2;

/// The network's weights, read by name.
at::Tensor weight_of(axonzoo::network& net, const std::string& name) { return *net.named_parameters().find(name); }

template <class Policy>
Policy with_batches() {
  Policy policy;
  policy.batches = batches;
  return policy;
}

/// What each rank would remove, computed by two threads that stand for ranks, and what one rank would: the largest difference of a score, as a share of the layer's largest.
template <class Policy>
double ranks_apart_from_one(c10::ScalarType type) {
  at::manual_seed(std::random_device{}());
  const made::calibration_data data(batches, 4, 32, type);
  at::manual_seed(5);
  const auto one = made::small_unet();
  one->to(type);
  std::vector<std::shared_ptr<axonzoo::network>> nets;
  for (int rank = 0; rank < 2; ++rank) {
    at::manual_seed(5);
    nets.push_back(made::small_unet());
    nets.back()->to(type);
  }
  const auto policy = with_batches<Policy>();
  const axonzoo::importance truth = policy.weigh(*one, data.of_rank(0, 1));
  made::meeting meeting(2);
  axonzoo::importance found[2];
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < 2; ++rank) {
    ranks.emplace_back([&, rank] { found[rank] = policy.weigh(*nets[static_cast<std::size_t>(rank)], data.of_rank(rank, 2, [&](at::Tensor& t) { meeting.sum(t); })); });
  }
  for (auto& rank : ranks) rank.join();
  double apart = 0;
  std::vector<at::Tensor> of_one, of_two;
  for (const auto& group : one->channel_groups()) {
    const at::Tensor expected = axonzoo::channel_scores(truth, group), a = axonzoo::channel_scores(found[0], group), b = axonzoo::channel_scores(found[1], group);
    BOOST_TEST(at::equal(a, b), group.name);
    apart = std::max(apart, ((a - expected).abs().max() / expected.abs().max()).item<double>());
    of_one.push_back(expected);
    of_two.push_back(a);
  }
  if (apart >= 1e-5) return apart;
  for (const bool across_layers : {false, true}) {
    const auto kept = axonzoo::channels_to_keep(of_one, 0.5, across_layers), by_two = axonzoo::channels_to_keep(of_two, 0.5, across_layers);
    for (std::size_t i = 0; i < kept.size(); ++i) BOOST_TEST(at::equal(kept[i], by_two[i]));
  }
  return apart;
}

/// In float32 one draw in fifteen or so has an activation so near 0 that rounding turns it, which moves all scores below it by 1e-3: not all of four draws.
template <class Policy>
void ranks_agree_with_one() {
  BOOST_TEST(ranks_apart_from_one<Policy>(at::kDouble) < 1e-6);
  double least = 1;
  for (int draw = 0; draw < 4 && least >= 1e-5; ++draw) least = std::min(least, ranks_apart_from_one<Policy>(at::kFloat));
  BOOST_TEST(least < 1e-5);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pruning_gradient_policies)

BOOST_AUTO_TEST_CASE(taylor_is_the_slope_of_the_loss_as_a_weight_shrinks) {
  at::manual_seed(11);
  const made::calibration_data data(batches, 2, 32);
  const auto set = data.of_rank(0, 1);
  const auto net = made::small_unet();
  const auto weights = with_batches<axonzoo::taylor>().weigh(*net, set);
  net->eval();
  const auto loss = [&] {
    const at::NoGradGuard no_gradients;
    double sum = 0;
    set.each_batch(batches, [&](const auto& batch) { sum += set.loss(net->forward(batch.images).front(), batch.labels).template item<double>(); });
    return sum / static_cast<double>(batches);
  };
  for (const std::string name : {"down1a.conv.weight", "up0b.conv.weight", "head0.weight", "lift0.weight"}) {
    // The steepest slopes, where rounding is least, and the sum of many, since each alone feels the kinks of the activation.
    const auto [scores, places] = weights.at(name).flatten().topk(16);
    auto weight = weight_of(*net, name).detach();
    const at::Tensor known = weight.clone().flatten();
    const auto loss_where = [&](const at::Tensor& place, double factor) {
      at::Tensor nudged = known.clone();
      nudged.index_fill_(0, place, known.index_select(0, place).item<double>() * factor);
      weight.copy_(nudged.reshape(weight.sizes()));
      return loss();
    };
    const double step = 0.01;
    double slopes = 0;
    for (const at::Tensor& place : places.split(1)) slopes += std::abs(loss_where(place, 1 + step) - loss_where(place, 1 - step)) / (2 * step);
    weight.copy_(known.reshape(weight.sizes()));
    BOOST_TEST(slopes == scores.sum().item<double>(), boost::test_tools::tolerance(0.05));
  }
}

BOOST_AUTO_TEST_CASE(hessian_is_the_mean_over_single_images) {
  const made::calibration_data data(batches, 2, 32);
  const auto set = data.of_rank(0, 1);
  const auto net = made::small_segnet();
  const auto weights = with_batches<axonzoo::hessian>().weigh(*net, set);
  net->eval();
  const auto weight = weight_of(*net, "head.weight");
  at::Tensor sum = at::zeros_like(weight);
  set.each_batch(batches, [&](const auto& batch) {
    for (std::int64_t i = 0; i < batch.images.size(0); ++i) {
      for (auto& parameter : net->parameters()) parameter.mutable_grad() = at::Tensor();
      set.loss(net->forward(batch.images.narrow(0, i, 1)).front(), batch.labels.narrow(0, i, 1)).backward();
      sum += weight.grad().square();
    }
  });
  const auto expected = weight.detach().square() * sum / 4;
  BOOST_TEST(at::allclose(weights.at("head.weight"), expected, 1e-4, 1e-12));
}

BOOST_AUTO_TEST_CASE(disturbed_taylor_needs_no_labels_and_repeats) {
  const made::calibration_data data(batches, 2, 32);
  auto set = data.of_rank(0, 1);
  set.loss = [](const at::Tensor&, const at::Tensor&) -> at::Tensor { throw std::logic_error("labels were asked for"); };
  const auto net = made::small_unet();
  const auto policy = with_batches<axonzoo::disturbed_taylor>();
  const auto first = policy.weigh(*net, set), second = policy.weigh(*net, set);
  for (const auto& [name, tensor] : first) BOOST_TEST(at::equal(tensor, second.at(name)), name);
  BOOST_TEST(first.at("down0a.conv.weight").sum().item<double>() > 0);
}

BOOST_AUTO_TEST_CASE(two_ranks_score_as_one_on_all_images) {
  ranks_agree_with_one<axonzoo::taylor>();
  ranks_agree_with_one<axonzoo::hessian>();
  ranks_agree_with_one<axonzoo::disturbed_taylor>();
}

BOOST_AUTO_TEST_CASE(the_network_is_left_as_it_was) {
  const made::calibration_data data(batches, 2, 32);
  const auto net = made::small_segnet();
  net->train();
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, tensor] : axonzoo::named_tensors(*net)) before.emplace(name, tensor.detach().clone());
  static_cast<void>(with_batches<axonzoo::taylor>().weigh(*net, data.of_rank(0, 1)));
  BOOST_TEST(net->is_training());
  for (const auto& [name, tensor] : axonzoo::named_tensors(*net)) BOOST_TEST(at::equal(tensor.detach(), before.at(name)), name);
  for (const auto& parameter : net->parameters()) BOOST_TEST(!parameter.grad().defined());
}

BOOST_AUTO_TEST_SUITE_END()
