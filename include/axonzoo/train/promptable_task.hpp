#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/split.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/infer/prompted_segmenter.hpp>
#include <axonzoo/metrics/prompted.hpp>
#include <axonzoo/models/sam/corrections.hpp>
#include <axonzoo/nn/mask_loss.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/precision/weight_storage.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/promptable_views.hpp>
#include <axonzoo/train/recipe.hpp>
#include <axonzoo/train/tasks.hpp>
#include <axonzoo/train/test_prompts.hpp>
#include <axonzoo/train/training_task.hpp>

namespace axonzoo {

/// A mask for each box: a SAM from a file of weights, boxes from manual masks (an oracle, which the record says), Dice and cross entropy of the masks and the
/// error of the predicted IoU. Where the encoder does not train, each view is encoded once.
class promptable_task : public training_task {
 public:
  /// Reads the weights and all images. Throws `error` for weights that are no SAM of this model's encoder.
  promptable_task(const dataset& data, split parts, const recipe& chosen, const train_options& options, const target_pixel_size& pixel_size)
      : parts_(std::move(parts)),
        recipe_(chosen),
        options_(options),
        device_(options.device),
        weights_(read_weights(options.weights)),
        cache_(data, pixel_size, options.image_pixel_size, options.cache_bytes),
        first_(std::make_shared<sam_network>(weights_, origin())),
        encoder_(first_->kind().image, levels_of(first_->kind(), trains() == trained_part::encoder_and_decoder), chosen.setting.compute_type, device_) {
    if (are_quantised(weights_.tensors)) {
      throw error("cannot start " + chosen.model + " from " + origin(), "its weights are rounded to 8 bits, which take no gradients", "give the unrounded.safetensors that was written beside it");
    }
    const bool is_tiny = first_->kind().depths.size() > 1;
    if (is_tiny != chosen.prompts->tiny) {
      throw error("cannot start " + chosen.model + " from " + origin(), "it is " + first_->kind().name,
                  std::string("run ") + (is_tiny ? chosen.model + "_tiny" : "the model without _tiny") + ", or give other weights");
    }
    for (const auto* members : {&parts_.validation, &parts_.test}) {
      for (const auto member : *members) static_cast<void>(cache_.get(member));
    }
    if (options.prompts.recompute && trains() != trained_part::encoder_and_decoder) {
      throw error("cannot recompute the encoder's activations in " + chosen.model, "its encoder does not train, so that none are kept", "leave --recompute out");
    }
    narrow_weights(*first_, chosen.storage().type);  // so that embeddings are kept under the encoder that makes them
    digest_ = weights_digest(*first_, "");
    if (trains() != trained_part::encoder_and_decoder) {
      const auto folder = options.prompts.cache.empty() ? options.out / "embeddings" : options.prompts.cache;
      kept_ = std::make_shared<embedding_cache>(folder, static_cast<std::uint64_t>(options.prompts.cache_gigabytes * 1e9));
      encoder_.keep_in(kept_, weights_digest(*first_, "image_encoder."));
    }
    if (trains() != trained_part::nothing || chosen.pruning != "none" || chosen.setting.quantises) views_ = std::make_unique<promptable_views>(cache_, parts_.train, data.classes, options.patch, least_area);
    facts_.variant = chosen.variant;
    facts_.model = chosen.model;
    facts_.precision = chosen.precision;
    facts_.classes = data.classes;
    facts_.channels = 3;
    facts_.pixel_size = pixel_size;
    facts_.patch = options.patch;
    for (const auto member : parts_.train) {
      const auto& one = data.micrographs.at(member);
      widen(facts_.trained_on, one.contrast, one.pixel_size > 0 ? one.pixel_size : options.image_pixel_size.value_or(0));
    }
  }

  /// What does not train, or has no part in the answer to a box, takes no gradient.
  [[nodiscard]] std::shared_ptr<network> make_network() const override {
    const auto net = std::make_shared<sam_network>(weights_, origin());
    net->recompute(options_.prompts.recompute);
    for (auto& item : net->named_parameters()) item.value().requires_grad_(takes_gradient(item.key()));
    return net;
  }

  [[nodiscard]] std::int64_t epoch_steps() const override {
    const auto views = views_ ? static_cast<std::int64_t>(views_->size()) : 1;
    return (views + options_.batch - 1) / options_.batch;
  }
  [[nodiscard]] double learning_rate(const std::string& optimizer) const override { return optimizer == "sgd" ? 1e-3 : 2e-4; }
  [[nodiscard]] bool validates() const override { return trains() != trained_part::nothing && !parts_.validation.empty(); }

