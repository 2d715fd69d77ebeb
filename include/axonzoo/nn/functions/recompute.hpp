#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/recompute.hpp>

namespace axonzoo {

namespace detail {

struct kept_part : torch::CustomClassHolder {
  repeatable_part part;
  std::vector<at::Tensor> weights;
  std::shared_ptr<const channel_split::ranks> among;
};

struct recomputed_function : torch::autograd::Function<recomputed_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::TensorList& weights, const repeatable_part& part) {
    auto kept = c10::make_intrusive<kept_part>();
    kept->part = part;
    kept->weights = weights.vec();
    kept->among = channel_split::active();
    context->save_for_backward({x});
    context->saved_data["part"] = c10::IValue::make_capsule(std::move(kept));
    return part(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const auto kept = c10::static_intrusive_pointer_cast<kept_part>(context->saved_data["part"].toCapsule());
    const at::Tensor given = context->get_saved_variables().front();
    const at::AutoGradMode again(true);
    const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
    const channel_split shared(kept->among);
    const at::Tensor x = given.detach().requires_grad_(given.requires_grad());
    std::vector<at::Tensor> wanted;
    if (x.requires_grad()) wanted.push_back(x);
    for (const auto& weight : kept->weights) {
      if (weight.requires_grad()) wanted.push_back(weight);
    }
    const auto found = torch::autograd::grad({kept->part(x)}, wanted, gradients, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
    torch::autograd::variable_list results;
    auto next = found.begin();
    results.push_back(x.requires_grad() ? *next++ : at::Tensor());
    for (const auto& weight : kept->weights) results.push_back(weight.requires_grad() ? *next++ : at::Tensor());
    results.emplace_back();
    return results;
  }
};

}  // namespace detail

inline at::Tensor recomputed(const at::Tensor& x, const std::vector<at::Tensor>& weights, const repeatable_part& part) {
  const c10::impl::ExcludeDispatchKeyGuard as_written(c10::autocast_dispatch_keyset);
  if (!c10::GradMode::is_enabled()) return part(x);
  return detail::recomputed_function::apply(x, at::TensorList(weights), part);
}

}  // namespace axonzoo
