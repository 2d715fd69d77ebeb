#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include <axonzoo/core/device.hpp>
#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/core/progress.hpp>
#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/nn/differentiate.hpp>
#include <axonzoo/nn/shared_batch_statistics.hpp>
#include <axonzoo/parallel/communicator.hpp>
#include <axonzoo/parallel/shards.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/train/adamw.hpp>
#include <axonzoo/train/master_weights.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/phases.hpp>
#include <axonzoo/train/recipe.hpp>
#include <axonzoo/train/schedule.hpp>
#include <axonzoo/train/sgd.hpp>
#include <axonzoo/train/training_state.hpp>
#include <axonzoo/train/training_task.hpp>
#include <axonzoo/train/weight_average.hpp>

namespace axonzoo {

/// The training loop of every variant and task: batches, forward, backward, update, and at each epoch's end a validation and a saved state.
class trainer {
 public:
  /// Holds references to all of them.
  trainer(training_task& task, const recipe& chosen, const train_options& options, communicator& ranks)
      : task_(task),
        recipe_(chosen),
        options_(options),
        ranks_(ranks),
        device_(options.device),
        average_(options.average_decay),
        prune_(chosen.start_pruning()),
        scale_(chosen.start_scaling()) {
    at::manual_seed(options_.seed);
    net_ = task_.make_network();
    net_->to(device_);
    masters_ = master_weights(net_, recipe_.storage(), options_.seed);
    epoch_steps_ = options_.epoch_steps > 0 ? options_.epoch_steps : task_.epoch_steps();
    total_steps_ = options_.steps > 0 ? options_.steps : options_.epochs * epoch_steps_;
    start_optimizer();
    if (options_.resume && has_training_state(options_.out)) resume();
    for (auto& [name, parameter] : masters_.parameters()) {
      auto values = parameter.detach();
      ranks_.broadcast(values);
    }
    ranks_.attach(*net_);
    if (average_.updates() > 0) {
      average_.resume(shards_.held(average_.tensors()), average_.updates());
    } else {
      average_.start(shards_.held(masters_.tensors()));
    }
  }

  /// Trains until the budget is spent, patience ends or Ctrl-C; false when it was interrupted. The network then holds the chosen weights:
  /// those of the best validation, or the last average where nothing validates.
  bool train() {
    const bool begins_trained = step_ == 0 && !options_.weights.empty();
    // without training no share of it will ever have passed
    while (trains_ ? begins_trained && prune_->due(0) : !prune_->finished()) prune();
    const auto batches = task_.batches(step_, ranks_);
    progress shown("training " + recipe_.variant, total_steps_ > 0 ? static_cast<double>(total_steps_) : options_.minutes * 60);
    shown.from(total_steps_ > 0 ? static_cast<double>(step_) : elapsed_);
    begin_ = clock::now() - std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(elapsed_));

    if (begins_trained && history_.empty() && task_.validates()) unclosed_ = {{"epoch", 0}, {"step", 0}};
    bool going = unclosed_.empty() || close_epoch();
    if (stop_) return false;
    while (going && !spent()) {
      const auto begin = clock::now();
      const auto batch = phases_.time("wait", [&] { return batches->next(); });
      phases_.add("load", batch.load_seconds);
      phases_.add("augment", batch.augment_seconds);
      const double loss = train_step(batch);
      step_times_.push_back(seconds_since(begin));
      epoch_loss_ += loss;
      ++epoch_count_;
      ++step_;
      if (ranks_.rank() == 0) shown.at(total_steps_ > 0 ? static_cast<double>(step_) : elapsed_, "loss " + three_digits(loss));
      prune_when_due();
      if (step_ % epoch_steps_ == 0 || spent()) {
        going = end_epoch();
      } else if (stop_) {
        save();
      }
      if (stop_) return false;
    }
    choose_weights();
    return true;
  }

