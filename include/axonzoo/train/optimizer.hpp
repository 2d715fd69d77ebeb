#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/kernels/in_turns.hpp>

namespace axonzoo {

/// What the training loop asks of an optimiser. Parameters are named, float32, and keep their identity: pruning narrows them in
/// place (`parameter.set_data(...)`, gradient dropped), then calls `narrow` for the moments that belong to them. A parameter
/// without a gradient is left alone. Where ranks share the work, each owns some of the parameters: it updates these and holds their moments and gradients alone,
/// and `step` and `gradient_norm` are collective. A subclass brings the formula of a step.
class optimizer {
 public:
  using named_tensors = std::vector<std::pair<std::string, at::Tensor>>;

  /// What of the work is this rank's.
  struct part {
    std::vector<bool> owned;            ///< of each parameter, whether this rank updates it; empty: all
    std::function<double(double)> sum;  ///< over all ranks' parts; empty where one rank has all
  };

  virtual ~optimizer() = default;
  optimizer(const optimizer&) = delete;
  optimizer& operator=(const optimizer&) = delete;

  /// Updates all parameters from their gradients, as if these were first scaled so that their joint norm is at most `clip_norm`
  /// (0: as they are); the gradients themselves may stay unscaled.
  virtual void step(double learning_rate, double clip_norm) = 0;

  /// Everything an exact resume needs: "<parameter>.<moment>" shaped as the parameter, for those this rank owns, and "step" (int64 scalar).
  [[nodiscard]] virtual std::map<std::string, at::Tensor> state() const;

  /// Takes back what `state` gave, of what this rank owns; throws `error` naming a tensor that is missing or of another shape.
  virtual void load_state(const std::map<std::string, at::Tensor>& state);

  /// Keeps the indices `kept` (int64) of `axis` in the moments of the parameter named `tensor`; ignores names that are not
  /// parameters (buffers). The parameter may be narrowed before or after.
  virtual void narrow(const std::string& tensor, std::int64_t axis, const at::Tensor& kept);

  /// Euclidean norm over the gradients of all parameters, summed in an order that does not depend on the number of threads.
  [[nodiscard]] double gradient_norm() const;

  /// Multiplies the gradients of all parameters, as when a loss scale is taken off them.
  void scale_gradients(double factor) {
    std::vector<at::Tensor> gradients;
    for (const auto& [name, parameter] : parameters_) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
    if (!gradients.empty()) at::_foreach_mul_(gradients, factor);
  }

  /// Bytes of the moments that this rank holds.
  [[nodiscard]] std::int64_t bytes() const {
    std::int64_t sum = 0;
    for (const auto& m : moments_) {
      for (const auto& values : m.of) sum += values.defined() ? values.numel() * static_cast<std::int64_t>(values.element_size()) : 0;
    }
    return sum;
  }

  [[nodiscard]] std::vector<std::string> moment_names() const {
    std::vector<std::string> names;
    for (const auto& m : moments_) names.push_back(m.name);
    return names;
  }

  /// Drops the gradients, so that the next backward pass writes instead of adding.
  void clear_gradients() {
    for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = at::Tensor();
  }

 protected:
  /// A run of neighbouring elements of one parameter: the unit of parallel work.
  struct chunk {
    std::size_t parameter;
    std::int64_t begin, count;
  };
  struct moment {
    std::string name;
    std::vector<at::Tensor> of;  ///< one for each parameter, laid out as it is; undefined for those of other ranks
  };

  optimizer(named_tensors parameters, const std::vector<std::string>& moments, part own);

  [[nodiscard]] bool owns(std::size_t parameter) const { return own_.owned.empty() || own_.owned[parameter]; }

  /// Gradients of what this rank owns, laid out as their parameters, undefined where there is none; checks shapes, also of the moments.
  [[nodiscard]] std::vector<at::Tensor> matching_gradients() const;
  [[nodiscard]] static std::vector<chunk> chunks(const std::vector<at::Tensor>& gradients);
  /// Of all ranks' gradients, where these are this one's.
  [[nodiscard]] double norm(const std::vector<at::Tensor>& gradients) const;

  /// What gradients are multiplied with so that `norm` becomes at most `clip_norm`.
  [[nodiscard]] static double clip_scale(double norm, double clip_norm) {
    return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1.0;
  }

