// Whole trainings on many ranks.

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/allclose.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/data/open.hpp>
#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/parallel/sharded.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/parallel/tensor_parallel.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/precision/pure_bf16.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/magnitude.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/pruning/one_step_slimming.hpp>
#include <axonzoo/pruning/unstructured.hpp>
#include <axonzoo/train/train.hpp>

#include "../programs/made_sam.hpp"
#include "ranks.hpp"

namespace {

thread_local int this_rank = 0;
thread_local int backward_passes = 0;
thread_local double largest_held = 0;  ///< share of its parameters' bytes that a watched network has had at the end of a forward pass in training

/// Passes images through; the gradient of one step of rank 1 comes back infinite.
struct overflow_once : torch::autograd::Function<overflow_once> {
  static constexpr int at_step = 4;
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& x) { return x.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*, const torch::autograd::variable_list& gradients) {
    const bool now = ++backward_passes == at_step && this_rank == 1;
    return {gradients.front() * (now ? std::numeric_limits<float>::infinity() : 1.F)};
  }
};

struct overflowing_network : axonzoo::unet_network {
  using unet_network::unet_network;
  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    auto logits = unet_network::forward(images);
    if (is_training()) logits.front() = overflow_once::apply(logits.front());
    return logits;
  }
};

struct watched_network : axonzoo::unet_network {
  using unet_network::unet_network;
  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    auto logits = unet_network::forward(images);
    double held = 0, whole = 0;
    for (const auto& parameter : parameters()) {
      held += static_cast<double>(parameter.storage().nbytes());
      whole += 4 * static_cast<double>(parameter.numel());
    }
    if (is_training()) largest_held = std::max(largest_held, held / whole);
    return logits;
  }
};

struct watched {
  using axis = axonzoo::axes::model;
  static constexpr std::string_view name = "watched";
  static std::shared_ptr<axonzoo::network> make(std::int64_t channels, std::int64_t classes) {
    return std::make_shared<watched_network>(channels, classes, std::vector<std::int64_t>{4, 8, 16});
  }
};

std::atomic<int> passes_to_interrupt{0}, validating_passes_to_interrupt{0};  ///< forward passes after which Ctrl-C comes

struct interrupted_network : axonzoo::unet_network {
  using unet_network::unet_network;
  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    if (--(is_training() ? passes_to_interrupt : validating_passes_to_interrupt) == 0) axonzoo::detail::interrupt_seen = true;
    return unet_network::forward(images);
  }
};

struct interrupted_unet {
  using axis = axonzoo::axes::model;
  static constexpr std::string_view name = "interrupted";
  static std::shared_ptr<axonzoo::network> make(std::int64_t channels, std::int64_t classes) {
    return std::make_shared<interrupted_network>(channels, classes, std::vector<std::int64_t>{4, 8, 16});
  }
};

struct overflowing {
  using axis = axonzoo::axes::model;
  static constexpr std::string_view name = "overflowing";
  static std::shared_ptr<axonzoo::network> make(std::int64_t channels, std::int64_t classes) {
    return std::make_shared<overflowing_network>(channels, classes, std::vector<std::int64_t>{4, 8, 16});
  }
};

struct small_unet : axonzoo::unet {
  small_unet() { width = 4, levels = 3; }
};

/// Its first layers have fewer channels than three ranks.
struct narrow_unet : axonzoo::unet {
  narrow_unet() { width = 2, levels = 3; }
};

struct small_sam_unet : axonzoo::neuro_sam_unet_tiny {
  small_sam_unet() { decoder.width = 4, decoder.levels = 3; }
};

struct small_segnet : axonzoo::segnet {
  small_segnet() { width = 4; }
};