  [[nodiscard]] network& net() { return *net_; }
  [[nodiscard]] phase_clock& phases() { return phases_; }
  [[nodiscard]] const nlohmann::json& history() const { return history_; }
  [[nodiscard]] std::int64_t steps() const { return step_; }
  /// Of the optimiser's moments, on each rank, at the end of the training.
  [[nodiscard]] const std::vector<std::int64_t>& optimizer_bytes() const { return optimizer_bytes_; }
  /// Of the network's parameters, on each rank, between steps.
  [[nodiscard]] const std::vector<std::int64_t>& parameter_bytes() const { return parameter_bytes_; }
  [[nodiscard]] const loss_scale& scaling() const { return scale_; }
  [[nodiscard]] double train_seconds() const { return elapsed_; }

  /// Seconds spent on steps: without validation and saving.
  [[nodiscard]] double step_seconds() const {
    double sum = 0;
    for (const auto* phase : {"wait", "forward", "backward", "communicate", "update"}) {
      const auto found = phases_.seconds().find(phase);
      if (found != phases_.seconds().end()) sum += found->second;
    }
    return sum;
  }

  /// Median of the steps since the start or the resume, waiting for their patches included: the first, in which kernels are compiled and threads started, do not move it.
  [[nodiscard]] double median_step_seconds() const {
    if (step_times_.empty()) return 0;
    auto times = step_times_;
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
  }

  /// Loss of each step since the start or the resume.
  [[nodiscard]] const std::vector<double>& losses() const { return losses_; }

 private:
  using clock = std::chrono::steady_clock;

  static double seconds_since(clock::time_point begin) { return std::chrono::duration<double>(clock::now() - begin).count(); }
  static std::string three_digits(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", value);
    return text;
  }

  void start_optimizer() {
    auto parameters = masters_.parameters();
    trains_ = !parameters.empty();
    shards_ = shards(parameters, ranks_);
    optimizer::part own{shards_.owned(), [this](double value) { return shards_.sum(value); }};
    if (options_.optimizer == "sgd") {
      sgd_options how;
      if (options_.weight_decay >= 0) how.weight_decay = options_.weight_decay;
      optimizer_ = std::make_unique<sgd>(std::move(parameters), how, std::move(own));
    } else {
      adamw_options how;
      if (options_.weight_decay >= 0) how.weight_decay = options_.weight_decay;
      optimizer_ = std::make_unique<adamw>(std::move(parameters), how, std::move(own));
    }
    peak_rate_ = options_.learning_rate > 0 ? options_.learning_rate : task_.learning_rate(options_.optimizer);
  }

  [[nodiscard]] double spent_share() const {
    const double by_steps = total_steps_ > 0 ? static_cast<double>(step_) / static_cast<double>(total_steps_) : 0;
    const double by_time = options_.minutes > 0 ? elapsed_ / (options_.minutes * 60) : 0;
    return std::min(1.0, std::max(by_steps, by_time));
  }
  [[nodiscard]] bool spent() const { return !trains_ || spent_share() >= 1; }

  /// What ranks must hold in common after each forward pass: the mean loss, one clock, and whether anyone was interrupted. So they take the same
  /// rate, and stop at the same step. Returns the mean loss.
  double agree(double loss) {
    elapsed_ = seconds_since(begin_);
    stop_ = interrupted();
    if (ranks_.world_size() == 1) return loss;
    auto common = at::zeros({3}, at::kDouble);
    common[0] = loss / ranks_.world_size();
    common[1] = ranks_.rank() == 0 ? elapsed_ : 0.0;
    common[2] = stop_ ? 1.0 : 0.0;
    ranks_.sum(common);
    elapsed_ = common[1].item<double>();
    stop_ = common[2].item<double>() > 0;
    return common[0].item<double>();
  }

