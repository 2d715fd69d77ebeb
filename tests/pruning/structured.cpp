#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <string>

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/magnitude.hpp>
#include <axonzoo/pruning/one_step_slimming.hpp>
#include <axonzoo/pruning/random.hpp>
#include <axonzoo/pruning/taylor.hpp>

#include "made_calibration.hpp"

namespace {

std::int64_t channels_of(const axonzoo::network& net) {
  std::int64_t sum = 0;
  for (const auto& group : net.channel_groups()) sum += group.channels;
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pruning_structured)

BOOST_AUTO_TEST_CASE(rounds_come_one_after_another_and_end_at_the_share) {
  axonzoo::magnitude policy;
  policy.rounds = 3;
  policy.prune_at = 0.2;
  policy.prune_until = 0.6;
  axonzoo::magnitude::state state(policy);
  const auto net = axonzoo::unet{}.make(1, 3);
  const auto before = channels_of(*net);
  BOOST_TEST(!state.due(0.19));
  for (const double at : {0.2, 0.4, 0.6}) {
    BOOST_TEST(state.due(at + 1e-9));
    BOOST_TEST(!state.finished());
    state.prune(*net, {});
    BOOST_TEST(!state.due(at + 0.1));
  }
  BOOST_TEST(state.finished());
  BOOST_TEST(static_cast<double>(channels_of(*net)) / static_cast<double>(before) == 0.5, boost::test_tools::tolerance(0.03));

  axonzoo::magnitude::state resumed(policy);
  resumed.resume(2);
  BOOST_TEST(!resumed.due(0.59));
  BOOST_TEST(resumed.due(0.61));
}

BOOST_AUTO_TEST_CASE(one_threshold_across_layers_takes_where_scores_are_low) {
  const auto high = at::arange(1, 9, at::kDouble), flat = at::tensor({1., 1., 1., 100.});
  const auto each = axonzoo::channels_to_keep({high, flat}, 0.5, false);
  BOOST_TEST(each[0].size(0) == 4);
  BOOST_TEST(each[1].size(0) == 2);
  BOOST_TEST(at::equal(each[0], at::arange(4, 8, at::kLong)));
  const auto across = axonzoo::channels_to_keep({high, flat}, 0.5, true);
  BOOST_TEST(across[0].size(0) + across[1].size(0) == 6);
  BOOST_TEST(across[1].size(0) == 1);
  BOOST_TEST(across[1][0].item<std::int64_t>() == 3);
  const auto least = axonzoo::channels_to_keep({high * 0, flat}, 0.1, true);
  BOOST_TEST(least[0].size(0) >= 1);
}

BOOST_AUTO_TEST_CASE(slimming_takes_what_blocks_hand_on_first_and_what_is_within_them_second) {
  const made::calibration_data data(2, 2, 64);
  for (const auto& net : {made::small_unet(), made::small_segnet()}) {
    const auto before = net->channel_groups();
    axonzoo::alternate_slimming policy;
    policy.batches = 2;
    axonzoo::alternate_slimming::state state(policy);
    BOOST_TEST(state.taught() == 0.5);
    for (const int round : {0, 1}) {
      BOOST_TEST(!state.finished());
      state.prune(*net, data.of_rank(0, 1));
      const auto now = net->channel_groups();
      for (std::size_t i = 0; i < now.size(); ++i) {
        const bool gone = round == 1 || !before[i].bottleneck;
        BOOST_TEST(now[i].channels == (gone ? std::max<std::int64_t>(1, std::llround(0.5 * static_cast<double>(before[i].channels))) : before[i].channels), now[i].name);
      }
    }
    BOOST_TEST(state.finished());
    BOOST_TEST(net->forward(made::images(2, 64)).front().sizes() == at::IntArrayRef({2, 3, 64, 64}));
  }
  // a model that tells none apart: every other group
  const std::vector<axonzoo::channel_group> alike(3);
  BOOST_TEST((axonzoo::alternate_slimming::chosen(alike, 0) == std::vector<bool>{true, false, true}));
  BOOST_TEST((axonzoo::alternate_slimming::chosen(alike, 1) == std::vector<bool>{false, true, false}));
}

BOOST_AUTO_TEST_CASE(a_budget_of_parameters_or_macs_is_met_and_the_rest_is_as_before) {
  const made::calibration_data data(1, 2, 64);
  for (const double budget : {1., 2.}) {
    const auto net = made::small_unet();
    const auto image = at::zeros({1, 1, 64, 64}).contiguous(at::MemoryFormat::ChannelsLast);
    const auto cost = [&] { return budget == 1 ? axonzoo::detail::parameters_of(*net) : axonzoo::detail::macs_of(*net, image); };
    const double before = cost();
    axonzoo::magnitude policy;
    policy.budget = budget;
    policy.keep = 0.5;
    axonzoo::magnitude::state(policy).prune(*net, data.of_rank(0, 1));
    BOOST_TEST(cost() / before <= 0.5);
    BOOST_TEST(cost() / before > 0.35);  // widths of 6 and 12 cut in coarse steps
    BOOST_TEST(net->forward(image).front().sizes() == at::IntArrayRef({1, 3, 64, 64}));
    policy.keep = 1e-6;
    const auto left = cost();
    BOOST_CHECK_EXCEPTION(axonzoo::magnitude::state(policy).prune(*net, data.of_rank(0, 1)), axonzoo::error,
                          [](const auto& said) { return std::string(said.what()).find("larger --keep") != std::string::npos; });
    BOOST_TEST(cost() == left);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_calibration_set_is_refused) {
  auto data = made::calibration_data(1, 2, 32).of_rank(0, 1);
  data.each_batch = [](std::int64_t, const auto&) {};
  const auto net = made::small_unet();
  BOOST_CHECK_THROW(static_cast<void>(axonzoo::taylor{}.weigh(*net, data)), axonzoo::error);
  axonzoo::magnitude policy;
  policy.budget = 2;
  BOOST_CHECK_THROW(axonzoo::magnitude::state(policy).prune(*net, data), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(a_lot_repeats_and_another_differs) {
  const auto net = made::small_unet();
  axonzoo::random policy;
  const auto first = policy.weigh(*net, {}), again = policy.weigh(*net, {});
  policy.lot = 2;
  const auto other = policy.weigh(*net, {});
  BOOST_TEST(at::equal(first.at("down0a.conv.weight"), again.at("down0a.conv.weight")));
  BOOST_TEST(!at::equal(first.at("down0a.conv.weight"), other.at("down0a.conv.weight")));
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_refused_by_name) {
  const auto refused = [](const std::string& option, auto change) {
    axonzoo::taylor policy;
    change(policy);
    BOOST_CHECK_EXCEPTION(policy.check(), axonzoo::error, [&](const auto& said) { return std::string(said.what()).find(option) != std::string::npos; });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0., 1.5, -1., nan}) refused("--keep", [&](auto& p) { p.keep = bad; });
  for (const double bad : {1., -0.1, nan}) refused("--prune-at", [&](auto& p) { p.prune_at = bad; });
  for (const double bad : {0., 1.5, 101., nan}) refused("--rounds", [&](auto& p) { p.rounds = bad; });
  refused("--prune-until", [](auto& p) { p.rounds = 2, p.prune_until = 0.1; });
  refused("--budget", [](auto& p) { p.budget = 4; });
  refused("--across-layers", [](auto& p) { p.across_layers = 0.5; });
  for (const double bad : {0., 1.5, nan}) refused("--calibration", [&](auto& p) { p.batches = bad; });
  axonzoo::one_step_slimming slims;
  slims.distil = nan;
  BOOST_CHECK_THROW(slims.check(), axonzoo::error);
  slims.distil = 1;
  slims.check();
}

BOOST_AUTO_TEST_SUITE_END()