  [[nodiscard]] std::unique_ptr<batch_source> batches(std::int64_t first_step, const communicator& ranks) override {
    return ranks.splits_batches() ? std::make_unique<source>(*this, first_step, ranks.rank(), ranks.world_size()) : std::make_unique<source>(*this, first_step, 0, 1);
  }

  nlohmann::json validate(network& net, communicator& ranks) override {
    net.eval();
    const auto scope = recipe_.setting.enter(device_.type());
    const auto kinds = prompt_kinds(facts_.classes);
    auto sums = at::zeros({static_cast<std::int64_t>(kinds.size()), 3}, at::kDouble);
    for (std::size_t i = static_cast<std::size_t>(ranks.rank()); i < parts_.validation.size(); i += static_cast<std::size_t>(ranks.world_size())) {
      const auto prepared = cache_.get(parts_.validation[i]);
      auto manual = prompted_masks_of(prepared->labels, facts_.classes, least_area);
      random_stream lots(options_.seed, parts_.validation[i], 8);
      auto& objects = manual.objects;
      const auto wanted = std::min(objects.size(), static_cast<std::size_t>(options_.prompts.validation_boxes));
      for (std::size_t k = 0; k < wanted; ++k) std::swap(objects[k], objects[k + static_cast<std::size_t>(lots.below(static_cast<std::int64_t>(objects.size() - k)))]);
      objects.resize(wanted);
      std::vector<found_mask> masks;
      try {
        masks = segment_boxes(dynamic_cast<sam_network&>(net), encoder_, prepared->pixels, prepared->labels.shape(0), prepared->labels.shape(1), objects, options_.patch,
                              device_);
      } catch (const interruption&) {
        break;
      }
      prompted_tally tally;
      tally.add(masks, manual);
      const auto scores = tally.scores();
      for (std::size_t k = 0; k < kinds.size(); ++k) {
        if (!scores.contains(kinds[k])) continue;
        const auto& all = scores.at(kinds[k]).at("all");
        const auto count = all.at("count").get<double>();
        const auto row = static_cast<std::int64_t>(k);
        sums[row][0] += all.at("dice").get<double>() * count;
        sums[row][1] += all.at("iou").get<double>() * count;
        sums[row][2] += count;
      }
    }
    if (ranks.any(interrupted())) return {};
    ranks.sum(sums);
    nlohmann::json made;
    double dice = 0, present = 0;
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      const auto row = static_cast<std::int64_t>(k);
      const double count = sums[row][2].item<double>();
      if (count == 0) continue;
      made[kinds[k]] = {{"dice", sums[row][0].item<double>() / count}, {"iou", sums[row][1].item<double>() / count}};
      dice += made[kinds[k]]["dice"].get<double>();
      present += 1;
    }
    made["dice"] = present > 0 ? dice / present : 0;
    return made;
  }

  /// One view at a time, as it trains; labels are the samples' numbers.
  [[nodiscard]] calibration calibration_set(network& net, communicator& ranks) override {
    calibration made;
    made.world_size = ranks.world_size();
    made.sum = [&ranks](at::Tensor& values) { ranks.sum(values); };
    made.loss = [this, &sam = dynamic_cast<sam_network&>(net)](const at::Tensor& embeddings, const at::Tensor& numbers) {
      return answer_loss(sam, embeddings, {calibration_view(numbers[0].item<std::int64_t>())});
    };
    made.each_batch = [this, &ranks](std::int64_t count, const std::function<void(const calibration::batch&)>& visit) {
      const auto scope = recipe_.setting.enter(device_.type());
      for (std::int64_t i = 0; i < count; ++i) {
        for (auto k = options_.batch * ranks.rank() / ranks.world_size(); k < options_.batch * (ranks.rank() + 1) / ranks.world_size(); ++k) {
          const auto number = i * options_.batch + k;
          visit({input_of(calibration_view(number)), at::full({1}, number, at::kLong), number});
        }
      }
    };
    return made;
  }

  /// Embeddings that are kept are those of the encoder before.
  void narrowed(const network& net) override {
    if (kept_) encoder_.keep_in(kept_, weights_digest(net, "image_encoder."));
    fingerprints_.clear();
  }

  void write_checkpoint(const std::filesystem::path& path, const network& net) const override { axonzoo::write_checkpoint(path, named_tensors(net), facts_); }
  void read_checkpoint(const std::filesystem::path& path, network& net) const override {
    load_tensors(net, read_safetensors(path).tensors, "'" + path.string() + "'");
  }

  [[nodiscard]] nlohmann::json fixed_options() const override {
    const auto& how = options_.prompts;
    return {{"batch", options_.batch}, {"patch", options_.patch}, {"boxes", how.boxes}, {"jitter", how.jitter}, {"turned_views", how.turns}, {"corrections", how.corrections}, {"weights", digest_}};
  }