/// A model with a layer of LibTorch's own.
struct ungathered_network : axonzoo::network {
  ungathered_network(std::int64_t channels, std::int64_t classes) : weight(register_parameter("weight", at::randn({classes, channels, 3, 3}))) {}
  std::vector<at::Tensor> forward(const at::Tensor& images) override { return {at::conv2d(images, weight, {}, 1, 1)}; }
  [[nodiscard]] std::int64_t stride() const override { return 1; }
  [[nodiscard]] std::vector<axonzoo::channel_group> channel_groups() const override { return {}; }
  at::Tensor weight;
};

struct ungathered {
  using axis = axonzoo::axes::model;
  static constexpr std::string_view name = "ungathered";
  static std::shared_ptr<axonzoo::network> make(std::int64_t channels, std::int64_t classes) { return std::make_shared<ungathered_network>(channels, classes); }
};

template <class Parallel, class Pruning = axonzoo::none, class Precision = axonzoo::fp32>
using variant = axonzoo::variant<small_unet, Precision, Pruning, Parallel>;

class trainings {
 public:
  trainings() {
    made::paired(folder_, "d");
    data_ = axonzoo::open_dataset({folder_.path() / "d"});
    options.steps = 20;
    options.patch = 32;
    options.batch = 4;
    options.threads = 1;
    options.turns = 1;
    options.tile_overlap = 0;
    options.epoch_steps = 5;
    options.test_subjects = {"s5"};
  }

  /// The record of rank 0. At its end each rank calls `ended` in its turn.
  template <class Variant>
  nlohmann::json run(const std::string& out, int ranks, axonzoo::policies<Variant> chosen = {}, const std::function<void()>& ended = [] {}) {
    options.out = folder_.path() / out;
    auto recipe = axonzoo::recipe_of<Variant>(std::move(chosen));
    // Threads stand for ranks here and share one generator of random numbers, which processes do not: each makes its network after the one before.
    std::mutex mutex;
    std::condition_variable next;
    int networks = 0;
    recipe.start_pruning = [&, start = recipe.start_pruning] {  // which a trainer asks for before it seeds and makes its network
      std::unique_lock hold(mutex);
      next.wait(hold, [&] { return networks >= this_rank; });  // a teacher is one more
      return start();
    };
    const auto counted = [&](axonzoo::network_maker make) -> axonzoo::network_maker {
      return [&, make = std::move(make)](std::int64_t channels, std::int64_t classes) {
        auto network = make(channels, classes);
        const std::lock_guard hold(mutex);
        ++networks;
        next.notify_all();
        return network;
      };
    };
    if (recipe.prompts) {
      networks = ranks;  // of weights that are not random
    } else {
      if (recipe.make_network) recipe.make_network = counted(recipe.make_network);
      recipe.from_weights = [&, from = recipe.from_weights](axonzoo::tensor_file weights, const std::string& origin) { return counted(from(std::move(weights), origin)); };
    }
    std::vector<nlohmann::json> records(static_cast<std::size_t>(ranks));
    const auto failures = made::on_ranks(ranks, [&](const axonzoo::rank_place& place) {
      this_rank = place.rank;
      records[static_cast<std::size_t>(place.rank)] = axonzoo::train(data_, options, recipe, {}, place);
      const std::lock_guard hold(mutex);
      ended();
    });
    for (const auto& found : failures) BOOST_TEST_REQUIRE((refusal.empty() ? found.empty() : found.find(refusal) != std::string::npos), found);
    return records.front();
  }

  /// At the usual rate rounding errors grow to 1e-4 in so many steps, whatever the ranks share.
  void longer() {
    options.steps = 50;
    options.learning_rate = 2e-4;
  }

  void from_sam(bool tiny) {
    made::sam_weights(folder_, "sam.safetensors", tiny, /*image=*/128);
    options.weights = folder_.path() / "sam.safetensors";
    options.batch = 1;
    options.patch = 64;
    options.epoch_steps = 0;
    options.prompts.boxes = 3;
    options.prompts.validation_boxes = 2;
  }

  /// The checkpoint of the run before, to start from.
  void go_on_from(const std::string& file = "checkpoint.safetensors") { options.weights = options.out / file; }

