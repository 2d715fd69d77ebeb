#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <axonzoo/train/adamw.hpp>
#include <axonzoo/train/sgd.hpp>

namespace {

using tensors = axonzoo::optimizer::named_tensors;

/// Sizes around vectors and chunks, a bank of filters in channels_last, and one without a gradient.
tensors some_parameters() {
  tensors parameters{{"scalar", at::randn({1})},
                     {"bias", at::randn({37})},
                     {"bank", at::randn({24, 48, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast)},
                     {"matrix", at::randn({129, 300})},
                     {"frozen", at::randn({5})}};
  return parameters;
}

tensors copy(const tensors& from) {
  tensors to;
  for (const auto& [name, tensor] : from) to.emplace_back(name, tensor.detach().clone());
  return to;
}

void new_gradients(tensors& a, tensors& b) {
  for (std::size_t i = 0; i + 1 < a.size(); ++i) {
    const at::Tensor gradient = at::randn_like(a[i].second);
    a[i].second.mutable_grad() = gradient;
    b[i].second.mutable_grad() = gradient.clone();
  }
}

double joint_norm(const tensors& parameters) {
  double squares = 0;
  for (const auto& [name, p] : parameters) {
    if (p.grad().defined()) squares += p.grad().to(at::kDouble).square().sum().item<double>();
  }
  return std::sqrt(squares);
}

double apart(const at::Tensor& a, const at::Tensor& b) { return a.to(at::kDouble).sub(b.to(at::kDouble)).abs().max().item<double>(); }

bool says(const axonzoo::error& e, const std::string& words) { return std::string(e.what()).find(words) != std::string::npos; }

/// The formulas of the papers on one tensor at a time, in double.
struct plain_adamw {
  axonzoo::adamw_options o;
  std::map<std::string, at::Tensor> weight{}, mean{}, square{};
  int t = 0;

  void step(const tensors& parameters, double rate, double clip) {
    ++t;
    const double norm = joint_norm(parameters), scale = clip > 0 && norm > clip ? clip / norm : 1;
    for (const auto& [name, p] : parameters) {
      if (!p.grad().defined()) continue;
      const at::Tensor g = p.grad().to(at::kDouble).mul(scale);
      if (weight.count(name) == 0) {
        weight[name] = p.to(at::kDouble).clone();
        mean[name] = square[name] = at::zeros_like(g);
      }
      mean[name] = mean[name].mul(o.beta1).add(g.mul(1 - o.beta1));
      square[name] = square[name].mul(o.beta2).add(g.square().mul(1 - o.beta2));
      const at::Tensor m = mean[name].div(1 - std::pow(o.beta1, t)), v = square[name].div(1 - std::pow(o.beta2, t));
      weight[name] = weight[name].mul(1 - rate * o.weight_decay).sub(m.div(v.sqrt().add(o.epsilon)).mul(rate));
    }
  }
};

struct plain_sgd {
  axonzoo::sgd_options o;
  std::map<std::string, at::Tensor> weight{}, momentum{};

  void step(const tensors& parameters, double rate, double clip) {
    const double norm = joint_norm(parameters), scale = clip > 0 && norm > clip ? clip / norm : 1;
    for (const auto& [name, p] : parameters) {
      if (!p.grad().defined()) continue;
      if (weight.count(name) == 0) {
        weight[name] = p.to(at::kDouble).clone();
        momentum[name] = at::zeros_like(weight[name]);
      }
      const at::Tensor g = p.grad().to(at::kDouble).mul(scale).add(weight[name].mul(o.weight_decay));
      momentum[name] = momentum[name].mul(o.momentum).add(g);
      weight[name] = weight[name].sub((o.nesterov ? g.add(momentum[name].mul(o.momentum)) : momentum[name]).mul(rate));
    }
  }
};

template <class Ours, class Plain>
void compare(Ours& ours, Plain& plain, tensors& parameters, tensors& same) {
  for (int t = 0; t < 20; ++t) {
    new_gradients(parameters, same);
    const double clip = t % 3 == 0 ? 0 : t % 3 == 1 ? 5 : 1e9, rate = 1e-2 / (1 + t);
    plain.step(same, rate, clip);
    ours.step(rate, clip);
    for (const auto& [name, p] : parameters) {
      if (p.grad().defined()) BOOST_TEST(apart(p, plain.weight[name]) < 2e-6 * (1 + t), name << " after step " << t);
    }
  }
}

using maker = std::function<std::unique_ptr<axonzoo::optimizer>(const tensors&)>;
const std::pair<const char*, maker> makers[] = {{"adamw", [](const tensors& p) { return std::make_unique<axonzoo::adamw>(p); }},
                                                {"sgd", [](const tensors& p) { return std::make_unique<axonzoo::sgd>(p); }}};

}  // namespace

BOOST_AUTO_TEST_SUITE(train_optimizer)

BOOST_AUTO_TEST_CASE(adamw_follows_the_paper) {
  tensors parameters = some_parameters(), same = copy(parameters);
  const at::Tensor frozen = parameters.back().second.clone();
  const axonzoo::adamw_options options{0.8, 0.98, 1e-6, 0.1};
  axonzoo::adamw ours(parameters, options);
  plain_adamw plain{options};
  compare(ours, plain, parameters, same);
  BOOST_TEST(parameters.back().second.equal(frozen));
}

BOOST_AUTO_TEST_CASE(sgd_follows_the_formula_with_and_without_nesterov) {
  for (const bool nesterov : {true, false}) {
    tensors parameters = some_parameters(), same = copy(parameters);
    const axonzoo::sgd_options options{0.9, 1e-3, nesterov};
    axonzoo::sgd ours(parameters, options);
    plain_sgd plain{options};
    compare(ours, plain, parameters, same);
  }
}

BOOST_AUTO_TEST_CASE(norm_is_exact_and_independent_of_threads) {
  tensors parameters = some_parameters(), same = copy(parameters);
  axonzoo::sgd optimizer(parameters);
  BOOST_TEST(optimizer.gradient_norm() == 0);
  new_gradients(parameters, same);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const double one = optimizer.gradient_norm();
  at::set_num_threads(2);
  BOOST_TEST(optimizer.gradient_norm() == one);
  at::set_num_threads(before);
  BOOST_TEST(std::abs(one - joint_norm(parameters)) < 1e-12 * one);
  parameters[1].second.mutable_grad()[3] = std::numeric_limits<float>::infinity();
  BOOST_TEST(std::isinf(optimizer.gradient_norm()));
  optimizer.clear_gradients();
  BOOST_TEST(!parameters[1].second.grad().defined());
}

BOOST_AUTO_TEST_CASE(resumed_equals_uninterrupted) {
  for (const auto& [name, make] : makers) {
    BOOST_TEST_CONTEXT(name) {
      tensors parameters = some_parameters(), same = copy(parameters);
      auto whole = make(parameters), first = make(same);
      for (int t = 0; t < 3; ++t) {
        new_gradients(parameters, same);
        whole->step(1e-2, 1);
        first->step(1e-2, 1);
      }
      tensors later = copy(same);
      auto second = make(later);
      second->load_state(first->state());
      for (int t = 0; t < 3; ++t) {
        new_gradients(parameters, later);
        whole->step(1e-2, 1);
        second->step(1e-2, 1);
      }
      for (std::size_t i = 0; i < parameters.size(); ++i) BOOST_TEST(parameters[i].second.equal(later[i].second));
      auto state = first->state();
      state.erase(std::prev(state.end()));
      BOOST_CHECK_EXCEPTION(second->load_state(state), axonzoo::error, [](const auto& e) { return says(e, "lacks 's"); });
      state = first->state();
      for (auto& [key, tensor] : state) {
        if (key.find("bias.") == 0) tensor = tensor.narrow(0, 0, 5);
      }
      BOOST_CHECK_EXCEPTION(second->load_state(state), axonzoo::error, [](const auto& e) { return says(e, "'bias."); });
    }
  }
}

BOOST_AUTO_TEST_CASE(narrowed_goes_on_as_if_it_had_always_been_narrow) {
  const at::Tensor kept = at::tensor({0L, 3L, 4L, 11L, 23L});
  for (const auto& [name, make] : makers) {
    BOOST_TEST_CONTEXT(name) {
      const at::Tensor weights = at::randn({24, 6, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
      tensors wide{{"bank", weights.clone()}}, narrow{{"bank", weights.index_select(0, kept)}};
      auto a = make(wide), b = make(narrow);
      const auto gradient = [&](bool cut) {
        const at::Tensor g = at::randn_like(weights), part = g.index_select(0, kept);
        wide[0].second.mutable_grad() = cut ? part : g;
        narrow[0].second.mutable_grad() = part.clone();
      };
      gradient(false);
      a->step(1e-2, 0);
      b->step(1e-2, 0);
      a->narrow("bank", 0, kept);
      a->narrow("running_mean", 0, kept);
      const at::Tensor whole = wide[0].second.detach();
      wide[0].second.mutable_grad() = at::Tensor();
      wide[0].second.set_data(whole.index_select(0, kept).contiguous(at::MemoryFormat::ChannelsLast));
      gradient(true);
      a->step(1e-2, 0);
      b->step(1e-2, 0);
      BOOST_TEST(apart(wide[0].second, narrow[0].second) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_optimised_is_a_sentence) {
  BOOST_CHECK_EXCEPTION(axonzoo::sgd({{"half", at::randn({3}).to(at::kBFloat16)}}), axonzoo::error, [](const auto& e) { return says(e, "'half'"); });
  at::Tensor weight = at::randn({4});
  axonzoo::adamw optimizer({{"w", weight}});
  weight.mutable_grad() = at::randn({4});
  weight.set_data(at::randn({2}));
  BOOST_CHECK_EXCEPTION(optimizer.step(1, 0), axonzoo::error, [](const auto& e) { return says(e, "'w'"); });
}

BOOST_AUTO_TEST_SUITE_END()
