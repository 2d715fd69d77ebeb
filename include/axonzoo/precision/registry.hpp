#pragma once

#include <functional>
#include <memory>
#include <string>

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/precision/bf16.hpp>
#include <axonzoo/precision/fp16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/precision/pure_bf16.hpp>
#include <axonzoo/precision/tf32.hpp>

namespace axonzoo {

/// A precision with its type erased.
struct precision_setting {
  c10::ScalarType compute_type = c10::ScalarType::Float;
  std::function<std::shared_ptr<void>(c10::DeviceType)> enter;  ///< in force while the result lives
  bool quantises = false;                                       ///< the trained network is rounded to whole numbers (quantise.hpp)
};

template <class Precision>
precision_setting setting_of() {
  precision_setting setting{Precision::compute_type, [](c10::DeviceType device) -> std::shared_ptr<void> { return std::make_shared<typename Precision::scope>(device); }};
  if constexpr (requires { Precision::quantises; }) setting.quantises = Precision::quantises;
  return setting;
}

/// The zoo's precision of that name, as a checkpoint's metadata gives it.
inline precision_setting setting_of(const std::string& precision) {
  if (precision == fp32::name) return setting_of<fp32>();
  if (precision == bf16::name) return setting_of<bf16>();
  if (precision == pure_bf16::name) return setting_of<pure_bf16>();
  if (precision == fp16::name) return setting_of<fp16>();
  if (precision == tf32::name) return setting_of<tf32>();
  if (precision == int8::name) return setting_of<int8>();
  throw error("cannot compute in the precision '" + precision + "'", "the zoo has fp32, tf32, bf16, pure_bf16, fp16 and int8", "give a checkpoint of one of these");
}

}  // namespace axonzoo