  axonzoo::train_options options;
  std::string refusal;  ///< words of what all ranks fail with; empty: none does

 private:
  made_folder folder_;
  axonzoo::dataset data_;
};

double largest_difference(const nlohmann::json& a, const nlohmann::json& b) {
  const auto x = a.at("losses").get<std::vector<double>>(), y = b.at("losses").get<std::vector<double>>();
  BOOST_REQUIRE_EQUAL(x.size(), y.size());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel_training)

/// That a run which was stopped and has ended in `out` has the epochs, but for their seconds, and the weights of an uninterrupted one.
void is_the_same_course(nlohmann::json history, const std::filesystem::path& out, nlohmann::json expected_history, const std::map<std::string, at::Tensor>& expected) {
  for (auto* each : {&history, &expected_history}) {
    for (auto& epoch : *each) epoch.erase("seconds");
  }
  BOOST_TEST(history == expected_history);
  for (const auto& [name, tensor] : axonzoo::read_safetensors(out / "checkpoint.safetensors").tensors) BOOST_TEST(at::equal(tensor, expected.at(name)), name);
}

/// That two ranks share out what one has.
void shared_out(const nlohmann::json& one, const nlohmann::json& two, const std::string& what) {
  const auto whole = one.at(what).at(0).get<double>();
  const auto shares = two.at(what).get<std::vector<double>>();
  BOOST_TEST_REQUIRE(shares.size() == 2u);
  for (const double share : shares) BOOST_TEST(share / whole <= 0.55, what);
  BOOST_TEST(shares[0] + shares[1] == whole);
}

BOOST_AUTO_TEST_CASE(ranks_that_share_the_optimiser_have_the_losses_of_one_and_half_its_bytes) {
  trainings all;
  all.longer();
  const auto one = all.run<variant<axonzoo::single>>("one", 1), two = all.run<variant<axonzoo::sharded>>("two", 2);
  BOOST_TEST(largest_difference(one, two) < 1e-5);
  shared_out(one, two, "optimizer_bytes");
  for (const auto& bytes : two.at("parameter_bytes")) BOOST_TEST((bytes == one.at("parameter_bytes").at(0)));
}

/// Of a policy, with parameters shared out too.
template <class Variant>
axonzoo::policies<Variant> scattered() {
  axonzoo::policies<Variant> chosen;
  chosen.parallel.shard_parameters = 1;
  return chosen;
}

BOOST_AUTO_TEST_CASE(ranks_that_share_the_parameters_have_the_losses_and_the_average_of_one_and_half_its_bytes) {
  trainings all;
  all.longer();
  using alone = axonzoo::variant<watched, axonzoo::fp32, axonzoo::none, axonzoo::single>;
  using ranks = axonzoo::variant<watched, axonzoo::fp32, axonzoo::none, axonzoo::sharded>;
  all.options.validation_share = 0;  // the checkpoint is the average
  const auto one = all.run<alone>("one", 1);
  const auto expected = axonzoo::read_safetensors(all.options.out / "training_state.safetensors").tensors;
  std::vector<double> held;
  const auto two = all.run<ranks>("two", 2, scattered<ranks>(), [&] { held.push_back(largest_held); });
  BOOST_TEST(largest_difference(one, two) < 1e-5);
  shared_out(one, two, "optimizer_bytes");
  shared_out(one, two, "parameter_bytes");
  BOOST_TEST(held.size() == 2u);
  for (const double share : held) BOOST_TEST(share <= 0.55);
  const auto found = axonzoo::read_safetensors(all.options.out / "training_state.safetensors").tensors;
  for (const auto& [name, tensor] : expected) {
    if (!name.starts_with("optimizer/")) BOOST_TEST(at::allclose(tensor, found.at(name), 1e-3, 1e-4), name);
  }
  for (const auto& [name, tensor] : axonzoo::read_safetensors(all.options.out / "checkpoint.safetensors").tensors) {
    BOOST_TEST(at::equal(tensor, found.at("average/" + name)), name);
  }
}