  /// Of one view and one box.
  [[nodiscard]] std::int64_t macs(network& net) const override {
    const at::NoGradGuard no_gradients;
    net.eval();
    const mac_counter counter;
    answer_one_box(dynamic_cast<sam_network&>(net), at::kFloat);
    return counter.count();
  }

  [[nodiscard]] double samples_per_second(network& net) const override {
    const at::NoGradGuard no_gradients;
    const auto scope = recipe_.setting.enter(device_.type());
    net.eval();
    std::vector<double> seconds;
    for (int i = 0; i < 3; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      answer_one_box(dynamic_cast<sam_network&>(net), encoder_.type());
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return 1 / *std::min_element(seconds.begin(), seconds.end());
  }

  nlohmann::json test(network& net) override {
    net.eval();
    const auto scope = recipe_.setting.enter(device_.type());
    return test_prompts(dynamic_cast<sam_network&>(net), encoder_, cache_, parts_.test, options_, recipe_.variant, device_);
  }

  void describe(nlohmann::json& record) const override {
    const auto& how = options_.prompts;
    record["prompts"] = {{"origin", "oracle"}, {"boxes_from", "the manual masks: one of each axon and of each fibre"}, {"weights", options_.weights.filename().string()},
                         {"weights_are", first_->kind().name}, {"boxes", how.boxes}, {"jitter", how.jitter}, {"turned_views", how.turns},
                         {"corrections", how.corrections}, {"recompute", how.recompute}};
    if (views_) record["prompts"]["training_views"] = views_->size();
    if (kept_) record["prompts"]["embeddings"] = {{"computed", kept_->made()}, {"read", kept_->found()}, {"bytes", kept_->bytes()}};
  }

 private:
  static constexpr std::int64_t least_area = 9;  // px; below, a mask is noise

  class source : public batch_source {
   public:
    source(const promptable_task& task, std::int64_t first_step, int rank, int world_size) : task_(task), step_(first_step), rank_(rank), world_size_(world_size) {}

    training_batch next() override {
      const auto& how = task_.options_;
      std::vector<prompted_view> samples;
      training_batch made;
      for (auto k = how.batch * rank_ / world_size_; k < how.batch * (rank_ + 1) / world_size_; ++k) {
        samples.push_back(task_.views_->sample(how.seed, static_cast<std::uint64_t>(step_ * how.batch + k), how.prompts.boxes, how.prompts.jitter, how.prompts.turns));
        made.names.push_back(task_.cache_.data().micrographs[samples.back().member].name);
      }
      ++step_;
      if (task_.answers_together()) {
        made.loss = [&task = task_, samples = std::move(samples)](network& net, const teaching*) { return task.loss_of_all(dynamic_cast<sam_network&>(net), samples); };
        return made;
      }
      // a view after the other: what is held is one view's
      const double share = 1 / static_cast<double>(samples.size());
      for (auto& one : samples) {
        auto loss = [&task = task_, share, one = std::move(one)](network& net, const teaching* by) { return task.loss(dynamic_cast<sam_network&>(net), one, by) * share; };
        if (!made.loss) {
          made.loss = std::move(loss);
        } else {
          made.further.emplace_back(std::move(loss));
        }
      }
      return made;
    }

   private:
    const promptable_task& task_;
    std::int64_t step_;
    int rank_, world_size_;
  };

  [[nodiscard]] at::Tensor loss(sam_network& net, const prompted_view& one, const teaching* by) const {
    net.eval();  // norms keep the statistics that the weights came with: a batch of a few views has worse ones
    if (trains() != trained_part::encoder_and_decoder) return answer_loss(net, kept_embedding(net, one), {one});
    const auto input = input_of(one);
    const auto embedding = net.encode(input);
    const auto labels = [&] { return answer_loss(net, embedding, {one}); };
    return by == nullptr ? labels() : by->mix(labels, [&](network& teacher) { return embedding_distance(embedding, teacher.forward(input).front()); });
  }

  /// One box of each view is as many features as the boxes of one view, and one pass reads the decoder's weights once.
  [[nodiscard]] bool answers_together() const {
    return trains() == trained_part::decoder && options_.prompts.boxes == 1 && options_.prompts.corrections == 0;
  }

  [[nodiscard]] at::Tensor loss_of_all(sam_network& net, const std::vector<prompted_view>& views) const {
    net.eval();
    std::vector<at::Tensor> embeddings;
    for (const auto& one : views) embeddings.push_back(kept_embedding(net, one));
    return answer_loss(net, at::cat(embeddings, 0), views);
  }

  [[nodiscard]] at::Tensor kept_embedding(const sam_network& net, const prompted_view& one) const {
    auto& fingerprint = fingerprints_[{static_cast<std::int64_t>(one.member), one.where.top, one.where.left, one.where.side, static_cast<std::int64_t>(one.turn)}];
    return encoder_.embed(net, cache_.get(one.member)->pixels, one.where, one.turn, &fingerprint);
  }

  /// What the encoder takes of a view: [1, 3, side, side].
  [[nodiscard]] at::Tensor input_of(const prompted_view& one) const {
    return encoder_.pixels(cache_.get(one.member)->pixels, one.where, one.turn).to(device_, encoder_.type()).contiguous(at::MemoryFormat::ChannelsLast);
  }

  /// Of the masks that answer a view's boxes, or the one box of each of several views, and of those after each round of corrections: the mean. `embeddings` [views, C, h, w].
  [[nodiscard]] at::Tensor answer_loss(const sam_network& net, const at::Tensor& embeddings, const std::vector<prompted_view>& views) const {
    const auto& how = options_.prompts;
    std::vector<pixel_box> boxes;
    for (const auto& one : views) {
      for (const auto& box : one.boxes) boxes.push_back(encoder_.in_view(box, one.where, one.turn));
    }
    auto prompts = box_prompts(boxes, device_);
    at::Tensor sum, wanted, targets;
    random_stream lots(options_.seed, views.front().number, 9);
    for (std::int64_t round = 0; round <= how.corrections; ++round) {
      const auto masks = net.decode(embeddings, prompts, /*several=*/false);
      const auto logits = masks.logits.select(1, 0);
      if (round == 0) {
        std::vector<at::Tensor> of_views;
        for (const auto& one : views) of_views.push_back(views_->targets(one, logits.size(1)));
        wanted = at::cat(of_views, 0);
        targets = wanted.to(device_);
      }
      const auto term = mask_loss(logits, targets) + score_loss(masks.scores.select(1, 0), logits, targets) * how.score_weight;
      sum = round == 0 ? term : sum + term;
      if (round < how.corrections) {
        prompts = corrected(std::move(prompts), logits, wanted, static_cast<double>(encoder_.side()) / static_cast<double>(logits.size(1)), lots);
      }
    }
    return how.corrections == 0 ? sum : sum / static_cast<double>(how.corrections + 1);
  }

  /// Mean squared difference from the teacher's embedding as a share of its mean square, in float32.
  [[nodiscard]] static at::Tensor embedding_distance(const at::Tensor& embedding, const at::Tensor& taught) {
    const auto target = taught.detach().to(at::kFloat);
    return (embedding.to(at::kFloat) - target).square().mean() / target.square().mean();
  }

  /// No step of a run comes as far.
  [[nodiscard]] prompted_view calibration_view(std::int64_t number) const {
    const auto& how = options_.prompts;
    return views_->sample(options_.seed, (std::uint64_t{1} << 40) + static_cast<std::uint64_t>(number), how.boxes, how.jitter, how.turns);
  }

  void answer_one_box(const sam_network& net, c10::ScalarType type) const {
    const auto side = encoder_.side();
    const auto device = net.parameters().front().device();
    const auto image = at::zeros({1, 3, side, side}).to(device, type).contiguous(at::MemoryFormat::ChannelsLast);
    const auto last = static_cast<double>(side - 1);
    net.decode(net.encode(image).to(type), box_prompts({{0, 0, last, last}}, device), /*several=*/false).logits.sum().item<float>();
  }

  [[nodiscard]] bool takes_gradient(const std::string& name) const {
    if (name.starts_with("image_encoder.")) return trains() == trained_part::encoder_and_decoder;
    if (!name.starts_with("mask_decoder.") || trains() == trained_part::nothing) return false;
    const std::string networks = "mask_decoder.output_hypernetworks_mlps.";
    return !name.starts_with(networks) || name.starts_with(networks + "0.");  // the others answer ambiguous prompts, which boxes are not
  }

  [[nodiscard]] trained_part trains() const { return recipe_.prompts->trains; }
  [[nodiscard]] std::string origin() const { return "'" + options_.weights.string() + "'"; }

  split parts_;
  const recipe& recipe_;
  const train_options& options_;
  c10::Device device_;
  tensor_file weights_;
  mutable prepared_cache cache_;
  std::shared_ptr<sam_network> first_;
  view_encoder encoder_;
  std::shared_ptr<embedding_cache> kept_;
  mutable std::map<std::array<std::int64_t, 5>, std::string> fingerprints_;  ///< of views whose embeddings are kept
  std::unique_ptr<promptable_views> views_;
  std::string digest_;
  checkpoint_facts facts_;
};

inline std::unique_ptr<training_task> make_promptable_task(const dataset& data, const split& parts, const recipe& chosen, const train_options& options, const target_pixel_size& pixel_size) {
  return std::make_unique<promptable_task>(data, parts, chosen, options, pixel_size);
}

}  // namespace axonzoo