  double train_step(const training_batch& batch) {
    net_->train();
    const auto scope = recipe_.setting.enter(device_.type());
    std::optional<shared_batch_statistics> shared;
    const auto splitting = ranks_.split_layers();
    if (ranks_.splits_batches()) shared.emplace([this](at::Tensor& sums) { ranks_.sum(sums); });
    optimizer_->clear_gradients();
    const teaching lessons{teacher_ ? *teacher_ : *net_, prune_->taught()};
    const teaching* by = teacher_ ? &lessons : nullptr;
    double value = 0;
    for (std::size_t part = 0; part <= batch.further.size(); ++part) {
      const bool last = part == batch.further.size();  // ranks exchange gradients when all parts are in them
      at::Tensor loss = phases_.time("forward", [&] {
        const auto own = part == 0 ? batch.loss(*net_, by) : batch.further[part - 1](*net_, by);
        value += own.item<double>();  // waits for a GPU
        return own;
      });
      if (last) {
        value = agree(value);
        if (!std::isfinite(value)) refuse_loss(value, batch);
      }
      const auto begin = clock::now();
      if (scale_.active()) loss = loss * scale_.value();
      if (last) ranks_.before_backward(loss);
      differentiate(loss);
      if (last) ranks_.after_backward(*net_);
      wait_for(device_);
      const double exposed = last && ranks_.world_size() > 1 ? ranks_.exposed_seconds() : 0;
      phases_.add("backward", seconds_since(begin) - exposed);
      phases_.add("communicate", exposed);
    }
    phases_.time("update", [&] {
      masters_.take_gradients();
      if (!unscale_gradients()) return;
      optimizer_->step(scheduled_rate(options_.schedule, peak_rate_, spent_share(), options_.warm_up), options_.clip_norm);
      shards_.exchange();
      const auto weights = shards_.held(masters_.tensors());
      prune_->hold(weights);
      average_.update(weights);
      masters_.publish(step_ + 1);
      wait_for(device_);
    });
    losses_.push_back(value);
    return value;
  }

  /// Takes the loss scale off the gradients; false where those of any rank are not finite: then all ranks skip the step.
  bool unscale_gradients() {
    if (!scale_.active()) return true;
    optimizer_->scale_gradients(1 / scale_.value());
    const bool finite = !ranks_.any(!std::isfinite(optimizer_->gradient_norm()));
    scale_.update(finite);
    return finite;
  }

  [[noreturn]] void refuse_loss(double value, const training_batch& batch) const {
    auto names = batch.names;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string list;
    for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
    throw error("cannot train on at step " + std::to_string(step_ + 1), "the loss is " + std::to_string(value) + " on patches of " + list,
                "look at these images, or give a lower --learning-rate");
  }

  void prune_when_due() {
    if (prune_->due(spent_share())) prune();
  }

  void prune() {
    phases_.time("prune", [&] {
      if (prune_->taught() > 0 && !teacher_) {
        auto whole = named_tensors(*net_);
        for (const auto& [name, tensor] : shards_.gather(average_.tensors(), /*wanted=*/true)) whole.at(name) = tensor;
        start_teacher(whole);
      }
      ranks_.detach();
      auto calibrating = task_.calibration_set(*net_, ranks_);
      calibrating.loss_scale = scale_.value();
      const auto narrowings = prune_->prune(*net_, calibrating);
      for (const auto& one : narrowings) optimizer_->narrow(one.tensor, one.axis, one.kept);
      average_.narrow(narrowings);
      prune_->hold(average_.tensors());
      masters_.narrow(narrowings);
      prune_->hold(masters_.tensors());
      best_ = -1;  // what came before does not compete
      task_.narrowed(*net_);
      ranks_.attach(*net_);
    });
  }

  /// Draws weights from LibTorch's generator, which nothing else uses while training.
  void start_teacher(const std::map<std::string, at::Tensor>& tensors) {
    teacher_ = task_.make_network();
    teacher_->to(device_);
    for (auto& parameter : teacher_->parameters()) parameter.requires_grad_(false);
    load_tensors(*teacher_, tensors, "the network before pruning");
    teacher_->eval();
  }

  bool end_epoch() {
    ++epoch_;
    unclosed_ = {{"epoch", epoch_}, {"step", step_}, {"train_loss", epoch_loss_ / static_cast<double>(std::max<std::int64_t>(epoch_count_, 1))}};
    epoch_loss_ = 0;
    epoch_count_ = 0;
    return close_epoch();
  }