BOOST_AUTO_TEST_CASE(shared_parameters_go_with_steps_in_parts_narrow_gradients_batch_norms_and_masks) {
  trainings all;
  using ranks = variant<axonzoo::sharded>;
  const auto one = all.run<variant<axonzoo::single>>("one", 1);
  auto chosen = scattered<ranks>();
  all.options.accumulate = 2;
  const auto parts = all.run<ranks>("parts", 2, chosen);
  BOOST_TEST(largest_difference(one, parts) < 1e-5);
  const auto dice = [](const nlohmann::json& record) { return record.at("history").back().at("validation").at("dice").get<double>(); };
  BOOST_TEST(std::abs(dice(one) - dice(parts)) < 1e-3);
  all.options.accumulate = 1;
  chosen.parallel.compress = 1;
  const auto rounded = all.run<ranks>("rounded", 2, chosen);
  BOOST_TEST(largest_difference(one, rounded) > 0);
  BOOST_TEST(largest_difference(one, rounded) < 0.05);
  using masked = variant<axonzoo::sharded, axonzoo::unstructured>;
  const auto zeroed = all.run<variant<axonzoo::single, axonzoo::unstructured>>("zeroed-one", 1), shares = all.run<masked>("zeroed-two", 2, scattered<masked>());
  BOOST_TEST(largest_difference(zeroed, shares) < 1e-5);
  BOOST_TEST(zeroed.at("nonzero_parameters") == shares.at("nonzero_parameters"));
  all.options.optimizer = "sgd";
  all.options.learning_rate = 1e-6;  // with batch norm a network is more sensitive to rounding
  using norms = axonzoo::variant<small_segnet, axonzoo::fp32, axonzoo::none, axonzoo::sharded>;
  const auto alone = all.run<axonzoo::variant<small_segnet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("norms-one", 1);
  BOOST_TEST(largest_difference(alone, all.run<norms>("norms-two", 2, scattered<norms>())) < 1e-5);
}

BOOST_AUTO_TEST_CASE(parameters_that_cannot_be_shared_are_a_sentence) {
  trainings all;
  using narrow = variant<axonzoo::sharded, axonzoo::none, axonzoo::pure_bf16>;
  all.refusal = "stored narrower than their fp32 originals";
  all.run<narrow>("narrow", 1, scattered<narrow>());
  using elsewhere = axonzoo::variant<ungathered, axonzoo::fp32, axonzoo::none, axonzoo::sharded>;
  all.refusal = "no layer of this model gathers its weights";
  all.run<elsewhere>("elsewhere", 1, scattered<elsewhere>());
}

BOOST_AUTO_TEST_CASE(ranks_that_share_the_layers_have_the_losses_and_the_running_statistics_of_one) {
  trainings all;
  all.longer();
  const auto one = all.run<variant<axonzoo::single>>("one", 1), three = all.run<variant<axonzoo::tensor_parallel>>("three", 3);
  BOOST_TEST(largest_difference(one, three) < 1e-5);
  all.options.steps = 5;
  const auto narrow = all.run<axonzoo::variant<narrow_unet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("narrow-one", 1);
  BOOST_TEST(largest_difference(narrow, all.run<axonzoo::variant<narrow_unet, axonzoo::fp32, axonzoo::none, axonzoo::tensor_parallel>>("narrow-three", 3)) < 1e-5);
  BOOST_TEST(std::abs(one.at("history").back().at("validation").at("dice").get<double>() - three.at("history").back().at("validation").at("dice").get<double>()) < 1e-3);
  all.options.optimizer = "sgd";  // with batch norm a network is more sensitive to rounding
  all.options.learning_rate = 1e-5;
  all.options.steps = 6;
  all.run<axonzoo::variant<small_segnet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("norms-one", 1);
  const auto expected = axonzoo::read_safetensors(all.options.out / "training_state.safetensors").tensors;
  all.run<axonzoo::variant<small_segnet, axonzoo::fp32, axonzoo::none, axonzoo::tensor_parallel>>("norms-two", 2);
  const auto found = axonzoo::read_safetensors(all.options.out / "training_state.safetensors").tensors;
  for (const auto& [name, tensor] : expected) {
    if (name.starts_with("network/")) BOOST_TEST(at::allclose(tensor, found.at(name), 1e-4, 1e-5), name);
  }
}

