// Masks of one image by prompts, or of all that a grid of points finds, with the weights of any SAM.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <xtensor/xadapt.hpp>

#include <axonzoo/core/allocator.hpp>
#include <axonzoo/core/device.hpp>
#include <axonzoo/core/threads.hpp>
#include <axonzoo/infer/automatic_masks.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/io/npy.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/report/overlay.hpp>

namespace {

using axonzoo::error;

struct sam_options {
  std::filesystem::path weights, image, boxes, points, labels, masks, out;
  bool automatic = false, several = false;
  std::string device = "cpu", precision = "fp32";
  double memory = 2;  // GB
  int threads = 0;
  axonzoo::automatic_mask_options grid;
};

/// Prints a line for each stage when it ends.
class stages {
 public:
  void end(const char* stage) {
    const auto now = std::chrono::steady_clock::now();
    std::printf("%s %.3f\n", stage, std::chrono::duration<double>(now - begin_).count());
    std::fflush(stdout);
    begin_ = now;
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

template <class Value>
auto as_array(const at::Tensor& tensor) {
  std::vector<std::size_t> shape(tensor.sizes().begin(), tensor.sizes().end());
  return xt::adapt(tensor.mutable_data_ptr<Value>(), static_cast<std::size_t>(tensor.numel()), xt::no_ownership(), shape);
}

/// An array of numbers; those of a single prompt may lack the first side.
at::Tensor read_prompt(const std::filesystem::path& path, std::int64_t sides, const std::string& shape) {
  const auto values = axonzoo::read_npy<double>(path);
  std::vector<std::int64_t> sizes(values.shape().begin(), values.shape().end());
  if (static_cast<std::int64_t>(sizes.size()) == sides - 1) sizes.insert(sizes.begin(), 1);
  if (static_cast<std::int64_t>(sizes.size()) != sides)
    throw error("cannot use prompts '" + path.string() + "'", "they have " + std::to_string(sizes.size()) + " sides", "give " + shape);
  if (sizes[0] == 0) throw error("cannot use prompts '" + path.string() + "'", "there are none", "give one or more");
  at::Tensor made = at::empty(sizes, at::kDouble);
  std::copy(values.begin(), values.end(), made.mutable_data_ptr<double>());
  return made;
}

axonzoo::sam_prompts read_prompts(const sam_options& options) {
  axonzoo::sam_prompts prompts;
  if (!options.boxes.empty()) prompts.boxes = read_prompt(options.boxes, 2, "[P, 4]: left, top, right, bottom in pixels");
  if (!options.points.empty()) prompts.points = read_prompt(options.points, 3, "[P, N, 2]: x and y in pixels");
  if (!options.labels.empty()) prompts.labels = read_prompt(options.labels, 2, "[P, N]: 1, 0 or -1");
  if (!options.masks.empty()) prompts.masks = read_prompt(options.masks, 3, "[P, 256, 256]: logits of low resolution").unsqueeze(1).to(at::kFloat);
  (void)prompts.count();
  return prompts;
}

nlohmann::json as_json(const axonzoo::run_lengths& runs) { return {{"size", {runs.height, runs.width}}, {"counts", runs.counts}}; }

void write_json(const std::filesystem::path& path, const nlohmann::json& json) {
  axonzoo::replace_file(path, [&](std::ostream& out) { out << json.dump() << "\n"; });
}

void write_overlay(const sam_options& options, const axonzoo::image& pixels, const axonzoo::label_image& covered) {
  axonzoo::write_png(options.out / "overlay.png", axonzoo::overlay(pixels, covered));
}

void write_automatic(const sam_options& options, const axonzoo::image& pixels, const std::vector<axonzoo::automatic_mask>& masks) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& each : masks) {
    const auto& box = each.box;
    list.push_back({{"segmentation", as_json(each.mask)},
                    {"area", each.mask.area()},
                    {"bbox", {box.left, box.top, box.right - box.left, box.bottom - box.top}},
                    {"predicted_iou", each.score},
                    {"point_coords", {each.point}},
                    {"stability_score", each.stability},
                    {"crop_box", {each.crop[0], each.crop[1], each.crop[2] - each.crop[0], each.crop[3] - each.crop[1]}}});
  }
  write_json(options.out / "masks.json", list);
  const auto labels = axonzoo::label_image_of(masks, pixels.shape(0), pixels.shape(1));
  axonzoo::write_npy(options.out / "labels.npy", labels);
  auto covered = axonzoo::label_image::from_shape({pixels.shape(0), pixels.shape(1)});
  for (std::size_t i = 0; i < labels.size(); ++i) covered.data()[i] = labels.data()[i] > 0 ? 2 : 0;
  write_overlay(options, pixels, covered);
}

/// Decodes, and writes the masks as one array, or as run lengths where the array would pass the memory.
void segment(const sam_options& options, const axonzoo::image& pixels, const axonzoo::sam_prompts& prompts,
             const axonzoo::sam_predictor& predictor, stages& timed) {
  const std::int64_t count = prompts.count(), answers = options.several ? 3 : 1, side = 4 * predictor.embedding().size(2);
  const auto height = static_cast<std::int64_t>(pixels.shape(0)), width = static_cast<std::int64_t>(pixels.shape(1));
  const auto bytes = static_cast<std::int64_t>(options.memory * 1e9);
  if (count * answers * side * side * 4 > 8 * bytes)
    throw error("cannot decode " + std::to_string(count) + " prompts",
                "their logits of low resolution need " + std::to_string(count * answers * side * side * 4 / 1000000) + " MB",
                "give fewer prompts, or an eighth of that as --memory");
  const bool whole = count * answers * height * width <= bytes / 2;
  at::Tensor logits = at::empty({count, answers, side, side}), scores = at::empty({count, answers});
  xt::xtensor<bool, 4> masks;
  if (whole) masks = xt::xtensor<bool, 4>::from_shape({static_cast<std::size_t>(count), static_cast<std::size_t>(answers), pixels.shape(0), pixels.shape(1)});
  nlohmann::json runs = nlohmann::json::array();
  auto covered = axonzoo::label_image::from_shape({pixels.shape(0), pixels.shape(1)});
  std::fill(covered.begin(), covered.end(), std::uint8_t{0});
  std::vector<std::uint8_t> mask(pixels.shape(0) * pixels.shape(1));
  predictor.predict_in_batches(prompts, options.several, bytes / 2, [&](std::int64_t begin, const axonzoo::sam_masks& found) {
    const std::int64_t end = begin + found.logits.size(0);
    logits.slice(0, begin, end).copy_(found.logits);
    scores.slice(0, begin, end).copy_(found.scores);
    for (std::int64_t i = 0; i < (end - begin) * answers; ++i) {
      const at::Tensor low = found.logits.select(0, i / answers).select(0, i % answers).unsqueeze(0).unsqueeze(0);
      const at::Tensor full = predictor.at_full_size(low).contiguous();
      const float* level = full.const_data_ptr<float>();
      for (std::size_t p = 0; p < mask.size(); ++p) mask[p] = level[p] > 0;
      if (i % answers == 0)
        for (std::size_t p = 0; p < mask.size(); ++p) covered.data()[p] |= static_cast<std::uint8_t>(2 * mask[p]);
      if (whole) {
        std::copy(mask.begin(), mask.end(), masks.data() + static_cast<std::size_t>(begin * answers + i) * mask.size());
      } else {
        runs.push_back(as_json(axonzoo::encode_runs(mask.data(), height, width)));
      }
    }
  });
  timed.end("decode");
  axonzoo::write_npy(options.out / "low_res_logits.npy", as_array<float>(logits));
  axonzoo::write_npy(options.out / "scores.npy", as_array<float>(scores));
  if (whole) {
    axonzoo::write_npy(options.out / "masks.npy", masks);
  } else {
    write_json(options.out / "masks.json", runs);
  }
  write_overlay(options, pixels, covered);
}

void run(const sam_options& options) {
  stages timed;
  const auto device = axonzoo::use_device(options.device);
  const auto pixels = axonzoo::read_image(options.image);
  const auto prompts = options.automatic ? axonzoo::sam_prompts() : read_prompts(options);
  const auto sam = axonzoo::read_sam(options.weights);
  std::cerr << sam->kind().name << "\n";
  axonzoo::sam_predictor predictor(sam, options.precision, device);
  std::filesystem::create_directories(options.out);
  timed.end("read");
  predictor.set_image(pixels);
  timed.end("encode");
  const at::Tensor embedding = predictor.embedding().to(at::kCPU, at::kFloat).contiguous(at::MemoryFormat::Contiguous);
  axonzoo::write_npy(options.out / "embedding.npy", as_array<float>(embedding));
  if (options.automatic) {
    const auto masks = axonzoo::automatic_masks(predictor, pixels, options.grid);
    timed.end("decode");
    write_automatic(options, pixels, masks);
  } else {
    segment(options, pixels, prompts, predictor, timed);
  }
  timed.end("write");
}

}  // namespace

