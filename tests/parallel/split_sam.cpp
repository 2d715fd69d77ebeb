// A SAM whose layers ranks share, held to one rank's.

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>

#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/embedding_cache.hpp>
#include <axonzoo/infer/view_encoder.hpp>
#include <axonzoo/models/sam/fresh.hpp>
#include <axonzoo/models/sam/sam.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/parallel/tensor_parallel.hpp>

#include "../data/made_folder.hpp"
#include "ranks.hpp"

namespace {

using namespace axonzoo;

recognised_sam small_vit() {
  auto size = sam_with_vit(24, 2, 3);
  size.family = sam_family::other_vit;
  size.windows = {3};
  size.image = 64;
  size.global_blocks = {1};
  return size;
}

/// One of its stages has fewer heads than three ranks.
recognised_sam small_tiny_vit() {
  auto size = sam_with_tiny_vit(256);
  size.widths = {8, 16, 20, 40};
  size.depths = {1, 1, 2, 1};
  size.heads = {0, 2, 4, 5};
  size.windows = {0, 3, 4, 3};
  return size;
}

/// Fresh biases and norms are 0 and 1, which would hide one that counts twice.
tensor_file shaken(const recognised_sam& size) {
  auto made = fresh_sam_weights(size);
  for (auto& [name, tensor] : made.tensors) {
    if (tensor.dim() == 1 && !name.ends_with("running_var")) tensor = tensor + at::randn(tensor.sizes()) * 0.3;
  }
  return made;
}

/// Two thirds of every group of channels: widths that no number of ranks divides.
tensor_file narrowed(const tensor_file& whole) {
  sam_network net(whole, "'whole'");
  for (std::size_t i = 0; i < net.channel_groups().size(); ++i) {
    const auto group = net.channel_groups()[i];
    keep_channels(net, group, std::get<0>(at::randperm(group.channels, at::kLong).narrow(0, 0, (2 * group.channels + 2) / 3).sort()));
  }
  tensor_file made;
  for (const auto& [name, tensor] : named_tensors(net)) made.tensors.emplace(name, tensor.detach().clone());
  return made;
}

struct task {
  tensor_file weights;
  at::Tensor images;
  std::vector<sam_prompts> prompts;  ///< each answered in a forward and backward pass of its own
  bool trains_norms = false, recompute = false;
  c10::ScalarType type = at::kFloat;
  double tolerance = 1e-5;
};

task made_task(tensor_file weights, at::IntArrayRef image) {
  task made{std::move(weights), at::randn(image), {}};
  const auto boxes = [](std::int64_t count) {
    const at::Tensor corner = at::rand({count, 2}) * 30;
    return at::cat({corner, corner + 5 + at::rand({count, 2}) * 10}, 1);
  };
  made.prompts.push_back({{}, {}, boxes(4), {}});
  const auto stride = sam_network(made.weights, "'made'").stride();
  made.prompts.push_back({at::rand({1, 2, 2}) * 30, at::ones({1, 2}), boxes(1), at::randn({1, 1, 4 * image[2] / stride, 4 * image[3] / stride})});  // of fewer prompts than ranks
  return made;
}

/// What one rank comes to in a step, by name.
struct outcome {
  std::map<std::string, at::Tensor> answers, gradients, statistics;
  std::int64_t macs = 0;
};

outcome outcome_of(const task& what, communicator& ranks) {
  outcome found;
  sam_network net(what.weights, "'made'");
  net.train(what.trains_norms);
  net.recompute(what.recompute);
  for (std::size_t i = 0; i < what.prompts.size(); ++i) {
    auto splitting = ranks.split_layers();
    at::Tensor embedding;
    {
      const mac_counter counter;
      embedding = net.encode(what.images.to(what.type));
      found.macs = counter.count();
    }
    const auto masks = net.decode(embedding.narrow(0, 0, 1), what.prompts[i], /*several=*/true);
    const auto loss = (masks.logits * masks.logits.detach().cos()).mean() + masks.scores.square().mean() + embedding.to(at::kFloat).sin().mean();
    found.answers.emplace("embedding " + std::to_string(i), embedding.detach().to(at::kFloat));
    found.answers.emplace("logits " + std::to_string(i), masks.logits.detach());
    found.answers.emplace("scores " + std::to_string(i), masks.scores.detach());
    splitting.reset();  // on a GPU the backward pass is another thread's
    ranks.before_backward(loss);
    loss.backward();
  }
  ranks.after_backward(net);
  for (const auto& item : net.named_parameters()) {
    if (item.value().grad().defined()) found.gradients.emplace(item.key(), item.value().grad().clone());
  }
  for (const auto& item : net.named_buffers()) found.statistics.emplace(item.key(), item.value().to(at::kFloat));
  return found;
}

/// Of each task on each rank.
template <class Parallel>
std::vector<std::vector<outcome>> outcomes(const std::vector<task>& tasks, int count) {
  std::vector<std::vector<outcome>> all(tasks.size(), std::vector<outcome>(static_cast<std::size_t>(count)));
  const auto failures = made::on_ranks(count, [&](const rank_place& place) {
    const auto ranks = Parallel{}.connect(place, at::kCPU);
    for (std::size_t i = 0; i < tasks.size(); ++i) all[i][static_cast<std::size_t>(place.rank)] = outcome_of(tasks[i], *ranks);
  });
  for (const auto& failure : failures) BOOST_TEST_REQUIRE(failure.empty(), failure);
  return all;
}

double greatest(const at::Tensor& x) { return x.numel() > 0 ? x.abs().max().item<double>() : 0; }

/// Relative to the greatest number of each tensor; a gradient that is 0 but for rounding has none.
void are_alike(const std::map<std::string, at::Tensor>& found, const std::map<std::string, at::Tensor>& expected, double tolerance, double negligible) {
  for (const auto& [name, tensor] : expected) {
    BOOST_TEST_REQUIRE(found.contains(name), name);
    const double apart = greatest(found.at(name) - tensor), size = greatest(tensor);
    BOOST_TEST(apart <= tolerance * (size + negligible), name << " is " << apart << " from what has " << size);
  }
}

void are_shared(const std::vector<task>& tasks) {
  const auto alone = outcomes<single>(tasks, 1);
  for (const int count : {2, 3}) {
    const auto shared = outcomes<tensor_parallel>(tasks, count);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const auto& one = alone[i].front();
      const double tolerance = tasks[i].tolerance;
      double steepest = 0;
      for (const auto& [name, gradient] : one.gradients) steepest = std::max(steepest, greatest(gradient));
      for (const auto& each : shared[i]) {
        are_alike(each.answers, one.answers, tolerance, 0);
        are_alike(each.gradients, one.gradients, tolerance, 0.1 * steepest);
        are_alike(each.statistics, one.statistics, tolerance, 0);
        BOOST_TEST(static_cast<double>(each.macs) < 0.7 * static_cast<double>(one.macs));
        for (const auto& [name, answer] : each.answers) BOOST_TEST(answer.equal(shared[i].front().answers.at(name)), name);
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel_split_sam)

BOOST_AUTO_TEST_CASE(a_vit_answers_and_learns_as_on_one_rank) {
  at::manual_seed(1);
  std::vector<task> tasks(2, made_task(shaken(small_vit()), {1, 3, 64, 80}));
  tasks[1].recompute = true;
  are_shared(tasks);
}

BOOST_AUTO_TEST_CASE(a_tiny_vit_answers_and_learns_as_on_one_rank) {
  at::manual_seed(2);
  std::vector<task> tasks(3, made_task(shaken(small_tiny_vit()), {2, 3, 32, 48}));
  tasks[1].recompute = true;
  tasks[2].trains_norms = true;
  tasks[2].tolerance = 1e-4;  // gradients are differences of sums
  are_shared(tasks);
}

BOOST_AUTO_TEST_CASE(narrowed_encoders_are_shared_alike) {
  at::manual_seed(3);
  are_shared({made_task(narrowed(shaken(small_vit())), {1, 3, 64, 64}), made_task(narrowed(shaken(small_tiny_vit())), {1, 3, 32, 32})});
}

BOOST_AUTO_TEST_CASE(half_precision_travels_too) {
  at::manual_seed(4);
  std::vector<task> tasks{made_task(shaken(small_vit()), {1, 3, 64, 64}), made_task(shaken(small_tiny_vit()), {1, 3, 64, 64})};
  for (auto& each : tasks) {
    each.type = at::kBFloat16;
    each.tolerance = 0.4;  // roundings turn a ReLU's sign here and there; what counts twice is 1 apart
  }
  are_shared(tasks);
}

BOOST_AUTO_TEST_CASE(an_embedding_that_one_rank_lacks_is_computed_by_all) {
  at::manual_seed(5);
  const auto weights = shaken(small_tiny_vit());
  const made_folder folder;
  std::vector<at::Tensor> alone(2), first(2), second(2);
  std::vector<std::size_t> computed(2), read(2);
  const auto failures = made::on_ranks(2, [&](const rank_place& place) {
    const auto rank = static_cast<std::size_t>(place.rank);
    const auto ranks = tensor_parallel{}.connect(place, at::kCPU);
    sam_network net(weights, "'made'");
    net.eval();
    image picture = xt::zeros<float>({std::size_t{32}, std::size_t{32}, std::size_t{1}});
    for (std::size_t i = 0; i < picture.size(); ++i) picture.data()[i] = static_cast<float>(i * i % 97) / 97;
    const auto cache = std::make_shared<embedding_cache>(folder.path() / std::to_string(rank), std::uint64_t{1} << 30);
    view_encoder encoder(32, sam_levels::unit, at::kFloat, at::kCPU);
    const auto embed = [&] { return encoder.embed(net, picture, {0, 0, 32}); };
    alone[rank] = embed();
    encoder.keep_in(cache, "these weights");
    if (rank == 1) static_cast<void>(embed());
    const auto splitting = ranks->split_layers();
    first[rank] = embed();
    second[rank] = embed();
    computed[rank] = cache->made();
    read[rank] = cache->found();
  });
  for (const auto& failure : failures) BOOST_TEST_REQUIRE(failure.empty(), failure);
  BOOST_TEST(first[0].equal(first[1]));
  for (const std::size_t rank : {0, 1}) {
    BOOST_TEST(greatest(first[rank] - alone[rank]) <= 1e-5 * greatest(alone[rank]));
    BOOST_TEST(greatest(second[rank] - alone[rank]) <= 1e-5 * greatest(alone[rank]));
    BOOST_TEST(computed[rank] == 1u);
    BOOST_TEST(read[rank] == rank + 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