template <class Model, class Parallel = axonzoo::tensor_parallel>
using promptable = axonzoo::variant<Model, axonzoo::fp32, axonzoo::none, Parallel>;

BOOST_AUTO_TEST_CASE(ranks_that_share_a_sam_have_the_losses_of_one) {
  trainings all;
  all.longer();
  all.from_sam(/*tiny=*/false);
  const auto one = all.run<promptable<axonzoo::med_sam, axonzoo::single>>("one", 1), two = all.run<promptable<axonzoo::med_sam>>("two", 2);
  BOOST_TEST(one.at("losses").back() < one.at("losses").front());
  BOOST_TEST(largest_difference(one, two) < 1e-5);
}

BOOST_AUTO_TEST_CASE(ranks_that_share_a_sams_decoder_have_the_losses_of_one) {
  trainings all;
  all.from_sam(/*tiny=*/true);
  all.options.steps = 10;
  const auto one = all.run<promptable<axonzoo::neuro_sam_tiny, axonzoo::single>>("one", 1), three = all.run<promptable<axonzoo::neuro_sam_tiny>>("three", 3);
  BOOST_TEST(largest_difference(one, three) < 1e-5);
  BOOST_TEST(one.at("prompts").at("embeddings").at("computed").get<int>() >= three.at("prompts").at("embeddings").at("computed").get<int>());
}

BOOST_AUTO_TEST_CASE(ranks_that_share_a_unet_on_a_sams_encoder_have_the_losses_of_one) {
  trainings all;
  all.from_sam(/*tiny=*/true);
  all.longer();
  all.options.steps = 10;
  const auto one = all.run<axonzoo::variant<small_sam_unet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("one", 1);
  const auto two = all.run<axonzoo::variant<small_sam_unet, axonzoo::fp32, axonzoo::none, axonzoo::tensor_parallel>>("two", 2);
  BOOST_TEST(largest_difference(one, two) < 1e-5);
}

template <class Pruning>
void goes_on_with_another_number_of_ranks(const axonzoo::policies<variant<axonzoo::sharded, Pruning>>& chosen = {}) {
  trainings all;
  using pruned = variant<axonzoo::sharded, Pruning>;
  const auto run = [&](const std::string& out, int first, int second) {
    all.options.steps = 10;
    all.options.resume = false;
    all.run<pruned>(out, first, chosen);
    all.options.steps = 20;
    all.options.resume = true;
    return all.run<pruned>(out, second, chosen);
  };
  const nlohmann::json same = run("same", 1, 1), other = run("other", 2, 1), more = run("more", 1, 2);
  BOOST_TEST(same.at("losses").size() == 10u);
  BOOST_TEST(largest_difference(same, other) < 1e-5);
  BOOST_TEST(largest_difference(same, more) < 1e-5);
  BOOST_TEST(same.at("parameters").get<int>() < same.at("parameters_before").get<int>() / 2);
}

BOOST_AUTO_TEST_CASE(a_pruned_run_goes_on_with_another_number_of_ranks) { goes_on_with_another_number_of_ranks<axonzoo::magnitude>(); }

// the first round and the teacher are before the stop, the second round after
BOOST_AUTO_TEST_CASE(a_taught_run_goes_on_with_another_number_of_ranks) { goes_on_with_another_number_of_ranks<axonzoo::alternate_slimming>(); }

BOOST_AUTO_TEST_CASE(a_taught_run_of_shared_parameters_goes_on_with_another_number_of_ranks) {
  goes_on_with_another_number_of_ranks<axonzoo::alternate_slimming>(scattered<variant<axonzoo::sharded, axonzoo::alternate_slimming>>());
}

