#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

#include <ATen/ops/equal.h>
#include <ATen/ops/randn_like.h>

#include <axonzoo/pruning/semi_structured.hpp>
#include <axonzoo/pruning/unstructured.hpp>

#include "../models/made_network.hpp"

namespace {

double zero_share(const at::Tensor& weight) { return 1 - weight.count_nonzero().item<double>() / static_cast<double>(weight.numel()); }

at::Tensor weight_of(const axonzoo::network& net, const std::string& name) { return axonzoo::named_tensors(net).at(name).detach(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(pruning_masks)

BOOST_AUTO_TEST_CASE(each_layer_loses_its_smallest_weights_and_norms_none) {
  const auto net = made::small_unet();
  axonzoo::unstructured policy;
  policy.keep = 0.25;
  axonzoo::unstructured::state state(policy);
  const auto before = weight_of(*net, "down1a.conv.weight").clone();
  BOOST_TEST(state.prune(*net, {}).empty());
  const auto after = weight_of(*net, "down1a.conv.weight");
  BOOST_TEST(zero_share(after) == 0.75, boost::test_tools::tolerance(0.01));
  const auto gone = after == 0;
  BOOST_TEST(before.masked_select(gone).abs().max().item<float>() < before.masked_select(gone.logical_not()).abs().min().item<float>());
  BOOST_TEST(at::equal(before.masked_select(gone.logical_not()), after.masked_select(gone.logical_not())));
  BOOST_TEST(weight_of(*net, "down1a.norm.weight").count_nonzero().item<std::int64_t>() == weight_of(*net, "down1a.norm.weight").numel());
}

BOOST_AUTO_TEST_CASE(one_threshold_takes_where_weights_are_small) {
  const auto net = made::small_unet();
  weight_of(*net, "up0a.conv.weight").mul_(1e-3);
  axonzoo::unstructured policy;
  policy.across_layers = 1;
  axonzoo::unstructured::state state(policy);
  state.prune(*net, {});
  double all = 0, left = 0;
  for (const auto& [name, weight] : axonzoo::maskable_weights(*net)) {
    all += static_cast<double>(weight.numel());
    left += weight.count_nonzero().item<double>();
  }
  BOOST_TEST(left / all == 0.5, boost::test_tools::tolerance(0.01));
  BOOST_TEST(weight_of(*net, "up0a.conv.weight").count_nonzero().item<std::int64_t>() == 1);  // the last one stays
}

BOOST_AUTO_TEST_CASE(gradual_rounds_take_most_at_first_and_end_at_the_share) {
  const auto net = made::small_unet();
  axonzoo::unstructured policy;
  policy.keep = 0.1;
  policy.rounds = 3;
  policy.gradual = 1;
  policy.prune_at = 0.2;
  axonzoo::unstructured::state state(policy);
  double former = 0, taken = 1;
  for (const double at : {0.2, 0.4, 0.6}) {
    BOOST_TEST(state.due(at + 1e-9));
    state.prune(*net, {});
    BOOST_TEST(!state.due(at + 0.1));
    const double now = zero_share(weight_of(*net, "down3b.conv.weight"));
    BOOST_TEST(now - former < taken);
    taken = now - former;
    former = now;
  }
  BOOST_TEST(state.finished());
  BOOST_TEST(former == 0.9, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(of_every_four_input_channels_the_larger_two_stay) {
  axonzoo::unet model;
  model.width = 8;
  model.levels = 3;
  const auto net = model.make(1, 3);
  axonzoo::semi_structured::state state(axonzoo::semi_structured{});
  const auto before = weight_of(*net, "lift0.weight").clone();
  state.prune(*net, {});
  BOOST_TEST(state.finished());
  BOOST_TEST(zero_share(weight_of(*net, "down0a.conv.weight")) == 0);  // one input channel
  for (const std::string name : {"down1a.conv.weight", "up0a.conv.weight", "head0.weight", "lift0.weight"}) {
    // a transposed convolution sums over its first axis
    const auto axis = name.starts_with("lift") ? 0 : 1;
    const auto fours = weight_of(*net, name).movedim(axis, -1).reshape({-1, 4});
    BOOST_TEST((fours.count_nonzero(at::IntArrayRef{1}) == 2).all().item<bool>(), name);
  }
  const auto kept = weight_of(*net, "lift0.weight").movedim(0, -1).reshape({-1, 4}), whole = before.movedim(0, -1).reshape({-1, 4});
  BOOST_TEST(at::equal(std::get<0>(kept.abs().topk(2, 1)), std::get<0>(whole.abs().topk(2, 1))));
}

BOOST_AUTO_TEST_CASE(zeros_stay_through_steps_and_through_a_resumed_run) {
  const auto net = made::small_unet();
  axonzoo::unstructured::state state(axonzoo::unstructured{});
  state.prune(*net, {});
  const auto gone = weight_of(*net, "down1a.conv.weight") == 0;
  const auto a_step = [&] {
    for (const auto& [name, weight] : axonzoo::maskable_weights(*net)) weight.add_(at::randn_like(weight));
  };
  a_step();
  state.hold(axonzoo::named_tensors(*net));
  BOOST_TEST(at::equal(gone, weight_of(*net, "down1a.conv.weight") == 0));

  axonzoo::unstructured::state resumed(axonzoo::unstructured{});
  resumed.resume(state.rounds_done());
  resumed.resume_tensors(state.tensors(), *net);
  a_step();
  resumed.hold(axonzoo::named_tensors(*net));
  BOOST_TEST(resumed.finished());
  BOOST_TEST(at::equal(gone, weight_of(*net, "down1a.conv.weight") == 0));
  const auto other = made::small_segnet();
  BOOST_CHECK_THROW(resumed.resume_tensors(state.tensors(), *other), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_refused_by_name) {
  const auto named = [](const std::string& option) {
    return [option](const axonzoo::error& said) { return std::string(said.what()).find(option) != std::string::npos; };
  };
  for (const double bad : {0., 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    axonzoo::unstructured policy;
    policy.keep = bad;
    BOOST_CHECK_EXCEPTION(policy.check(), axonzoo::error, named("--keep"));
    axonzoo::semi_structured half;
    half.prune_at = bad == 0 ? -1 : bad;
    BOOST_CHECK_EXCEPTION(half.check(), axonzoo::error, named("--prune-at"));
  }
  axonzoo::unstructured policy;
  policy.gradual = 0.5;
  BOOST_CHECK_EXCEPTION(policy.check(), axonzoo::error, named("--gradual"));
}

BOOST_AUTO_TEST_SUITE_END()
