#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace axonzoo {

/// A part of a network, [...] to [...], that gives the same numbers whenever it is called: no drawing of numbers, no running statistics that it moves.
using repeatable_part = std::function<at::Tensor(const at::Tensor&)>;

namespace detail {

struct kept_part : torch::CustomClassHolder {
  repeatable_part part;
  std::vector<at::Tensor> weights;
};

struct recomputed_function : torch::autograd::Function<recomputed_function> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::TensorList& weights, const repeatable_part& part) {
    auto kept = c10::make_intrusive<kept_part>();
    kept->part = part;
    kept->weights = weights.vec();
    context->save_for_backward({x});
    context->saved_data["part"] = c10::IValue::make_capsule(std::move(kept));
    return part(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    const auto kept = c10::static_intrusive_pointer_cast<kept_part>(context->saved_data["part"].toCapsule());
    const at::Tensor given = context->get_saved_variables().front();
    const at::AutoGradMode again(true);
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

/// part(x), of which the forward pass keeps x alone: the backward pass computes what lies between again (Chen et al. 2016, "Training deep nets with sublinear memory
/// cost"). Values and gradients are those of part(x), bit for bit. `weights` are the parameters that it reads; whoever goes backward holds the same precision's
/// scope as the one who went forward. Not differentiable twice.
inline at::Tensor recomputed(const at::Tensor& x, const std::vector<at::Tensor>& weights, const repeatable_part& part) {
  if (!c10::GradMode::is_enabled()) return part(x);
  return detail::recomputed_function::apply(x, at::TensorList(weights), part);
}

}  // namespace axonzoo
