#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/roll.h>

#include <axonzoo/infer/checkpoint.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/models/sam/fresh.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/macs.hpp>

#include "made_network.hpp"

namespace {

/// A TinyViT whose stages all differ in width.
axonzoo::tensor_file small_sam() {
  at::manual_seed(5);
  auto size = axonzoo::sam_with_tiny_vit(256);
  size.widths = {8, 16, 20, 40};
  size.depths = {1, 1, 2, 1};
  size.heads = {0, 2, 2, 4};
  size.windows = {0, 3, 4, 3};
  return axonzoo::fresh_sam_weights(size);
}

axonzoo::neuro_sam_unet_tiny small_model() {
  axonzoo::neuro_sam_unet_tiny model;
  model.decoder.width = 6;
  model.decoder.levels = 4;
  return model;
}

std::shared_ptr<axonzoo::network> small_sam_unet(std::int64_t channels = 1) { return small_model().from(small_sam(), "'made'")(channels, 3); }

/// Fresh biases and norms are 0 and 1, which would hide one that is out of its place.
void shake(axonzoo::network& net) {
  net.eval();
  for (auto& parameter : net.parameters()) {
    if (parameter.dim() == 1) parameter.detach().add_(at::randn(parameter.sizes()) * 0.3);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(models_unet)

BOOST_AUTO_TEST_CASE(gives_three_scales_in_training_and_one_in_evaluation) {
  const auto net = made::small_unet();
  const auto x = made::images(2, 32);
  const auto levels = net->forward(x);
  BOOST_REQUIRE_EQUAL(levels.size(), 3u);
  for (std::size_t l = 0; l < 3; ++l) {
    BOOST_TEST(levels[l].size(1) == 3);
    BOOST_TEST(levels[l].size(2) == 32 >> l);
  }
  net->eval();
  BOOST_TEST(net->forward(x).size() == 1u);
}

BOOST_AUTO_TEST_CASE(published_widths_have_the_parameters_counted_by_hand) {
  const auto net = axonzoo::unet{}.make(1, 3);
  const std::int64_t w[] = {24, 48, 96, 192, 256, 256};
  std::int64_t expected = 0, in = 1;
  for (const auto width : w) {
    expected += 9 * in * width + 9 * width * width + 4 * width;
    in = width;
  }
  for (int l = 0; l < 5; ++l) {
    expected += 4 * w[l + 1] * w[l] + w[l];                          // lift
    expected += 9 * 2 * w[l] * w[l] + 9 * w[l] * w[l] + 4 * w[l];    // two blocks
    if (l < 3) expected += 3 * w[l] + 3;                             // head
  }
  std::int64_t count = 0;
  for (const auto& p : net->parameters()) count += p.numel();
  BOOST_TEST(count == expected);
}

BOOST_AUTO_TEST_CASE(macs_are_those_of_the_formula) {
  axonzoo::unet model;
  model.width = 4;
  model.levels = 2;
  const auto net = model.make(1, 2);
  net->eval();
  const axonzoo::mac_counter counter;
  net->forward(made::images(1, 16));
  const std::int64_t fine = 256, coarse = 64;
  const std::int64_t expected = fine * 9 * (1 * 4 + 4 * 4) + coarse * 9 * (4 * 8 + 8 * 8) + fine * 8 * 4 + fine * 9 * (8 * 4 + 4 * 4) + fine * 4 * 2;
  BOOST_TEST(counter.count() == expected);
}

BOOST_AUTO_TEST_CASE(on_a_sam_the_unet_alone_trains) {
  const auto net = small_sam_unet();
  const auto before = axonzoo::named_tensors(*net);
  std::map<std::string, at::Tensor> old;
  for (const auto& [name, tensor] : before) old.emplace(name, tensor.detach().clone());
  const auto x = made::images(2, 32);
  const auto levels = net->forward(x);  // in training mode
  BOOST_REQUIRE_EQUAL(levels.size(), 3u);
  BOOST_TEST(c10::str(levels[0].sizes()) == "[2, 3, 32, 32]");
  (levels[0].square().mean() + levels[1].square().mean() + levels[2].square().mean()).backward();
  for (const auto& item : net->named_parameters()) {
    const bool of_encoder = item.key().starts_with("image_encoder.");
    BOOST_TEST(item.value().requires_grad() == !of_encoder, item.key());
    BOOST_TEST(item.value().grad().defined() == !of_encoder, item.key());
  }
  // and the norms' statistics stay
  for (const auto& [name, tensor] : axonzoo::named_tensors(*net)) BOOST_TEST(tensor.equal(old.at(name)), name);
}

BOOST_AUTO_TEST_CASE(on_a_sam_the_encoder_has_a_say_and_images_are_seen_one_by_one) {
  const at::NoGradGuard no_gradients;
  const auto net = small_sam_unet();
  shake(*net);
  const auto x = made::images(2, 32);
  const auto logits = net->forward(x).front();
  // whatever else is in the batch
  BOOST_TEST(net->forward(at::cat({x[1].unsqueeze(0), x[0].unsqueeze(0)})).front()[0].allclose(logits[1], 1e-4, 1e-4));
  auto tensors = axonzoo::named_tensors(*net);
  for (const std::string stage : {"stage0", "stage1", "stage2"}) {
    auto filters = tensors.at(stage + ".conv.weight");
    const auto own = filters.clone();
    filters.copy_(own.roll({1}, {1}));  // other features of the encoder
    BOOST_TEST(!net->forward(x).front().allclose(logits, 1e-3, 1e-3), stage);
    filters.copy_(own);
  }
  BOOST_TEST(net->forward(x).front().equal(logits));
}

BOOST_AUTO_TEST_CASE(on_a_sam_of_stride_16_images_are_enlarged) {
  const at::NoGradGuard no_gradients;
  at::manual_seed(5);
  auto size = axonzoo::sam_with_vit(24, 2, 2);
  size.image = 64;
  size.windows = {3};
  size.global_blocks = {1};
  axonzoo::neuro_sam_unet model;
  model.decoder = small_model().decoder;
  const auto net = model.from(axonzoo::fresh_sam_weights(size), "'made'")(3, 3);
  net->eval();
  BOOST_TEST(c10::str(net->forward(made::images(1, 16, 3)).front().sizes()) == "[1, 3, 16, 16]");
  BOOST_CHECK_EXCEPTION(model.from(small_sam(), "'made'"), axonzoo::error, [](const auto& said) { return std::string(said.what()).find("_tiny") != std::string::npos; });
  auto broken = axonzoo::fresh_sam_weights(size);
  broken.tensors.erase("image_encoder.neck.2.weight");
  BOOST_CHECK_EXCEPTION(model.from(broken, "'made'")(1, 3), axonzoo::error, [](const auto& said) { return std::string(said.what()).find("neck.2.weight") != std::string::npos; });
}

/// What a checkpoint holds is enough, narrowed too.
BOOST_AUTO_TEST_CASE(on_a_sam_a_narrowed_network_comes_back_from_its_own_tensors) {
  const at::NoGradGuard no_gradients;
  const auto net = small_sam_unet();
  shake(*net);
  const auto x = made::images(1, 32);
  for (std::size_t g = 0; g < net->channel_groups().size(); ++g) {
    const auto group = net->channel_groups()[g];
    axonzoo::keep_channels(*net, group, at::arange(0, group.channels, 2, at::kLong));
  }
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : axonzoo::named_tensors(*net)) tensors.emplace(name, tensor.clone());
  const auto again = axonzoo::maker_of("neuro_sam_unet_tiny", tensors)(1, 3);
  axonzoo::load_tensors(*again, tensors, "'made'");
  again->eval();
  BOOST_TEST(again->forward(x).front().allclose(net->forward(x).front(), 1e-4, 1e-5));
  BOOST_TEST(tensors.at("stage0.conv.weight").size(1) == 4);
  BOOST_TEST(tensors.at("stage0.conv.weight").size(0) == 3);
}

/// Channels of the U-Net whose weights are all zero give nothing to anyone, nor do those of the encoder's stages that are added to them.
BOOST_AUTO_TEST_CASE(on_a_sam_empty_channels_leave_without_a_trace) {
  const at::NoGradGuard no_gradients;
  const auto net = small_sam_unet();
  shake(*net);
  const auto x = made::images(1, 32);
  auto tensors = axonzoo::named_tensors(*net);
  const auto groups = net->channel_groups();
  for (const auto& group : groups) {
    if (group.name.starts_with("image_encoder.")) continue;
    for (const auto& axis : group.axes) {
      const auto& tensor = tensors.at(axis.tensor);
      if (axis.axis == (axis.tensor.starts_with("lift") && tensor.dim() == 4 ? 1 : 0)) tensor.detach().narrow(axis.axis, axis.offset, 2).zero_();
    }
  }
  const auto before = net->forward(x).front();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!groups[g].name.starts_with("image_encoder.")) axonzoo::keep_channels(*net, net->channel_groups()[g], at::arange(2, groups[g].channels, at::kLong));
  }
  BOOST_TEST(net->forward(x).front().allclose(before, 1e-4, 1e-4));
}

BOOST_AUTO_TEST_SUITE_END()
