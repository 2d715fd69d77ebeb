# axonzoo_kernels: what nn/functions/ and nn/kernels/ define, compiled once. Whoever links it reads declarations alone, for the kernels are half of a unit's cost.

include_guard(GLOBAL)

# Our own flags and precompiled header where this is our own build; a consumer's targets have the consumer's flags.
function(_axonzoo_link_unit target kind)
  target_link_libraries(${target} PUBLIC axonzoo::axonzoo ${ARGN})
  if(PROJECT_NAME STREQUAL "axonzoo")
    target_link_libraries(${target} PRIVATE axonzoo_flags)
    if(kind STREQUAL "LIBRARY")
      target_precompile_headers(${target} REUSE_FROM axonzoo_precompiled)
    endif()
  endif()
endfunction()

function(axonzoo_add_kernels)
  if(TARGET axonzoo_kernels)
    return()
  endif()
  set(unit "${PROJECT_BINARY_DIR}/variants/kernels.cpp")
  file(CONFIGURE OUTPUT "${unit}" CONTENT [=[
#include <axonzoo/nn/attention.hpp>
#include <axonzoo/nn/batch_norm.hpp>
#include <axonzoo/nn/channel_split.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/gelu.hpp>
#include <axonzoo/nn/instance_norm.hpp>
#include <axonzoo/nn/layer_norm.hpp>
#include <axonzoo/nn/linear.hpp>
#include <axonzoo/nn/max_pool.hpp>
#include <axonzoo/nn/quantised_convolution.hpp>
#include <axonzoo/nn/recompute.hpp>
#include <axonzoo/nn/soft_loss.hpp>

// Taking an address emits an inline function here.
template <auto Function>
struct emitted {
  [[gnu::used]] static constexpr auto address = Function;
};
template struct emitted<&axonzoo::attention>;
template struct emitted<&axonzoo::attention_with_bias>;
template struct emitted<&axonzoo::attention_with_relative_positions>;
template struct emitted<&axonzoo::batch_norm_relu>;
template struct emitted<&axonzoo::convolution>;
template struct emitted<&axonzoo::convolution_of_concatenated>;
template struct emitted<&axonzoo::transposed_convolution_2x2>;
template struct emitted<&axonzoo::gelu>;
template struct emitted<&axonzoo::instance_norm_leaky_relu>;
template struct emitted<&axonzoo::joined>;
template struct emitted<&axonzoo::layer_norm>;
template struct emitted<&axonzoo::summed>;
template struct emitted<&axonzoo::summed_backward>;
template struct emitted<&axonzoo::linear>;
template struct emitted<&axonzoo::max_pool_2x2>;
template struct emitted<&axonzoo::max_unpool_2x2>;
template struct emitted<&axonzoo::quantised_filters::convolved>;
template struct emitted<&axonzoo::recomputed>;
template struct emitted<&axonzoo::dice_cross_entropy>;
]=])
  add_library(axonzoo_kernels STATIC "${unit}")
  _axonzoo_link_unit(axonzoo_kernels LIBRARY)
  target_compile_definitions(axonzoo_kernels INTERFACE AXONZOO_SEPARATE_KERNELS)
endfunction()
