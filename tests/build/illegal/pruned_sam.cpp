// expect: axonzoo: this combination of policies is illegal; variant<...>::illegal says why, and docs/architecture.md lists them
#include "policies.hpp"

#include <axonzoo/models/neuro_sam_unet.hpp>
#include <axonzoo/models/promptable.hpp>
#include <axonzoo/parallel/tensor_parallel.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/pruning/unstructured.hpp>
#include <axonzoo/train/recipe.hpp>

using chosen = axonzoo::variant<axonzoo::neuro_sam_tiny, illegal::precision, axonzoo::alternate_slimming, illegal::parallel>;
static_assert(axonzoo::variant<axonzoo::med_sam, axonzoo::fp32, axonzoo::alternate_slimming, illegal::parallel>::legal);
static_assert(axonzoo::variant<axonzoo::med_sam, axonzoo::fp32, axonzoo::unstructured, illegal::parallel>::illegal.find("held at zero") != std::string_view::npos);
static_assert(chosen::illegal.find("does not train in this model") != std::string_view::npos);
static_assert(axonzoo::variant<axonzoo::sam, axonzoo::fp32, axonzoo::none, illegal::parallel>::illegal.find("not trained") != std::string_view::npos);
static_assert(axonzoo::variant<axonzoo::sam, axonzoo::int8, axonzoo::none, illegal::parallel>::illegal.find("fp32 or bf16") != std::string_view::npos);
static_assert(axonzoo::variant<axonzoo::med_sam, axonzoo::fp32, axonzoo::none, axonzoo::tensor_parallel>::illegal.find("not split over ranks") != std::string_view::npos);
// a U-Net on a SAM's encoder has every policy
static_assert(axonzoo::variant<axonzoo::neuro_sam_unet_tiny, axonzoo::int8, axonzoo::alternate_slimming, axonzoo::tensor_parallel>::legal);
static_assert(axonzoo::variant<axonzoo::neuro_sam_unet, axonzoo::fp32, axonzoo::unstructured, illegal::parallel>::legal);
auto made = axonzoo::recipe_of<chosen>();
