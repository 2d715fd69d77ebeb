// Whole trainings of narrow SAMs in the precisions that store or scale.

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/equal.h>

#include <axonzoo/data/open.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/precision/bf16.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/pure_bf16.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/train/train.hpp>

#include "../programs/made_sam.hpp"

namespace {

template <class Model, class Precision>
using variant = axonzoo::variant<Model, Precision, axonzoo::none, axonzoo::single>;

using narrow_decoder = variant<axonzoo::neuro_sam_tiny, axonzoo::pure_bf16>;
using half_decoder = variant<axonzoo::neuro_sam_tiny, axonzoo::fp16>;

class trainings {
 public:
  trainings() {
    made::paired(folder_, "d");
    made::sam_weights(folder_, "sam.safetensors");
    data_ = axonzoo::open_dataset({folder_.path() / "d"});
    options.weights = folder_.path() / "sam.safetensors";
    options.steps = 4;
    options.epoch_steps = 2;
    options.batch = 2;
    options.patch = 64;
    options.threads = 1;
    options.test_subjects = {"s5"};
    options.validation_share = 0;
    options.prompts.boxes = 3;
    options.prompts.cache = folder_.path() / "embeddings";
  }

  /// The record; empty where Ctrl-C came in step `interrupted_in`.
  template <class Variant>
  nlohmann::json run(const std::string& out, axonzoo::policies<Variant> chosen = {}, int interrupted_in = 0) {
    options.out = folder_.path() / out;
    auto recipe = axonzoo::recipe_of<Variant>(std::move(chosen));
    int steps_left = interrupted_in + 1;  // it is entered once before the first step
    recipe.setting.enter = [&, enter = recipe.setting.enter](c10::DeviceType device) {
      if (--steps_left == 0 && interrupted_in > 0) axonzoo::detail::interrupt_seen = true;
      return enter(device);
    };
    auto record = axonzoo::train(data_, options, recipe);
    axonzoo::detail::interrupt_seen = false;
    return record;
  }

  /// A run that is stopped and taken up again ends with the bytes of one that was not.
  template <class Variant>
  void resumes_to_the_same_bytes(const axonzoo::policies<Variant>& chosen) {
    run<Variant>("whole", chosen);
    BOOST_TEST(run<Variant>("parts", chosen, /*interrupted_in=*/2).empty());
    options.resume = true;
    BOOST_TEST(run<Variant>("parts", chosen).at("steps") == options.steps);
    options.resume = false;
    BOOST_TEST((made::content(file("whole/checkpoint.safetensors")) == made::content(file("parts/checkpoint.safetensors"))));
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] std::map<std::string, at::Tensor> tensors(const std::string& name) const { return axonzoo::read_safetensors(file(name)).tensors; }

  axonzoo::train_options options;

