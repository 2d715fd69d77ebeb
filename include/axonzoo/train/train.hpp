#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/device.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/data/split.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/train/layer_table.hpp>
#include <axonzoo/train/record.hpp>
#include <axonzoo/train/same_run.hpp>
#include <axonzoo/train/trainer.hpp>
#include <axonzoo/train/training_task.hpp>

namespace axonzoo {

namespace detail {

/// The median pixel size of the micrographs of each contrast; 0 where no folder says one.
inline target_pixel_size median_pixel_size(const dataset& data, const std::vector<std::size_t>& members, std::optional<double> option) {
  std::map<std::string, std::vector<double>> sizes;
  for (const auto member : members) {
    const auto& one = data.micrographs[member];
    if (one.pixel_size > 0 || option) sizes[one.contrast].push_back(one.pixel_size > 0 ? one.pixel_size : *option);
  }
  if (sizes.empty()) return {};
  std::map<std::string, double> medians;
  for (auto& [contrast, all] : sizes) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    medians[contrast] = *middle;
  }
  return target_pixel_size(std::move(medians));
}

inline void require_masks(const dataset& data, const std::vector<std::size_t>& members) {
  for (const auto member : members) {
    const auto& source = data.micrographs[member];
    if (source.masks.empty()) {
      throw error("cannot train or test on '" + source.path.string() + "'", "it has no manual mask", "add one, or take the image out of the folder");
    }
  }
}

}  // namespace detail

/// Trains a variant on `data` and tests it on subjects it never saw. Writes checkpoint.safetensors, training_state.safetensors, results.json and
/// test/ into `options.out` and returns the record (docs/results-json.md); an empty object when it was interrupted while it trained, and on
/// ranks other than 0. `folders` is what the record says of the data's origin. Throws `error`; where the test was interrupted, an `interruption`.
inline nlohmann::json train(const dataset& data, const train_options& options, const recipe& chosen, const std::vector<std::filesystem::path>& folders = {},
                            const rank_place& place = {}, std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now()) {
  use_caching_allocator();
  let_idle_threads_sleep();
  options.check(!chosen.prompts || chosen.prompts->trains != trained_part::nothing, chosen.needs_weights());
  if (chosen.prompts) options.prompts.check();
  chosen.check();
  const auto seconds_since = [](auto begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  const int threads = options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / place.local_world_size);
  at::set_num_threads(threads);

  const auto device = use_device(options.device, place.local_rank);
  static_cast<void>(chosen.setting.enter(device.type()));  // a precision that the device lacks is told before anything is read
  const auto parts = split_by_subject(data, options.test_subjects, options.validation_share, options.seed);
  for (const auto* members : {&parts.train, &parts.validation, &parts.test}) detail::require_masks(data, *members);
  const target_pixel_size pixel_size = !options.pixel_size.none() ? options.pixel_size : detail::median_pixel_size(data, parts.train, options.image_pixel_size);
  const auto task = chosen.make_task(data, parts, chosen, options, pixel_size);

  std::error_code failure;
  std::filesystem::create_directories(options.out, failure);
  if (failure) throw error("cannot write into '" + options.out.string() + "'", failure.message(), "give another --out");

  const auto ranks = chosen.connect(place, device);
  auto record = record_of(chosen, options, folders, data, parts, pixel_size, ranks->world_size());
  auto shared = what_ranks_share(record, data);
  shared["task"] = task->fixed_options();
  shared["resumes"] = options.resume && has_training_state(options.out);
  require_same_run(shared, *ranks);
  trainer loop(*task, chosen, options, *ranks);
  loop.phases().add("start", seconds_since(started));
  if (!loop.train()) return nlohmann::json::object();
  if (ranks->rank() != 0) return nlohmann::json::object();

  const auto whole = task->make_network();
  record["parameters_before"] = parameter_count(*whole);
  record["macs_before"] = task->macs(*whole);
  record["parameters"] = parameter_count(loop.net());
  record["nonzero_parameters"] = nonzero_count(loop.net());
  record["layers"] = layer_table(*whole, loop.net());
  record["macs"] = task->macs(loop.net());
  record["steps"] = loop.steps();
  record["images_per_second"] = loop.steps() > 0 ? static_cast<double>(loop.steps() * options.batch) / loop.step_seconds() : 0;
  record["median_step_seconds"] = loop.median_step_seconds();
  record["losses"] = loop.losses();
  record["optimizer_bytes"] = loop.optimizer_bytes();
  record["parameter_bytes"] = loop.parameter_bytes();
  if (loop.scaling().active()) record["loss_scale"] = {{"value", loop.scaling().value()}, {"skipped_steps", loop.scaling().skipped()}};
  record["inference"] = {{"images_per_second", task->samples_per_second(loop.net())}};
  auto test = loop.phases().time("test", [&] { return task->test(loop.net()); });
  record["inference"]["seconds_per_megapixel"] = test.at("seconds_per_megapixel");
  test.erase("seconds_per_megapixel");
  record["test"] = std::move(test);
  task->describe(record);
  record["history"] = loop.history();
  record["peak_memory_bytes"] = peak_resident_bytes();
  if (device.is_cuda()) record["peak_gpu_memory_bytes"] = peak_gpu_bytes(device);
  record["seconds"] = loop.phases().seconds();
  record["seconds"]["train"] = loop.train_seconds();
  record["seconds"]["total"] = seconds_since(started);
  replace_file(options.out / "results.json", record.dump(1) + "\n");
  return record;
}

/// The same for a variant as a type: `train<variant<unet, bf16>>(data, options)`, with numbers of its policies where they differ from the
/// defaults.
template <class Variant>
nlohmann::json train(const dataset& data, const train_options& options, policies<Variant> chosen = {}) {
  return train(data, options, recipe_of<Variant>(std::move(chosen)));
}

}  // namespace axonzoo

// Each task takes as long to compile as all the rest, and a build of many units compiles it in one of its own.
#ifndef AXONZOO_SEPARATE_TASKS
#include <axonzoo/train/dense_task.hpp>
#include <axonzoo/train/promptable_task.hpp>
#endif