  /// Validates, records and saves; false when patience has run out. Where Ctrl-C ends the validation it saves what a resumed run begins it anew with.
  bool close_epoch() {
    bool going = true;
    if (task_.validates()) {
      const auto scores = validate();
      if (scores.empty()) {
        stop_ = true;
        save();
        return false;
      }
      unclosed_["validation"] = scores;
      going = options_.patience == 0 || epoch_ - best_epoch_ < options_.patience;
    }
    if (ranks_.world_size() == 1) elapsed_ = seconds_since(begin_);  // many ranks agree on it at the next step
    unclosed_["seconds"] = elapsed_;
    history_.push_back(std::exchange(unclosed_, nlohmann::json()));
    save();
    return going;
  }

  /// Scores of the average of the weights, which is kept where it is the best after an epoch. Empty where Ctrl-C came first.
  nlohmann::json validate() {
    return phases_.time("validate", [&] {
      exchange_average();
      auto whole = ranks_.gather_all();
      const auto scores = task_.validate(*net_, ranks_);
      if (!scores.empty() && epoch_ > 0 && prune_->finished() && scores.at("dice").get<double>() > best_) {
        best_ = scores.at("dice").get<double>();
        best_epoch_ = epoch_;
        if (ranks_.rank() == 0) task_.write_checkpoint(chosen_weights(), *net_);
      }
      whole.reset();
      exchange_average();
      return scores;
    });
  }

  /// Gives the network the average of its weights and keeps its own, or the other way.
  void exchange_average() {
    average_.exchange(shards_.held(masters_.tensors()));
    masters_.publish(step_);
  }

  /// This rank's number and those of the others.
  [[nodiscard]] std::vector<std::int64_t> of_each_rank(std::int64_t own) {
    auto all = at::zeros({ranks_.world_size()}, at::kLong);
    all[ranks_.rank()] = own;
    ranks_.sum(all);
    return {all.const_data_ptr<std::int64_t>(), all.const_data_ptr<std::int64_t>() + all.numel()};
  }

  void choose_weights() {
    std::int64_t held = 0;
    for (const auto& parameter : net_->parameters()) held += static_cast<std::int64_t>(parameter.storage().nbytes());
    parameter_bytes_ = of_each_rank(held);
    optimizer_bytes_ = of_each_rank(optimizer_->bytes());
    const auto path = chosen_weights();
    const bool last = !task_.validates() || best_ < 0;
    if (last) exchange_average();
    ranks_.detach();
    if (last) {
      if (ranks_.rank() == 0) task_.write_checkpoint(path, *net_);
    } else {
      auto written = at::zeros({1});
      ranks_.sum(written);  // rank 0 has come this far, so its file is whole
      task_.read_checkpoint(path, *net_);
    }
    net_->eval();
    if (!recipe_.setting.quantises) return;
    phases_.time("quantise", [&] { quantise(*net_, task_.calibration_set(*net_, ranks_)); });
    task_.narrowed(*net_);
    if (ranks_.rank() == 0) task_.write_checkpoint(options_.out / "checkpoint.safetensors", *net_);
  }

  /// Where the best weights are kept. Those that will be rounded lie beside the checkpoint, so that a run can be taken up again.
  [[nodiscard]] std::filesystem::path chosen_weights() const {
    return options_.out / (recipe_.setting.quantises ? "unrounded.safetensors" : "checkpoint.safetensors");
  }

  /// Collective; rank 0 writes.
  void save() const {
    const bool writes = ranks_.rank() == 0;
    auto moments = shards_.gather(optimizer_->state(), optimizer_->moment_names(), writes);
    auto weights = shards_.gather(masters_.tensors(), writes), average = shards_.gather(average_.tensors(), writes);
    if (!writes) return;
    training_state state;
    state.network = std::move(weights);
    if (prune_->rounds_done() > 0) state.network.merge(named_tensors(*net_));  // channels have left what does not train, too
    state.average = std::move(average);
    state.optimizer = std::move(moments);
    state.pruning = prune_->tensors();
    if (teacher_) state.teacher = named_tensors(*teacher_);
    state.facts = {{"variant", recipe_.variant}, {"seed", options_.seed},
                   {"step", step_}, {"epoch", epoch_}, {"best", best_}, {"best_epoch", best_epoch_}, {"elapsed", elapsed_},
                   {"updates", average_.updates()}, {"pruning_rounds", prune_->rounds_done()}, {"phases", phases_.seconds()}, {"history", history_}, {"unclosed", unclosed_},
                   {"epoch_loss", epoch_loss_}, {"epoch_count", epoch_count_},
                   {"loss_scale", {{"value", scale_.value()}, {"steps", scale_.steps_since_change()}, {"skipped", scale_.skipped()}}}};
    state.facts.update(task_.fixed_options());
    write_training_state(options_.out, state);
  }