BOOST_AUTO_TEST_CASE(a_teacher_alone_teaches_without_labels) {
  trainings all;
  using taught = variant<axonzoo::single, axonzoo::one_step_slimming>;
  axonzoo::policies<taught> chosen;
  chosen.pruning.distil = 1;
  chosen.pruning.prune_at = 0;
  all.options.average_decay = 0;  // the teacher is an average of weights
  const auto losses = all.run<taught>("taught", 1, chosen).at("losses").get<std::vector<double>>();
  chosen.pruning.keep = 1;  // the first step is by labels; then the network is all but its teacher
  const auto itself = all.run<taught>("itself", 1, chosen).at("losses").get<std::vector<double>>();
  BOOST_TEST(losses[0] == itself[0]);
  BOOST_TEST(itself[1] < 1e-3 * losses[1]);
  BOOST_TEST(losses.back() < losses[1]);
}

BOOST_AUTO_TEST_CASE(a_run_starts_as_the_checkpoint_that_it_is_given) {
  trainings all;
  const auto first = all.run<variant<axonzoo::single>>("first", 1);
  nlohmann::json best = first.at("history").front();
  for (const auto& epoch : first.at("history")) {
    if (epoch.at("validation").at("dice") > best.at("validation").at("dice")) best = epoch;
  }
  all.go_on_from();
  all.options.steps = 5;
  const auto second = all.run<axonzoo::variant<axonzoo::unet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("second", 1);  // of other --width and --levels
  BOOST_TEST(second.at("weights") == "checkpoint.safetensors");
  BOOST_TEST(second.at("parameters") == first.at("parameters"));
  BOOST_TEST(second.at("losses").front() < first.at("losses").front());
  BOOST_TEST_REQUIRE(second.at("history").size() == 2u);
  BOOST_TEST(second.at("history").front().at("epoch") == 0);
  BOOST_TEST(second.at("history").front().at("validation") == best.at("validation"));
  BOOST_TEST(!first.contains("weights"));
  BOOST_TEST(first.at("history").front().at("epoch") == 1);
  BOOST_TEST(largest_difference(second, all.run<variant<axonzoo::ddp>>("ranks", 2)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_trained_network_is_pruned_before_its_first_step_and_teaches) {
  trainings all;
  all.run<variant<axonzoo::single>>("whole", 1);
  all.go_on_from();
  const auto given = axonzoo::read_safetensors(all.options.weights).tensors;
  all.options.steps = 5;
  using slimmed = variant<axonzoo::single, axonzoo::one_step_slimming>;
  axonzoo::policies<slimmed> chosen;
  chosen.pruning.prune_at = 0;
  chosen.pruning.distil = 1;
  const auto record = all.run<slimmed>("slim", 1, chosen);
  BOOST_TEST(record.at("parameters").get<int>() < record.at("parameters_before").get<int>() / 2);
  for (const auto& layer : record.at("layers")) BOOST_TEST((layer.at("before") == nlohmann::json(given.at(layer.at("name").get<std::string>()).sizes().vec())));
  const auto state = axonzoo::read_safetensors(all.options.out / "training_state.safetensors").tensors;
  for (const auto& [name, tensor] : given) BOOST_TEST(at::equal(tensor, state.at("teacher/" + name)), name);
  const auto narrow = all.options.out / "checkpoint.safetensors";
  chosen.pruning.keep = 1;  // it is its teacher
  BOOST_TEST(all.run<slimmed>("itself", 1, chosen).at("losses").front().get<double>() < 1e-5);

  // both rounds at once, of what has lost channels before; on ranks that share its parameters, too
  all.options.weights = narrow;
  using alone = variant<axonzoo::single, axonzoo::alternate_slimming>;
  using ranks = variant<axonzoo::sharded, axonzoo::alternate_slimming>;
  axonzoo::policies<alone> twice;
  auto shared = scattered<ranks>();
  for (auto* pruning : {&twice.pruning, &shared.pruning}) pruning->prune_at = pruning->prune_until = 0;
  const auto one = all.run<alone>("one", 1, twice), two = all.run<ranks>("two", 2, shared);
  BOOST_TEST(one.at("parameters_before") == record.at("parameters"));
  BOOST_TEST(one.at("parameters").get<int>() < one.at("parameters_before").get<int>() / 2);
  BOOST_TEST(largest_difference(one, two) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_run_from_a_checkpoint_that_was_interrupted_goes_on_to_the_same_bytes) {
  trainings all;
  all.options.steps = 5;
  all.run<axonzoo::variant<interrupted_unet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("first", 1);
  all.go_on_from();
  all.options.steps = 12;
  using slimmed = axonzoo::variant<interrupted_unet, axonzoo::fp32, axonzoo::alternate_slimming, axonzoo::single>;
  axonzoo::policies<slimmed> chosen;
  chosen.pruning.prune_at = 0;
  const auto whole = all.run<slimmed>("whole", 1, chosen).at("history");
  const auto expected = axonzoo::read_safetensors(all.options.out / "checkpoint.safetensors").tensors;
  passes_to_interrupt = 3;
  BOOST_TEST(all.run<slimmed>("parts", 1, chosen).empty());
  axonzoo::detail::interrupt_seen = false;
  all.options.resume = true;
  const auto parts = all.run<slimmed>("parts", 1, chosen).at("history");
  is_the_same_course(parts, all.options.out, whole, expected);
  all.options.weights.clear();
  all.refusal = "its weights is";
  all.run<slimmed>("parts", 1, chosen);
}

BOOST_AUTO_TEST_CASE(a_validation_that_was_interrupted_is_done_again) {
  trainings all;
  all.options.steps = 5;
  all.run<axonzoo::variant<interrupted_unet, axonzoo::fp32, axonzoo::none, axonzoo::single>>("first", 1);
  all.go_on_from();
  all.options.steps = 12;
  using several = axonzoo::variant<interrupted_unet, axonzoo::fp32, axonzoo::none, axonzoo::ddp>;
  const auto whole = all.run<several>("whole", 2).at("history");
  BOOST_TEST_REQUIRE(whole.size() > 2);  // epoch 0 before the first step, and others
  const auto expected = axonzoo::read_safetensors(all.options.out / "checkpoint.safetensors").tensors;
  for (int stops = 0; stops < 3; ++stops) {
    validating_passes_to_interrupt = 1;
    BOOST_TEST(all.run<several>("parts", 2).empty());
    BOOST_TEST(axonzoo::read_training_state(all.options.out).facts.at("unclosed").contains("epoch"));
    axonzoo::detail::interrupt_seen = false;
    all.options.resume = true;
    passes_to_interrupt = 1;  // its epoch's validation is over
    BOOST_TEST(all.run<several>("parts", 2).empty());
    axonzoo::detail::interrupt_seen = false;
  }
  const auto parts = all.run<several>("parts", 2).at("history");
  is_the_same_course(parts, all.options.out, whole, expected);
}

BOOST_AUTO_TEST_CASE(weights_of_every_precision_train_on_but_rounded_ones) {
  trainings all;
  all.options.steps = 5;
  using whole = variant<axonzoo::single>;
  using bf16 = variant<axonzoo::single, axonzoo::magnitude, axonzoo::pure_bf16>;
  using int8 = variant<axonzoo::single, axonzoo::none, axonzoo::int8>;
  all.run<whole>("whole", 1);
  all.go_on_from();
  axonzoo::policies<bf16> chosen;
  chosen.pruning.prune_at = 0;
  all.run<bf16>("bf16", 1, chosen);
  all.go_on_from();
  all.run<int8>("int8", 1);
  all.go_on_from("unrounded.safetensors");
  all.run<whole>("unrounded", 1);
  all.options.out = all.options.weights.parent_path();
  all.go_on_from();
  all.refusal = "unrounded.safetensors";
  all.run<whole>("rounded", 1);
}

BOOST_AUTO_TEST_CASE(a_step_in_parts_is_the_step_at_once) {
  trainings all;
  const auto whole = all.run<variant<axonzoo::single>>("whole", 1);
  all.options.accumulate = 2;
  BOOST_TEST(largest_difference(whole, all.run<variant<axonzoo::single>>("parts", 1)) < 1e-5);
  BOOST_TEST(largest_difference(whole, all.run<variant<axonzoo::ddp>>("ranks", 2)) < 1e-5);
  all.options.accumulate = 3;  // parts of one, one and two patches
  BOOST_TEST(largest_difference(whole, all.run<variant<axonzoo::single>>("uneven", 1)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(weights_in_bf16_learn_as_fp32_does_and_the_checkpoint_is_theirs) {
  trainings all;
  const auto single = all.run<variant<axonzoo::single>>("single", 1);
  using narrow = variant<axonzoo::single, axonzoo::magnitude, axonzoo::pure_bf16>;
  using ranks = variant<axonzoo::sharded, axonzoo::none, axonzoo::pure_bf16>;
  BOOST_TEST(largest_difference(single, all.run<ranks>("ranks", 2)) < 0.1);
  axonzoo::policies<narrow> chosen;
  chosen.precision.rounding = 1;
  const auto run = [&](const std::string& out) {
    all.options.steps = 10;
    all.options.resume = false;
    all.run<narrow>(out, 1, chosen);
    all.options.steps = 20;
    all.options.resume = true;
    return all.run<narrow>(out, 1, chosen);
  };
  const auto first = run("first"), again = run("again");
  BOOST_TEST(largest_difference(first, again) == 0);
  BOOST_TEST(first.at("parameters").get<int>() < first.at("parameters_before").get<int>() / 2);
  const auto checkpoint = axonzoo::read_safetensors(all.options.out / "checkpoint.safetensors");
  BOOST_TEST((checkpoint.tensors.at("down1a.conv.weight").scalar_type() == at::kBFloat16));
  BOOST_TEST((checkpoint.tensors.at("down1a.norm.weight").scalar_type() == at::kFloat));
  const auto state = axonzoo::read_safetensors(all.options.out / "training_state.safetensors");
  BOOST_TEST((state.tensors.at("network/down1a.conv.weight").scalar_type() == at::kFloat));
}

BOOST_AUTO_TEST_CASE(gradients_in_bf16_move_the_losses_by_rounding_alone) {
  trainings all;
  axonzoo::policies<variant<axonzoo::ddp>> compressed;
  compressed.parallel.compress = 1;
  const auto plain = all.run<variant<axonzoo::ddp>>("plain", 2), rounded = all.run<variant<axonzoo::ddp>>("rounded", 2, compressed);
  BOOST_TEST(largest_difference(plain, rounded) > 0);
  BOOST_TEST(largest_difference(plain, rounded) < 0.05);
}

BOOST_AUTO_TEST_CASE(an_overflow_on_one_rank_skips_the_step_on_all_halves_the_scale_and_the_run_recovers) {
  trainings all;
  using overflows = axonzoo::variant<overflowing, axonzoo::fp16, axonzoo::none, axonzoo::ddp>;
  axonzoo::policies<overflows> chosen;
  chosen.precision.initial_scale = 1024;
  const auto record = all.run<overflows>("half", 2, chosen);
  BOOST_TEST(record.at("loss_scale").at("skipped_steps").get<int>() == 1);
  BOOST_TEST(record.at("loss_scale").at("value").get<double>() == 512);
  const auto losses = record.at("losses").get<std::vector<double>>();
  BOOST_REQUIRE_EQUAL(losses.size(), 20u);
  for (const double loss : losses) BOOST_TEST(std::isfinite(loss));
  BOOST_TEST(losses.back() < losses.front());
}

BOOST_AUTO_TEST_SUITE_END()
