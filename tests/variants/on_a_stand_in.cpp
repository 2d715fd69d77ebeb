// Whole trainings on a device that is not the CPU, against the same on the CPU.

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/scalar_tensor.h>

#include <axonzoo/data/open.hpp>
#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/models/segnet.hpp>
#include <axonzoo/models/unet.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/precision/bf16.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/precision/pure_bf16.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/disturbed_taylor.hpp>
#include <axonzoo/pruning/hessian.hpp>
#include <axonzoo/pruning/magnitude.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/pruning/one_step_slimming.hpp>
#include <axonzoo/pruning/random.hpp>
#include <axonzoo/pruning/semi_structured.hpp>
#include <axonzoo/pruning/taylor.hpp>
#include <axonzoo/pruning/unstructured.hpp>
#include <axonzoo/train/train.hpp>

#include "../programs/made_runs.hpp"
#include "../programs/made_sam.hpp"
#include "stand_in.hpp"

namespace {

struct small_unet : axonzoo::unet {
  small_unet() { width = 4, levels = 3; }
};

struct small_segnet : axonzoo::segnet {
  small_segnet() { width = 4; }
};

struct small_sam_unet : axonzoo::neuro_sam_unet_tiny {
  small_sam_unet() { decoder.width = 4, decoder.levels = 3; }
};

/// Trains on both and holds the losses against each other: as far as the policy's own rounding goes, they are the same run.
template <class Model, class Precision, class Pruning = axonzoo::none>
void check(double bound) {
  using trained = axonzoo::variant<Model, Precision, Pruning, axonzoo::single>;
  const made_folder folder;
  made::paired(folder, "d");
  const auto data = axonzoo::open_dataset({folder.path() / "d"});
  const auto name = axonzoo::recipe_of<trained>().variant;
  axonzoo::train_options options;
  options.steps = 6;
  options.patch = 32;
  options.batch = 2;
  options.threads = 1;
  options.turns = 1;
  options.tile_overlap = 0;
  options.epoch_steps = 3;
  options.learning_rate = 2e-4;
  options.test_subjects = {"s5"};
  if (name.find("sam") != std::string::npos) {
    made::sam_weights(folder, "sam.safetensors", name.find("_tiny") != std::string::npos, /*image=*/128);
    options.weights = folder.path() / "sam.safetensors";
    options.patch = 64;
    options.prompts.boxes = 2;
    options.prompts.validation_boxes = 2;
  }
  if (name.starts_with("sam")) options.steps = options.epoch_steps = 0;
  const auto steps = static_cast<std::size_t>(options.steps);
  std::vector<std::vector<double>> losses;
  for (const auto& device : {std::string("cpu"), stand_in::device.str()}) {
    BOOST_TEST_CONTEXT(name << " on " << device) {
      options.device = device;
      options.out = folder.path() / device;
      const auto before = stand_in::operators_run.load();
      const nlohmann::json record = axonzoo::train<trained>(data, options);
      BOOST_TEST((stand_in::operators_run > before) == (device != "cpu"));
      BOOST_TEST(record.at("test").contains("mean"));
      losses.push_back(record.at("losses").get<std::vector<double>>());
      BOOST_TEST(losses.back().size() == steps);
      if (steps == 0) continue;
      options.resume = true;  // one more way through all state
      options.steps += 2;
      const nlohmann::json resumed = axonzoo::train<trained>(data, options);
      BOOST_TEST(resumed.at("losses").size() == 2U);
      options.resume = false;
      options.steps -= 2;
    }
  }
  for (std::size_t i = 0; i < steps; ++i) BOOST_TEST(std::abs(losses[0][i] - losses[1][i]) < bound, name << ", step " << i << ": " << losses[0][i] << " and " << losses[1][i]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(variants_on_a_stand_in)

BOOST_AUTO_TEST_CASE(the_stand_in_refuses_tensors_of_the_cpu_among_its_own) {
  const at::Tensor here = at::arange(6, at::kFloat).view({2, 3}), there = here.to(stand_in::device);
  BOOST_TEST(there.device() == stand_in::device);
  BOOST_TEST(at::equal(there.t().mul(2).sum(0).cpu(), here.t().mul(2).sum(0)));
  BOOST_CHECK_THROW(there + here, std::exception);
  BOOST_CHECK_THROW(there.clone().add_(here), std::exception);
  BOOST_CHECK_THROW(at::cat({there, here}), std::exception);
  BOOST_TEST((there + at::scalar_tensor(1, at::kFloat)).cpu().equal(here + 1));
}

BOOST_AUTO_TEST_CASE(every_precision) {
  check<small_unet, axonzoo::fp32>(1e-5);
  check<small_unet, axonzoo::bf16>(2e-2);
  check<small_unet, axonzoo::fp16>(1e-2);
  check<small_unet, axonzoo::pure_bf16>(2e-2);
  check<small_unet, axonzoo::int8>(2e-2);
  check<small_segnet, axonzoo::fp32>(1e-2);  // its batch norms make much of a rounding
  check<small_segnet, axonzoo::int8>(5e-2);
}

BOOST_AUTO_TEST_CASE(every_pruning_policy) {
  check<small_unet, axonzoo::fp32, axonzoo::random>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::magnitude>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::taylor>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::hessian>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::disturbed_taylor>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::one_step_slimming>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::alternate_slimming>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::unstructured>(1e-4);
  check<small_unet, axonzoo::fp32, axonzoo::semi_structured>(1e-4);
}

BOOST_AUTO_TEST_CASE(every_sam) {
  check<axonzoo::sam_tiny, axonzoo::int8>(0);
  check<axonzoo::sam_tiny, axonzoo::fp32, axonzoo::taylor>(0);
  check<axonzoo::neuro_sam_tiny, axonzoo::fp32>(1e-4);
  check<axonzoo::neuro_sam_tiny, axonzoo::fp16>(2e-2);
  check<axonzoo::med_sam_tiny, axonzoo::fp32, axonzoo::alternate_slimming>(1e-3);
  check<axonzoo::med_sam_tiny, axonzoo::pure_bf16>(5e-2);
  check<axonzoo::med_sam, axonzoo::fp32>(1e-4);
  check<axonzoo::neuro_sam, axonzoo::bf16>(5e-2);
  check<small_sam_unet, axonzoo::fp32>(1e-4);
}

BOOST_AUTO_TEST_SUITE_END()
