#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/random.hpp>
#include <axonzoo/models/sam/prompt_encoder.hpp>

namespace axonzoo {

/// What someone who sees an answer asks next (iterative prompting: Kirillov et al. 2023, appendix A; Archit et al. 2025, "Segment Anything for Microscopy"):
/// the same prompts with two more points each, one in the object (label 1) where the mask misses it and one outside (label 0) where the mask is too much, each
/// drawn evenly from all such pixels, "not a point" where there is none; and with the answer's logits as mask prompt. `logits` [P, H, W] are what `prompts` were
/// answered with, `targets` [P, H, W] (0 or 1, on the CPU) what is to be found; `scale` is the side of a pixel of theirs in pixels of the network's input.
[[nodiscard]] inline sam_prompts corrected(sam_prompts prompts, const at::Tensor& logits, const at::Tensor& targets, double scale, random_stream& lots) {
  const std::int64_t count = logits.size(0), height = logits.size(1), width = logits.size(2);
  const at::Tensor found = logits.detach().gt(0).cpu().contiguous(), truth = targets.to(at::kBool).contiguous();
  const at::Tensor points = at::zeros({count, 2, 2}), labels = at::full({count, 2}, -1.f);
  auto* const point = points.mutable_data_ptr<float>();
  auto* const label = labels.mutable_data_ptr<float>();
  std::vector<std::int64_t> wrong;
  for (std::int64_t i = 0; i < 2 * count; ++i) {
    const bool missed = i % 2 == 0;
    const bool *given = found.const_data_ptr<bool>() + i / 2 * height * width, *wanted = truth.const_data_ptr<bool>() + i / 2 * height * width;
    wrong.clear();
    for (std::int64_t k = 0; k < height * width; ++k) {
      if (given[k] != wanted[k] && wanted[k] == missed) wrong.push_back(k);
    }
    if (wrong.empty()) continue;
    const std::int64_t at = wrong[static_cast<std::size_t>(lots.below(static_cast<std::int64_t>(wrong.size())))];
    const auto centre = [scale](std::int64_t place) { return static_cast<float>((static_cast<double>(place) + 0.5) * scale - 0.5); };
    point[2 * i] = centre(at % width);
    point[2 * i + 1] = centre(at / width);
    label[i] = missed ? 1.f : 0.f;
  }
  const auto further = [&](at::Tensor& former, const at::Tensor& more) {
    former = former.defined() ? at::cat({former, more.to(former.options())}, 1) : more.to(logits.device());
  };
  further(prompts.points, points);
  further(prompts.labels, labels);
  prompts.masks = logits.detach().unsqueeze(1);
  return prompts;
}

}  // namespace axonzoo
