#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <string>

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>

#include <axonzoo/nn/channels.hpp>
#include <axonzoo/pruning/magnitude.hpp>

#include "../models/made_network.hpp"

namespace {

/// Channels whose weights are all zero give nothing to anyone: taking them out must leave the network's output as it was. This holds the
/// groups of a network against the network itself.
void zero_channels_leave_without_a_trace(axonzoo::network& net) {
  net.eval();
  const auto x = made::images(2, 32);
  const auto groups = net.channel_groups();
  auto tensors = axonzoo::named_tensors(net);
  std::vector<at::Tensor> kept;
  for (const auto& group : groups) {
    for (const auto& axis : group.axes) {
      auto tensor = tensors.at(axis.tensor).detach();
      if (axis.axis == 0 && tensor.dim() == 1 && axis.tensor.find("running") == std::string::npos) tensor.narrow(0, axis.offset, 2).zero_();
      if (axis.axis == (axis.tensor.starts_with("lift") ? 1 : 0) && tensor.dim() == 4) tensor.narrow(axis.axis, axis.offset, 2).zero_();
    }
    kept.push_back(at::arange(2, group.channels, at::kLong));
  }
  const auto before = net.forward(x).front();
  for (std::size_t g = 0; g < groups.size(); ++g) axonzoo::keep_channels(net, net.channel_groups()[g], kept[g]);
  const auto after = net.forward(x).front();
  BOOST_TEST(at::allclose(before, after, 1e-4, 1e-4));
}

/// Every tensor of a network but its input and its classes must be reached by some group on each of its channel axes.
void groups_cover(const axonzoo::network& net, const std::set<std::string>& free_axes) {
  std::map<std::string, std::int64_t> covered;
  for (const auto& group : net.channel_groups()) {
    for (const auto& axis : group.axes) covered[axis.tensor + ":" + std::to_string(axis.axis)] += group.channels;
  }
  for (const auto& [name, tensor] : axonzoo::named_tensors(net)) {
    for (int axis = 0; axis < std::min<std::int64_t>(tensor.dim(), 2); ++axis) {
      const auto key = name + ":" + std::to_string(axis);
      if (free_axes.contains(key)) continue;
      BOOST_TEST(covered[key] == tensor.size(axis), key);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pruning_magnitude)

BOOST_AUTO_TEST_CASE(zero_channels_leave_the_unet_as_it_was) { zero_channels_leave_without_a_trace(*made::small_unet()); }
BOOST_AUTO_TEST_CASE(zero_channels_leave_segnet_as_it_was) { zero_channels_leave_without_a_trace(*made::small_segnet()); }

BOOST_AUTO_TEST_CASE(groups_cover_all_channels) {
  groups_cover(*made::small_unet(), {"down0a.conv.weight:1", "head0.weight:0", "head1.weight:0", "head2.weight:0", "head0.bias:0", "head1.bias:0", "head2.bias:0"});
  groups_cover(*made::small_segnet(), {"down0a.conv.weight:1", "head.weight:0", "head.bias:0"});
}

BOOST_AUTO_TEST_CASE(half_the_channels_are_a_quarter_of_the_weights) {
  const auto net = axonzoo::unet{}.make(1, 3);
  std::int64_t before = 0, after = 0;
  for (const auto& p : net->parameters()) before += p.numel();
  axonzoo::magnitude::state state(axonzoo::magnitude{});
  BOOST_TEST(!state.due(0.29));
  BOOST_TEST(state.due(0.3));
  const auto narrowings = state.prune(*net, {});
  BOOST_TEST(!narrowings.empty());
  BOOST_TEST(state.finished());
  BOOST_TEST(!state.due(1));
  for (const auto& p : net->parameters()) after += p.numel();
  BOOST_TEST(static_cast<double>(after) / static_cast<double>(before) == 0.25, boost::test_tools::tolerance(0.02));
  net->train();
  auto loss = net->forward(made::images(1, 64)).front().sum();
  loss.backward();
  for (const auto& item : net->named_parameters()) {
    if (item.key().starts_with("head1") || item.key().starts_with("head2")) continue;
    BOOST_TEST(item.value().grad().defined(), item.key());
  }
}

BOOST_AUTO_TEST_CASE(the_channels_with_the_largest_weights_stay) {
  const auto net = made::small_unet();
  const auto group = net->channel_groups().front();
  auto tensors = axonzoo::named_tensors(*net);
  auto filters = tensors.at("down0a.conv.weight").detach();
  for (std::int64_t c = 0; c < group.channels; ++c) filters[c].mul_(c % 2 == 0 ? 100 : 0.01);
  axonzoo::magnitude policy;
  axonzoo::magnitude::state state(policy);
  const auto narrowings = state.prune(*net, {});
  BOOST_TEST(narrowings.front().tensor == "down0a.conv.weight");
  BOOST_TEST(at::equal(narrowings.front().kept, at::arange(0, group.channels, 2, at::kLong)));
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_refused_by_name) {
  for (const double keep : {0.0, -1.0, 1.5, std::nan("")}) {
    axonzoo::magnitude policy;
    policy.keep = keep;
    BOOST_CHECK_EXCEPTION(policy.check(), axonzoo::error, [](const auto& e) { return std::string(e.what()).find("--keep") != std::string::npos; });
  }
}

BOOST_AUTO_TEST_SUITE_END()