 private:
  made_folder folder_;
  axonzoo::dataset data_;
};

std::vector<double> losses(const nlohmann::json& record) { return record.at("losses").get<std::vector<double>>(); }

double largest_difference(const nlohmann::json& a, const nlohmann::json& b) {
  const auto x = losses(a), y = losses(b);
  BOOST_REQUIRE_EQUAL(x.size(), y.size());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

/// Weights are bfloat16 and what is added or normalised by float32, whether it trains or not.
void is_stored_narrow(const std::map<std::string, at::Tensor>& tensors) {
  std::int64_t numbers = 0, bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point()) continue;
    const bool weight = tensor.dim() >= 2 && !name.ends_with("gaussian_matrix");
    BOOST_TEST((tensor.scalar_type() == (weight ? at::kBFloat16 : at::kFloat)), name);
    numbers += tensor.numel();
    bytes += static_cast<std::int64_t>(tensor.nbytes());
  }
  BOOST_TEST(static_cast<double>(bytes) < 2.2 * static_cast<double>(numbers));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(train_promptable)

BOOST_AUTO_TEST_CASE(a_decoder_in_bf16_learns_as_in_fp32_and_half_as_large) {
  trainings all;
  const auto whole = all.run<variant<axonzoo::neuro_sam_tiny, axonzoo::fp32>>("whole"), mixed = all.run<variant<axonzoo::neuro_sam_tiny, axonzoo::bf16>>("mixed"),
             narrow = all.run<narrow_decoder>("narrow");
  BOOST_TEST(largest_difference(whole, narrow) > 0);
  BOOST_TEST(largest_difference(whole, narrow) < 0.02);
  BOOST_TEST(narrow.at("parameter_bytes").front().get<double>() < 0.6 * whole.at("parameter_bytes").front().get<double>());
  BOOST_TEST(narrow.at("macs") == whole.at("macs"));
  BOOST_TEST(narrow.at("prompts").at("embeddings").at("computed") == mixed.at("prompts").at("embeddings").at("computed"));  // of another encoder
  const auto stored = all.tensors("narrow/checkpoint.safetensors");
  is_stored_narrow(stored);
  const auto read = axonzoo::read_sam(all.file("narrow/checkpoint.safetensors"));
  for (const auto& item : read->named_parameters()) BOOST_TEST(at::equal(item.value(), stored.at(item.key()).to(at::kFloat)), item.key());
  const auto state = all.tensors("narrow/training_state.safetensors");
  BOOST_TEST((state.at("network/mask_decoder.iou_token.weight").scalar_type() == at::kFloat));
}

BOOST_AUTO_TEST_CASE(an_encoder_in_bf16_learns_as_in_fp32_whether_its_activations_are_kept_or_not) {
  trainings all;
  all.options.steps = 2;
  all.options.prompts.cache.clear();
  const auto whole = all.run<variant<axonzoo::med_sam_tiny, axonzoo::fp32>>("whole");
  using narrow = variant<axonzoo::med_sam_tiny, axonzoo::pure_bf16>;
  BOOST_TEST(largest_difference(whole, all.run<narrow>("kept")) < 0.02);
  is_stored_narrow(all.tensors("kept/checkpoint.safetensors"));
  all.options.prompts.recompute = true;
  all.run<narrow>("again");
  BOOST_TEST((made::content(all.file("kept/checkpoint.safetensors")) == made::content(all.file("again/checkpoint.safetensors"))));
}

BOOST_AUTO_TEST_CASE(what_nothing_trains_in_is_tested_with_the_weights_it_stores) {
  trainings all;
  all.options.steps = 0;
  all.run<variant<axonzoo::sam_tiny, axonzoo::pure_bf16>>("rounded");
  is_stored_narrow(all.tensors("rounded/checkpoint.safetensors"));
  const auto before = all.tensors("sam.safetensors");
  for (const auto& [name, tensor] : all.tensors("rounded/checkpoint.safetensors")) BOOST_TEST(at::equal(tensor, before.at(name).to(tensor.scalar_type())), name);
}

BOOST_AUTO_TEST_CASE(a_stopped_run_goes_on_to_the_same_bytes) {
  trainings all;
  axonzoo::policies<narrow_decoder> chosen;
  chosen.precision.rounding = 1;
  all.resumes_to_the_same_bytes(chosen);
  axonzoo::policies<half_decoder> scaled;
  scaled.precision.initial_scale = axonzoo::loss_scale::most;  // which it leaves before it is stopped
  all.resumes_to_the_same_bytes(scaled);
}

BOOST_AUTO_TEST_CASE(an_overflow_skips_the_step_and_halves_the_scale) {
  trainings all;
  axonzoo::policies<half_decoder> chosen;
  chosen.precision.initial_scale = 1024;
  const auto whole = all.run<variant<axonzoo::neuro_sam_tiny, axonzoo::fp32>>("whole"), half = all.run<half_decoder>("half", chosen);
  BOOST_TEST(half.at("loss_scale").at("skipped_steps") == 0);
  BOOST_TEST(largest_difference(whole, half) < 0.005);

  chosen.precision.initial_scale = axonzoo::loss_scale::most;
  all.options.steps = 1;
  const auto over = all.run<half_decoder>("over", chosen);
  BOOST_TEST(over.at("loss_scale").at("skipped_steps") == 1);
  BOOST_TEST(over.at("loss_scale").at("value").get<double>() == axonzoo::loss_scale::most / 2);
  const auto before = all.tensors("sam.safetensors");
  for (const auto& [name, tensor] : all.tensors("over/checkpoint.safetensors")) BOOST_TEST(at::equal(tensor, before.at(name)), name);
}

BOOST_AUTO_TEST_SUITE_END()