int main(int argc, char** argv) {
  axonzoo::use_caching_allocator();
  axonzoo::let_idle_threads_sleep();
  sam_options options;
  CLI::App app{"Masks of one image by prompts, or of all that a grid of points finds, with the weights of any SAM.\nWrites embedding.npy, "
               "low_res_logits.npy, masks.npy (or masks.json, COCO's run lengths), scores.npy and overlay.png into --out;\nwith --automatic "
               "embedding.npy, masks.json, labels.npy and overlay.png."};
  app.option_defaults()->always_capture_default();
  app.add_option("--weights", options.weights, ".pth or .safetensors of SAM, MedSAM, MobileSAM, LiteMedSAM, SlimSAM or micro-sam")->required();
  app.add_option("--image", options.image, "PNG, JPEG or TIFF")->required();
  app.add_option("--out", options.out, "folder to write into")->required();
  auto* boxes = app.add_option("--boxes", options.boxes, ".npy [P, 4]: left, top, right, bottom in pixels");
  auto* points = app.add_option("--points", options.points, ".npy [P, N, 2]: x and y in pixels");
  auto* labels = app.add_option("--labels", options.labels, ".npy [P, N]: 1 in the object, 0 outside, -1 no point");
  auto* masks = app.add_option("--masks", options.masks, ".npy [P, 256, 256]: low-resolution logits of an earlier answer");
  points->needs(labels);
  labels->needs(points);
  auto* automatic = app.add_flag("--automatic", options.automatic, "ask a grid of points")->excludes(boxes)->excludes(points)->excludes(masks);
  app.add_flag("--multimask", options.several, "three masks for each prompt");
  app.add_option("--device", options.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--precision", options.precision, "fp32, bf16 or fp16")->check(CLI::IsMember({"fp32", "bf16", "fp16"}));
  app.add_option("--memory", options.memory, "GB that decoding may take")->check(CLI::Range(0.1, 1000.0));
  app.add_option("--threads", options.threads, "0: all")->check(CLI::Range(0, 1024));
  auto& grid = options.grid;
  const auto grid_option = [&](const char* name, auto& value, const char* text) { app.add_option(name, value, text)->needs(automatic); };
  grid_option("--points-per-side", grid.points_per_side, "of the grid");
  grid_option("--points-per-batch", grid.points_per_batch, "asked at once");
  grid_option("--least-score", grid.least_score, "predicted IoU that a mask must pass");
  grid_option("--least-stability", grid.least_stability, "IoU of a mask at lower and higher threshold");
  grid_option("--stability-offset", grid.stability_offset, "by which the thresholds differ from 0");
  grid_option("--box-overlap", grid.box_overlap, "IoU of boxes of which one goes");
  grid_option("--crop-layers", grid.crop_layers, "layer n asks 4^n crops as well");
  grid_option("--crop-box-overlap", grid.crop_box_overlap, "as --box-overlap, between crops");
  grid_option("--crop-overlap", grid.crop_overlap, "share of the shorter side that crops share");
  grid_option("--crop-points-divisor", grid.crop_points_divisor, "of the points per side, with each layer");
  grid_option("--least-region", grid.least_region, "px; smaller holes and islands go");
  try {
    app.parse(argc, argv);
    if (!options.automatic && options.boxes.empty() && options.points.empty() && options.masks.empty())
      throw CLI::RequiredError("--boxes, --points, --masks or --automatic");
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-sam: " << wrong.what() << "; --help lists the options\n";
    return 2;
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
  try {
    run(options);
    return 0;
  } catch (const c10::Error& failure) {
    std::cerr << "axonzoo-sam: LibTorch failed: " << failure.what_without_backtrace() << "\n";
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo-sam: " << failure.what() << "\n";
  }
  return 1;
}
