#pragma once

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/device.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/data/open.hpp>
#include <axonzoo/data/write_phantoms.hpp>
#include <axonzoo/parallel/ddp_communicator.hpp>
#include <axonzoo/parallel/launch_processes.hpp>
#include <axonzoo/parallel/sharded_communicator.hpp>
#include <axonzoo/parallel/tensor_communicator.hpp>
#include <axonzoo/run.hpp>
#include <axonzoo/train/layer_table.hpp>
#include <axonzoo/train/train.hpp>

namespace axonzoo {
namespace detail {

/// What the command line of a variant program says.
struct program_options {
  train_options train;
  std::vector<std::filesystem::path> data;
  int phantoms = 0;
  int ranks = 0;
  int port = 0;
  std::string augment;
  std::string pixel_size = "0";
  double image_pixel_size = 0;
};

inline void describe_prompts(CLI::App& app, prompt_options& options, trained_part trains) {
  if (trains != trained_part::encoder_and_decoder) {
    app.add_option("--cache", options.cache, "folder of embeddings, for several runs; by default <out>/embeddings");
    app.add_option("--cache-gigabytes", options.cache_gigabytes, "most that it holds; what does not fit is computed anew");
  }
  if (trains == trained_part::nothing) return;
  app.add_option("--boxes", options.boxes, "boxes of a patch in a step");
  app.add_option("--jitter", options.jitter, "share of its own side by which each side of a box moves in training");
  app.add_option("--turned-views", options.turns, "flips and quarter turns that patches are trained in: 1, 2, 4 or 8");
  app.add_option("--validation-boxes", options.validation_boxes, "boxes of a micrograph at validation");
  app.add_option("--corrections", options.corrections, "further rounds of a step, each with points where the former answer errs and that answer as mask prompt");
  if (trains == trained_part::encoder_and_decoder) app.add_flag("--recompute", options.recompute, "compute the encoder's activations again in the backward pass instead of keeping them: less memory, more time, the same weights");
  app.add_option("--score-weight", options.score_weight, "of the predicted IoU's error in the loss");
}

inline void describe_training(CLI::App& app, train_options& t, const recipe& chosen) {
  app.add_option("--minutes", t.minutes, "train for so long");
  app.add_option("--epochs", t.epochs, "train for so many epochs");
  app.add_option("--steps", t.steps, "train for so many steps");
  app.add_flag("--resume", t.resume, "go on from the state in --out, where there is one");
  app.add_option("--batch", t.batch, "patches in a step, over all ranks");
  app.add_option("--validation-share", t.validation_share, "of the subjects not tested; 0: none, the last weights are kept");
  app.add_option("--patience", t.patience, "epochs without a better validation after which training stops; 0: never");
  app.add_option("--epoch-steps", t.epoch_steps, "steps of an epoch; 0: one pass over the training pixels, 25 to 200");
  app.add_option("--optimizer", t.optimizer, "adamw or sgd (Nesterov)");
  app.add_option("--learning-rate", t.learning_rate, chosen.prompts ? "highest rate; 0: 2e-4 for adamw, 1e-3 for sgd" : "highest rate; 0: 2e-3 for adamw, 1e-2 for sgd");
  app.add_option("--weight-decay", t.weight_decay, "below 0: the optimiser's own");
  app.add_option("--schedule", t.schedule, "cosine or poly");
  app.add_option("--warm-up", t.warm_up, "share of the budget over which the rate rises");
  app.add_option("--clip-norm", t.clip_norm, "largest norm of the gradient; 0: any");
  app.add_option("--average-decay", t.average_decay, "of the moving average of weights; 0: none");
}

inline void describe(CLI::App& app, program_options& options, const recipe& chosen) {
  auto& t = options.train;
  app.option_defaults()->always_capture_default();
  auto* data = app.add_option("--data", options.data, "folder of micrographs with manual masks (BIDS, images/ + masks/, or NPY); may repeat");
  app.add_option("--phantom", options.phantoms, "train on this many phantoms of white matter, made in --out")->excludes(data)->check(CLI::Range(1, 100000));
  app.add_option("--test-subjects", t.test_subjects, "subjects to test on, by comma; otherwise one in five, by the seed")->delimiter(',');
  app.add_option("--seed", t.seed, "of weights, split, patches and augmentation");
  app.add_option("--out", t.out, "folder to write into")->required();
  app.add_option("--threads", t.threads, "computing threads of a rank; 0: all cores, shared among ranks")->check(CLI::Range(0, 1024));
  app.add_option("--patch", t.patch, "side of a patch in px after resampling");
  app.add_option("--pixel-size", options.pixel_size, "um to resample to, or one for each contrast as SEM=0.13,TEM=0.01; 0: the training images' median");
  app.add_option("--image-pixel-size", options.image_pixel_size, "um of images whose folder does not say");
  if (!chosen.prompts || chosen.prompts->trains != trained_part::nothing) describe_training(app, t, chosen);
  app.add_option("--weights", t.weights,
                 chosen.needs_weights() ? "what a SAM starts from: .pth or .safetensors of segment-anything, MedSAM, MobileSAM, LiteMedSAM or of this program"
                                        : "checkpoint.safetensors of this model, pruned or not, to start from instead of random weights; its shapes hold, whatever numbers of the model are given")
      ->required(chosen.needs_weights());
  if (chosen.prompts) {
    describe_prompts(app, t.prompts, chosen.prompts->trains);
  } else {
    app.add_option("--workers", t.workers, "loader threads; 0 loads in the training thread")->check(CLI::Range(0, 256));
    app.add_option("--accumulate", t.accumulate, "parts that a step is computed in, one after another: less memory, the same step");
    app.add_option("--foreground-share", t.foreground_share, "of patches that are centred on foreground");
    app.add_option("--augment", options.augment,
                   "off, or probabilities other than the defaults, as rotation=0,inversion=0.5 (dark becomes bright: one model of SEM and TEM)");
    app.add_option("--turns", t.turns, "flips and quarter turns averaged at test: 1, 2, 4 or 8");
    app.add_option("--tile-overlap", t.tile_overlap, "share of a tile's side at test");
  }
  app.add_option("--device", t.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  if (chosen.many_ranks) {
    app.add_option("--ranks", options.ranks, "start so many ranks on this machine; 0: as torchrun or SLURM says, else 1")->check(CLI::Range(0, 1024));
    app.add_option("--port", options.port, "for the ranks to meet at; 0: a free one")->check(CLI::Range(0, 65535));
  }
  for (const auto& number : chosen.numbers) {
    auto* option = app.add_option("--" + number.name, *number.value, number.help);
    if (number.words.empty()) continue;
    std::map<std::string, double> values;
    for (std::size_t i = 0; i < number.words.size(); ++i) values.emplace(number.words[i], static_cast<double>(i));
    option->transform(CLI::CheckedTransformer(values));
  }
}

inline dataset open_or_make(program_options& options, bool make) {
  if (options.phantoms == 0) {
    if (options.data.empty()) throw error("cannot train", "no images are given", "give --data DIR or --phantom N");
    return open_dataset(options.data);
  }
  const auto folder = options.train.out / "phantoms";
  if (make && !std::filesystem::exists(folder / "dataset_description.json")) {
    phantom_set_options set;
    set.images = options.phantoms;
    set.seed = options.train.seed;
    write_phantoms(folder, set);
  }
  options.data = {folder};
  return open_dataset(options.data);
}

/// Of an exchange that failed, what Gloo or NCCL says, without the place in their source. Theirs are errors of many types, ours of one.
inline error lost_ranks(int rank, std::string reason) {
  if (const auto end = reason.find("] "); reason.starts_with("[/") && end != std::string::npos) reason.erase(0, end + 2);
  return error("rank " + std::to_string(rank) + " cannot go on with the others", reason, "see what they say; --resume goes on from the last saved state");
}

inline int train_in_place(program_options& options, const recipe& chosen, std::chrono::steady_clock::time_point started) {
  const auto place = chosen.many_ranks ? place_from_environment() : rank_place{};
  catch_interrupts();
  const auto data = open_or_make(options, place.world_size == 1 || std::getenv("LOCAL_WORLD_SIZE") == nullptr);
  const auto record = [&] {
    try {
      return train(data, options.train, chosen, options.data, place, started);
    } catch (const error&) {
      throw;
    } catch (const c10::Error& failure) {
      if (place.world_size == 1) throw;
      throw lost_ranks(place.rank, failure.what_without_backtrace());
    } catch (const std::exception& failure) {
      if (place.world_size == 1) throw;
      throw lost_ranks(place.rank, failure.what());
    }
  }();
  if (place.rank != 0) return interrupted() ? 130 : 0;
  if (record.empty()) {
    std::cerr << "axonzoo: stopped; --resume goes on from here\n";
    return 130;
  }
  for (const auto& [name, score] : record.at("test").at("mean").at("classes").items()) {
    std::cout << name << " dice " << score.at("dice").get<double>() << " iou " << score.at("iou").get<double>() << "\n";
  }
  if (chosen.prompts) {
    for (const auto& [name, score] : record.at("test").at("prompted").items()) {
      if (score.at("count") > 0) std::cout << "prompted " << name << " dice " << score.at("dice").get<double>() << " iou " << score.at("iou").get<double>() << " (oracle boxes, " << score.at("count") << " of 50 px and more)\n";
    }
  }
  if (chosen.pruning != "none") print_layers(record.at("layers"), std::cout);
  std::cout << "written to " << options.train.out.string() << "\n";
  return 0;
}

}  // namespace detail

inline int run_program(int argc, char** argv, const recipe& chosen) {
  const auto started = std::chrono::steady_clock::now();
  use_caching_allocator();
  let_idle_threads_sleep();
  detail::program_options options;
  const bool trains = !chosen.prompts || chosen.prompts->trains != trained_part::nothing;
  CLI::App app{(trains ? "Trains " + chosen.variant + " to segment micrographs and tests it on subjects it never saw."
                       : "Tests " + chosen.variant + ", as its weights are, on micrographs.") +
               (chosen.prompts ? "\nIt answers boxes, which come from the manual masks: an oracle, as results.json says." : "") +
               "\nWrites checkpoint.safetensors, results.json and test/ into --out."};
  detail::describe(app, options, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo: " << wrong.what() << "; --help lists the options\n";
    return 2;
  }
  try {
    options.train.augment = augmentation::parse(options.augment);
    if (options.image_pixel_size != 0) options.train.image_pixel_size = options.image_pixel_size;
    options.train.pixel_size = target_pixel_size::parse(options.pixel_size);
    options.train.check(trains, chosen.needs_weights());
    if (chosen.prompts) options.train.prompts.check();
    chosen.check();
    if (options.ranks > 0 && std::getenv("RANK") == nullptr) {
      catch_interrupts();
      if (options.phantoms > 0) detail::open_or_make(options, true);
      return launch_ranks(options.ranks, options.port, argv);
    }
    return detail::train_in_place(options, chosen, started);
  } catch (const interruption& stop) {
    std::cerr << "axonzoo: " << stop.what() << "\n";
    return 130;
  } catch (const c10::Error& failure) {
    std::cerr << "axonzoo: LibTorch failed: " << failure.what_without_backtrace() << "\n";
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo: " << failure.what() << "\n";
  }
  return 1;
}

}  // namespace axonzoo