  void resume() {
    auto state = read_training_state(options_.out);
    const auto origin = "'" + training_state_path(options_.out).string() + "'";
    const auto same = [&](const std::string& what, const nlohmann::json& now) {
      const auto then = state.facts.value(what, nlohmann::json());
      if (then != now) {
        throw error("cannot resume from " + origin, "its " + what + " is " + then.dump() + " and this run's is " + now.dump(),
                    "resume with the same options, or give another --out");
      }
    };
    try {
      same("variant", recipe_.variant);
      same("seed", options_.seed);
      const auto fixed = task_.fixed_options();
      for (const auto& [what, now] : fixed.items()) same(what, now);
      for (const auto& [name, tensor] : named_tensors(*net_)) {
        if (!state.network.contains(name) && !trained_tensors(*net_).contains(name)) state.network.emplace(name, tensor.detach());
      }
      load_tensors(*net_, state.network, origin);
      masters_ = master_weights(net_, recipe_.storage(), options_.seed);
      masters_.load(state.network);
      start_optimizer();
      optimizer_->load_state(state.optimizer);
      for (auto& [name, tensor] : state.average) tensor = tensor.to(device_);
      average_.resume(std::move(state.average), state.facts.at("updates").get<std::int64_t>());
      step_ = state.facts.at("step").get<std::int64_t>();
      epoch_ = state.facts.at("epoch").get<std::int64_t>();
      best_ = state.facts.at("best").get<double>();
      best_epoch_ = state.facts.at("best_epoch").get<std::int64_t>();
      elapsed_ = state.facts.at("elapsed").get<double>();
      prune_->resume(state.facts.at("pruning_rounds").get<int>());
      prune_->resume_tensors(std::move(state.pruning), *net_);
      if (!state.teacher.empty()) start_teacher(state.teacher);
      if (prune_->rounds_done() > 0) task_.narrowed(*net_);
      phases_.resume(state.facts.at("phases").get<std::map<std::string, double>>());
      history_ = state.facts.at("history");
      unclosed_ = state.facts.at("unclosed");
      const auto& scale = state.facts.at("loss_scale");
      scale_.resume(scale.at("value").get<double>(), scale.at("steps").get<std::int64_t>(), scale.at("skipped").get<std::int64_t>());
      epoch_loss_ = state.facts.at("epoch_loss").get<double>();
      epoch_count_ = state.facts.at("epoch_count").get<std::int64_t>();
      masters_.publish(step_);
    } catch (const nlohmann::json::exception& failure) {
      throw error("cannot resume from " + origin, failure.what(), "start anew without --resume");
    }
  }

  training_task& task_;
  const recipe& recipe_;
  const train_options& options_;
  communicator& ranks_;
  c10::Device device_;
  std::shared_ptr<network> net_;
  master_weights masters_;
  std::unique_ptr<optimizer> optimizer_;
  shards shards_;
  weight_average average_;
  std::unique_ptr<pruner> prune_;
  std::shared_ptr<network> teacher_;  ///< the network before channels left, where the pruning policy distils from it
  loss_scale scale_;
  phase_clock phases_;
  nlohmann::json history_ = nlohmann::json::array(), unclosed_;  ///< an object for each epoch, and the one that is not validated yet
  std::vector<double> losses_, step_times_;
  std::vector<std::int64_t> optimizer_bytes_, parameter_bytes_;
  std::int64_t epoch_steps_ = 0, total_steps_ = 0;
  std::int64_t step_ = 0, epoch_ = 0, best_epoch_ = 0, epoch_count_ = 0;
  double epoch_loss_ = 0, best_ = -1, elapsed_ = 0, peak_rate_ = 0;
  bool stop_ = false, trains_ = true;
  clock::time_point begin_;
};

}  // namespace axonzoo