  named_tensors parameters_;
  std::vector<moment> moments_;
  part own_;
  std::int64_t steps_ = 0;
};

inline optimizer::optimizer(named_tensors parameters, const std::vector<std::string>& moments, part own)
    : parameters_(std::move(parameters)), own_(std::move(own)) {
  for (auto& [name, parameter] : parameters_) {
    if (parameter.scalar_type() != at::kFloat || !parameter.is_non_overlapping_and_dense()) {
      throw error("optimising the parameter '" + name + "'", "it is not a dense float32 tensor",
                  "keep master weights in float32");
    }
  }
  for (const auto& name : moments) {
    moment& added = moments_.emplace_back();
    added.name = name;
    for (std::size_t p = 0; p < parameters_.size(); ++p) added.of.push_back(owns(p) ? at::zeros_like(parameters_[p].second.detach()) : at::Tensor());
  }
}

inline std::map<std::string, at::Tensor> optimizer::state() const {
  std::map<std::string, at::Tensor> state{{"step", at::scalar_tensor(steps_, at::kLong)}};
  for (const auto& m : moments_) {
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      if (owns(p)) state.emplace(parameters_[p].first + "." + m.name, m.of[p].clone());
    }
  }
  return state;
}

inline void optimizer::load_state(const std::map<std::string, at::Tensor>& state) {
  const auto find = [&state](const std::string& name) -> const at::Tensor& {
    const auto found = state.find(name);
    if (found == state.end()) {
      throw error("resuming the optimiser", "its state lacks '" + name + "'", "start the training anew or give the right checkpoint");
    }
    return found->second;
  };
  for (const auto& m : moments_) {
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      const std::string name = parameters_[p].first + "." + m.name;
      if (owns(p) && find(name).sizes() != m.of[p].sizes()) {
        throw error("resuming the optimiser", "'" + name + "' has another shape than its parameter",
                    "start the training anew or give the right checkpoint");
      }
    }
  }
  steps_ = find("step").item<std::int64_t>();
  for (auto& m : moments_) {
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      if (owns(p)) m.of[p].copy_(find(parameters_[p].first + "." + m.name));
    }
  }
}

inline void optimizer::narrow(const std::string& tensor, std::int64_t axis, const at::Tensor& kept) {
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (parameters_[p].first != tensor || !owns(p)) continue;
    for (auto& m : moments_) {
      m.of[p] = at::index_select(m.of[p], axis, kept.to(m.of[p].device())).contiguous(m.of[p].suggest_memory_format());
    }
  }
}

inline std::vector<at::Tensor> optimizer::matching_gradients() const {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const auto& [name, parameter] = parameters_[p];
    at::Tensor gradient = owns(p) ? parameter.grad() : at::Tensor();
    if (gradient.defined()) {
      if (gradient.sizes() != parameter.sizes()) {
        throw error("optimising the parameter '" + name + "'", "its gradient has another shape", "clear gradients after pruning");
      }
      if (gradient.strides() != parameter.strides() || gradient.scalar_type() != at::kFloat) {
        gradient = at::zeros_like(parameter.detach()).copy_(gradient);
      }
    }
    gradients.push_back(std::move(gradient));
  }
  return gradients;
}

inline std::vector<optimizer::chunk> optimizer::chunks(const std::vector<at::Tensor>& gradients) {
  constexpr std::int64_t chunk_elements = 1 << 14;
  std::vector<chunk> work;
  for (std::size_t p = 0; p < gradients.size(); ++p) {
    if (!gradients[p].defined()) continue;
    for (std::int64_t begin = 0; begin < gradients[p].numel(); begin += chunk_elements) {
      work.push_back({p, begin, std::min(chunk_elements, gradients[p].numel() - begin)});
    }
  }
  return work;
}

inline double optimizer::norm(const std::vector<at::Tensor>& gradients) const {
  std::vector<at::Tensor> elsewhere;
  for (const auto& gradient : gradients) {
    if (gradient.defined() && !gradient.is_cpu()) elsewhere.push_back(gradient);
  }
  if (!elsewhere.empty()) {
    const double all = at::stack(at::_foreach_norm(elsewhere)).to(at::kDouble).square().sum().item<double>();
    return std::sqrt(own_.sum ? own_.sum(all) : all);
  }
  const auto work = chunks(gradients);
  std::vector<double> squares(work.size());
  kernels::in_shares(static_cast<std::int64_t>(work.size()), 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t w = from; w < to; ++w) {
      const auto& [parameter, begin, count] = work[static_cast<std::size_t>(w)];
      const float* const values = gradients[parameter].const_data_ptr<float>() + begin;
      constexpr std::int64_t lanes = 32;
      double sums[lanes] = {};
      std::int64_t i = 0;
      for (; i + lanes <= count; i += lanes) {
        for (std::int64_t l = 0; l < lanes; ++l) sums[l] += static_cast<double>(values[i + l]) * values[i + l];
      }
      for (; i < count; ++i) sums[0] += static_cast<double>(values[i]) * values[i];
      double sum = 0;
      for (const double s : sums) sum += s;
      squares[static_cast<std::size_t>(w)] = sum;
    }
  });
  double total = 0;
  for (const double square : squares) total += square;
  return std::sqrt(own_.sum ? own_.sum(total) : total);
}

inline double optimizer::gradient_norm() const { return norm(matching_gradients()); }

}  // namespace axonzoo
