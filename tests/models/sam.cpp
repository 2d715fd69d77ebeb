#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <axonzoo/models/sam/corrections.hpp>
#include <axonzoo/models/sam/fresh.hpp>
#include <axonzoo/models/sam/sam.hpp>
#include <axonzoo/nn/channels.hpp>
#include <axonzoo/nn/differentiate.hpp>
#include <axonzoo/nn/macs.hpp>
#include <axonzoo/precision/quantise.hpp>
#include <axonzoo/precision/registry.hpp>
#include <axonzoo/precision/weight_storage.hpp>

using namespace axonzoo;

namespace {

/// Four blocks of width 24 on an image of 64 x 64; windows of 3 do not divide its 4 x 4 tokens.
recognised_sam small_size() {
  recognised_sam sam = sam_with_vit(24, 4, 2);
  sam.family = sam_family::other_vit;
  sam.windows = {3};
  sam.image = 64;
  sam.global_blocks = {1};
  return sam;
}

sam_network small(std::int64_t seed = 3) {
  at::manual_seed(static_cast<std::uint64_t>(seed));
  return {fresh_sam_weights(small_size()), "'made'"};
}

sam_prompts some_prompts(std::int64_t count) {
  sam_prompts prompts;
  prompts.points = at::rand({count, 2, 2}) * 64;
  prompts.labels = at::randint(-1, 2, {count, 2});
  const at::Tensor corner = at::rand({count, 2}) * 40;
  prompts.boxes = at::cat({corner, corner + 5 + at::rand({count, 2}) * 20}, 1);
  return prompts;
}

double apart(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).to(at::kDouble).item<double>();
}

std::string refusal(const tensor_file& file) {
  try {
    const sam_network made(file, "'made'");
  } catch (const error& wrong) {
    return wrong.what();
  }
  return "";
}

/// A TinyViT whose stages all differ in width, with windows that do not divide the tokens.
sam_network small_tiny() {
  at::manual_seed(5);
  recognised_sam size = sam_with_tiny_vit(256);
  size.widths = {8, 16, 20, 40};
  size.depths = {1, 1, 2, 1};
  size.heads = {0, 2, 2, 4};
  size.windows = {0, 3, 4, 3};
  return {fresh_sam_weights(size), "'made'"};
}

/// Fresh biases and norms are 0 and 1, which would hide one that is out of its place.
void shake(sam_network& sam) {
  sam.eval();
  for (auto& parameter : sam.parameters()) {
    if (parameter.dim() == 1) parameter.detach().add_(at::randn(parameter.sizes()) * 0.3);
  }
}

/// Entries that are 0 in all that makes and reads them leave without a trace, but that a head divides by the root of what it has left.
void empty_bottlenecks_leave_without_a_trace(sam_network sam, const at::Tensor& images) {
  const at::NoGradGuard no_gradients;
  shake(sam);
  const bool tiny = sam.kind().depths.size() > 1;
  auto tensors = named_tensors(sam);
  const auto groups = sam.channel_groups();
  const auto scale_keys = [&](bool undo) {
    for (const auto& group : groups) {
      const auto found = tensors.find(group.name + ".qkv.weight");
      if (found == tensors.end()) continue;
      const double d = static_cast<double>(group.channels), factor = std::sqrt(d / (d - 2));
      for (auto tensor : {found->second, tensors.at(group.name + ".qkv.bias")}) {
        const auto heads = tensor.size(0) / (3 * group.channels);
        (tiny ? tensor.view({heads, 3, group.channels, -1}).select(1, 1) : tensor.view({3, heads, group.channels, -1}).select(0, 1)).mul_(undo ? 1 / factor : factor);
      }
    }
  };
  const at::Tensor gone = at::tensor({0, 2}, at::kLong);
  for (const auto& group : groups) {
    if (!group.bottleneck) continue;
    for (const auto& axis : group.axes) {
      if (axis.tensor.find("running") == std::string::npos) tensors.at(axis.tensor).index_fill_(axis.axis, gone + axis.offset, 0);
    }
  }
  scale_keys(false);
  const at::Tensor before = sam.encode(images);
  scale_keys(true);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!groups[g].bottleneck) continue;
    keep_channels(sam, sam.channel_groups()[g], at::cat({at::tensor({1}, at::kLong), at::arange(3, groups[g].channels, at::kLong)}));
  }
  BOOST_TEST(apart(sam.encode(images), before) < 1e-4);
}

/// Less than half of every group stays; the narrowed network is one that loads.
void narrows_and_comes_back(sam_network sam, const at::Tensor& images) {
  const at::NoGradGuard no_gradients;
  shake(sam);
  const auto groups = sam.channel_groups();
  double before = 0, after = 0;
  for (const auto& parameter : sam.parameters()) before += static_cast<double>(parameter.numel());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto group = sam.channel_groups()[g];
    std::map<std::string, at::Tensor> whole;
    for (const auto& [name, tensor] : named_tensors(sam)) whole.emplace(name, tensor.clone());
    const auto count = group.channels / 2 - 1;
    const at::Tensor kept = std::get<0>(at::randperm(group.channels, at::kLong).narrow(0, 0, count).sort());
    keep_channels(sam, group, kept);
    if (group.bottleneck) continue;
    // where an axis of that length has been cut to that length, the same entries stay
    for (const auto& [name, tensor] : named_tensors(sam)) {
      at::Tensor expected = whole.at(name);
      for (std::int64_t axis = 0; axis < tensor.dim(); ++axis) {
        if (expected.size(axis) == group.channels && tensor.size(axis) == count) expected = expected.index_select(axis, kept);
      }
      BOOST_TEST(tensor.equal(expected), name);
    }
  }
  tensor_file file;
  for (const auto& [name, tensor] : named_tensors(sam)) file.tensors.emplace(name, tensor);
  sam_network again(file, "'narrowed'");
  again.eval();
  for (std::size_t g = 0; g < groups.size(); ++g) BOOST_TEST(again.channel_groups()[g].channels == groups[g].channels / 2 - 1, groups[g].name);
  BOOST_TEST(apart(again.encode(images), sam.encode(images)) < 1e-5);
  for (const auto& parameter : again.parameters()) after += static_cast<double>(parameter.numel());
  BOOST_TEST(after < before);
}

/// Gradients with and without recomputation are the same bits, and where the blocks run again, their products are counted in the backward pass.
void recomputed_gradients_are_the_same(sam_network sam, const at::Tensor& images) {
  shake(sam);
  std::map<std::string, at::Tensor> kept;
  at::Tensor embedding;
  for (const bool again : {false, true}) {
    sam.zero_grad();
    sam.recompute(again);
    const at::Tensor made = sam.encode(images);
    const at::Tensor loss = made.to(at::kFloat).pow(2).mean();
    const mac_counter counter;
    loss.backward();
    BOOST_TEST((counter.count() > 0) == again);
    if (again) BOOST_TEST(made.equal(embedding));
    embedding = made.detach();
    for (const auto& item : sam.named_parameters()) {
      const at::Tensor& gradient = item.value().grad();
      if (!item.key().starts_with("image_encoder.")) continue;
      BOOST_REQUIRE(gradient.defined());
      if (again) BOOST_TEST(gradient.equal(kept.at(item.key())), item.key());
      kept[item.key()] = gradient.clone();
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(models_sam)

BOOST_AUTO_TEST_CASE(empty_channels_leave_as_if_they_had_not_been) {
  empty_bottlenecks_leave_without_a_trace(small(), at::randn({1, 3, 64, 64}));
  empty_bottlenecks_leave_without_a_trace(small_tiny(), at::randn({1, 3, 32, 48}));
}

BOOST_AUTO_TEST_CASE(a_narrowed_encoder_is_one_that_loads) {
  narrows_and_comes_back(small(), at::randn({1, 3, 64, 64}));
  narrows_and_comes_back(small_tiny(), at::randn({1, 3, 32, 48}));
}

BOOST_AUTO_TEST_CASE(names_and_widths_are_the_weights) {
  const tensor_file made = fresh_sam_weights(small_size());
  const sam_network sam(made, "'made'");
  const auto own = named_tensors(sam);
  BOOST_TEST(own.size() == made.tensors.size());
  for (const auto& [name, tensor] : made.tensors) BOOST_TEST(own.at(name).equal(tensor), name);
  BOOST_TEST((sam.kind().widths == std::vector<std::int64_t>{24} && sam.stride() == 16));
  // a narrowed head and MLP load too
  tensor_file narrow = made;
  const std::string block = "image_encoder.blocks.2.";
  narrow.tensors[block + "attn.qkv.weight"] = at::randn({3 * 2 * 5, 24});
  narrow.tensors[block + "attn.qkv.bias"] = at::randn({3 * 2 * 5});
  narrow.tensors[block + "attn.proj.weight"] = at::randn({24, 2 * 5});
  narrow.tensors[block + "attn.rel_pos_h"] = narrow.tensors[block + "attn.rel_pos_w"] = at::randn({5, 5});
  narrow.tensors[block + "mlp.lin1.weight"] = at::randn({7, 24});
  narrow.tensors[block + "mlp.lin1.bias"] = at::randn({7});
  narrow.tensors[block + "mlp.lin2.weight"] = at::randn({24, 7});
  const at::Tensor embedding = sam_network(narrow, "'made'").encode(at::randn({2, 3, 64, 64}));
  BOOST_TEST(c10::str(embedding.sizes()) == "[2, 256, 4, 4]");
}

/// In 8 bits an embedding is near the one before, and its tensors make the same network again.
void is_rounded_and_comes_back(const sam_network& made, const at::Tensor& images) {
  const at::NoGradGuard no_gradients;
  const auto net = std::make_shared<sam_network>(tensor_file{named_tensors(made), {}}, "'made'");
  net->eval();
  const auto input = images.contiguous(at::MemoryFormat::ChannelsLast), before = net->encode(input);
  calibration from;
  from.each_batch = [&](std::int64_t, const auto& visit) { visit({input, at::Tensor(), 0}); };
  quantise(*net, from, 1);
  const auto rounded = net->encode(input);
  const double off = ((rounded - before).norm() / before.norm()).item<double>();
  BOOST_TEST(off > 1e-4);
  BOOST_TEST(off < 0.2);
  const auto tensors = named_tensors(*net);
  BOOST_TEST(std::any_of(tensors.begin(), tensors.end(), [](const auto& item) { return item.first.ends_with("qkv.weight") && item.second.scalar_type() == at::kChar; }));
  for (const auto& [name, tensor] : tensors) BOOST_TEST((tensor.scalar_type() != at::kChar || (name.starts_with("image_encoder.") && name.find("patch_embed.proj") == std::string::npos)), name);
  sam_network again({tensors, {}}, "'rounded'");
  again.eval();
  BOOST_TEST(again.encode(input).equal(rounded));
  auto torn = tensors;
  torn["image_encoder.neck.2.weight_scale"] = at::ones({3});
  BOOST_CHECK_THROW(sam_network({torn, {}}, "'torn'"), error);
}

BOOST_AUTO_TEST_CASE(an_encoder_is_rounded_to_eight_bits) {
  is_rounded_and_comes_back(small(), at::rand({1, 3, 64, 64}));
  is_rounded_and_comes_back(small_tiny(), at::rand({1, 3, 32, 48}));
}

BOOST_AUTO_TEST_CASE(wrong_weights_are_sentences) {
  tensor_file made = fresh_sam_weights(small_size());
  const auto says = [&](const std::string& part) { return refusal(made).find(part) != std::string::npos; };
  made.tensors.emplace("mask_decoder.other", at::ones({1}));
  made.tensors["mask_decoder.iou_token.weight"] = at::ones({2, 256});
  made.tensors.erase("prompt_encoder.no_mask_embed.weight");
  BOOST_TEST(says("missing 1 (prompt_encoder.no_mask_embed.weight)"));
  BOOST_TEST(says("surplus 1 (mask_decoder.other)"));
  BOOST_TEST(says("mask_decoder.iou_token.weight is 2x256 instead of 1x256"));
  made = fresh_sam_weights(small_size());
  made.tensors["mask_decoder.iou_token.weight"].fill_(std::nan(""));
  BOOST_TEST(says("mask_decoder.iou_token.weight"));
}

// a window's padding is projected as the bias alone: with all tokens alike, windows that hold padding would differ if it were not
BOOST_AUTO_TEST_CASE(windows_go_back) {
  const at::Tensor x = at::randn({2, 5, 7, 3}), outside = at::randn({3});
  const at::Tensor windows = sam_layers::into_windows(x, 3, outside);
  BOOST_TEST(c10::str(windows.sizes()) == "[12, 3, 3, 3]");
  BOOST_TEST(sam_layers::out_of_windows(windows, 5, 7).equal(x));
  BOOST_TEST(windows[0][1][2].equal(x[0][1][2]));
  BOOST_TEST(windows[5][2][1].equal(outside));
  const c10::InferenceMode no_gradients;
  for (const std::int64_t side : {1, 2, 3, 5, 7, 8}) {
    const at::Tensor at_once = sam_layers::into_windows(x, side, outside);
    const c10::AutoGradMode gradients(true);
    BOOST_TEST(at_once.equal(sam_layers::into_windows(x, side, outside)), "windows of " << side);
  }
}

BOOST_AUTO_TEST_CASE(relative_positions_are_by_difference) {
  const at::Tensor q = at::randn({1, 2, 12, 5}), rows = at::randn({5, 5}), columns = at::randn({7, 5});
  const at::Tensor by_row = sam_layers::relative_rows(q, rows, 3, 4), by_column = sam_layers::relative_columns(q, columns, 3, 4);
  for (std::int64_t i = 0; i < 12; ++i) {
    for (std::int64_t y = 0; y < 3; ++y)
      BOOST_TEST(std::abs((q[0][1][i] * rows[i / 4 - y + 2]).sum().item<float>() - by_row[0][1][i][y].item<float>()) < 1e-4);
    for (std::int64_t x = 0; x < 4; ++x)
      BOOST_TEST(std::abs((q[0][1][i] * columns[i % 4 - x + 3]).sum().item<float>() - by_column[0][1][i][x].item<float>()) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(tables_of_another_size_are_interpolated_as_libtorch_does) {
  for (const auto& [from, to] : {std::pair<std::int64_t, std::int64_t>{14, 9}, {5, 64}, {8, 8}, {3, 1}}) {
    const auto table = at::randn({1, from, from + 2, 7}).requires_grad_(), same = table.detach().clone().requires_grad_();
    const auto found = sam_layers::positions(table, to, to + 5), wanted = at::upsample_bicubic2d(same.permute({0, 3, 1, 2}), {to, to + 5}, false).permute({0, 2, 3, 1});
    BOOST_TEST(at::allclose(found, wanted, 1e-5, 1e-5));
    const auto direction = at::randn(wanted.sizes());
    found.backward(direction);
    wanted.backward(direction);
    BOOST_TEST(at::allclose(table.grad(), same.grad(), 1e-5, 1e-4));
    const auto axis = at::randn({2 * from - 1, 6});
    const auto stretched = at::upsample_linear1d(axis.t().unsqueeze(0), {2 * to - 1}, false).squeeze(0).t();
    BOOST_TEST(at::allclose(sam_layers::relative_table(axis, to), sam_layers::relative_table(stretched, to), 1e-5, 1e-5));
  }
}

BOOST_AUTO_TEST_CASE(quick_decoding_is_the_definition) {
  auto sam = small();
  const at::Tensor one = at::randn({1, 256, 4, 4}), several = at::randn({3, 256, 4, 4});
  for (const bool with_masks : {false, true}) {
    for (const at::Tensor& embedding : {one, several}) {
      sam_prompts prompts = some_prompts(3);
      if (with_masks) prompts.masks = at::randn({3, 1, 16, 16});
      const at::Tensor logit_weights = at::randn({3, 3, 16, 16}), score_weights = at::randn({3, 3});
      const auto gradients = [&] {
        sam.zero_grad();
        const auto masks = sam.decode(embedding.requires_grad_(true), prompts, true);
        (masks.logits.mul(logit_weights).sum() + masks.scores.mul(score_weights).sum()).backward();
        std::map<std::string, at::Tensor> found{{"logits", masks.logits.detach()}, {"scores", masks.scores.detach()}, {"embedding", embedding.grad().clone()}};
        embedding.mutable_grad().reset();
        for (const auto& item : sam.named_parameters()) {
          if (item.value().grad().defined()) found.emplace(item.key(), item.value().grad().clone());
        }
        return found;
      };
      const auto quick = gradients();
      const auto plain = [&] {  // autocast, to the type that is there already, absorbs nothing
        at::autocast::set_autocast_dtype(c10::kCPU, at::kFloat);
        at::autocast::set_autocast_enabled(c10::kCPU, true);
        const auto found = gradients();
        at::autocast::set_autocast_enabled(c10::kCPU, false);
        at::autocast::set_autocast_dtype(c10::kCPU, at::kBFloat16);
        return found;
      }();
      BOOST_TEST(quick.size() == plain.size());
      for (const auto& [name, value] : plain) {
        BOOST_TEST_REQUIRE(quick.contains(name), name);
        if (name.ends_with("k_proj.bias")) continue;  // rounding around 0
        BOOST_TEST(apart(quick.at(name), value) < 1e-4, name);
      }
      const c10::InferenceMode no_gradients;
      const auto answered = sam.decode(embedding, prompts, true);
      BOOST_TEST(apart(answered.logits, plain.at("logits")) < 1e-4);
      BOOST_TEST(apart(answered.scores, plain.at("scores")) < 1e-4);
    }
  }
}

BOOST_AUTO_TEST_CASE(all_ways_through_the_transformer_are_the_definition) {
  auto sam = small();
  axonzoo::named_weights weights;
  for (const auto& item : sam.named_parameters()) weights.emplace(item.key(), item.value());
  const axonzoo::sam_mask_decoder decoder(weights);
  const at::Tensor places = at::randn({16, 256}), given = at::randn({3, 7, 256});
  for (const std::int64_t images : {1, 3}) {
    const at::Tensor image = at::randn({images, 16, 256}), of_tokens = at::randn({3, 7, 256}), of_pixels = at::randn({3, 16, 256});
    using way = decltype(&axonzoo::sam_mask_decoder::plain);
    const auto gradients = [&](way through) {
      sam.zero_grad();
      const at::Tensor pixels = image.detach().clone().requires_grad_(), tokens = given.detach().clone().requires_grad_();
      const auto [answer, seen] = (decoder.*through)(pixels, places, tokens);
      ((answer * of_tokens).sum() + (seen * of_pixels).sum()).backward();
      std::map<std::string, at::Tensor> found{{"answer", answer.detach()}, {"seen", seen.detach()}, {"pixels", pixels.grad()}, {"tokens", tokens.grad()}};
      for (const auto& item : sam.named_parameters()) {
        if (item.value().grad().defined() && !item.key().ends_with("k_proj.bias")) found.emplace(item.key(), item.value().grad().clone());  // keys' biases: rounding around 0
      }
      return found;
    };
    const auto definition = gradients(&axonzoo::sam_mask_decoder::plain);
    for (const way through : {&axonzoo::sam_mask_decoder::at_once, &axonzoo::sam_mask_decoder::absorbed}) {
      const auto found = gradients(through);
      BOOST_TEST(found.size() == definition.size());
      for (const auto& [name, value] : definition) {
        BOOST_TEST_REQUIRE(found.contains(name), name);
        BOOST_TEST(apart(found.at(name), value) < 1e-4, name);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(prompts_do_not_see_each_other) {
  const auto sam = small();
  const c10::InferenceMode no_gradients;
  const at::Tensor embedding = at::randn({1, 256, 4, 4});
  const sam_prompts prompts = some_prompts(4);
  const auto all = sam.decode(embedding, prompts, false), last = sam.decode(embedding, prompts.slice(3, 4), false);
  BOOST_TEST(apart(all.logits.slice(0, 3, 4), last.logits) < 1e-4);
  BOOST_TEST(c10::str(all.logits.sizes()) == "[4, 1, 16, 16]");
}

BOOST_AUTO_TEST_CASE(everything_learns) {
  auto sam = small();
  for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    sam.zero_grad();
    const at::Tensor images = at::randn({1, 3, 64, 64}).to(type);
    sam_prompts prompts = some_prompts(2);
    prompts.masks = at::randn({2, 1, 16, 16});
    const auto masks = sam.decode(sam.encode(images), prompts, true);
    (masks.logits.pow(2).mean() + masks.scores.pow(2).mean()).backward();
    std::size_t without = 0;
    for (const auto& item : sam.named_parameters()) {
      const at::Tensor& gradient = item.value().grad();
      if (!gradient.defined() || !(gradient.abs().sum().item<float>() > 0)) ++without;
      if (gradient.defined()) BOOST_TEST(gradient.isfinite().all().item<bool>(), item.key());
    }
    // the mask alone for clear prompts, what stands for no mask, "not a point", and point kinds that chance left out; keys' biases
    BOOST_TEST(without < 24u);
  }
}

BOOST_AUTO_TEST_CASE(tiny_vit_learns_and_halves) {
  auto sam = small_tiny();
  BOOST_TEST((sam.kind().family == sam_family::lite_medsam && sam.stride() == 4));
  const at::Tensor images = at::randn({2, 3, 32, 48});
  sam.eval();
  const at::Tensor embedding = sam.encode(images);
  BOOST_TEST(c10::str(embedding.sizes()) == "[2, 256, 8, 12]");
  embedding.pow(2).mean().backward();
  const auto parameters = sam.named_parameters();
  BOOST_TEST(parameters["image_encoder.layers.0.blocks.0.conv1.c.weight"].grad().abs().sum().item<float>() > 0);
  BOOST_TEST(apart(sam.encode(images.to(at::kBFloat16)).to(at::kFloat), embedding) < 0.1);
  BOOST_TEST(apart(sam.encode(images.to(at::kHalf)).to(at::kFloat), embedding) < 0.01);
  sam.train();
  BOOST_TEST(apart(sam.encode(images), embedding) > 1e-3);  // by the batch's own statistics
}

BOOST_AUTO_TEST_CASE(storing_weights_narrow_changes_their_values_alone) {
  for (const bool tiny : {false, true}) {
    auto rounded = tiny ? small_tiny() : small(), narrow = tiny ? small_tiny() : small();
    for (auto& parameter : rounded.parameters()) {
      if (parameter.dim() >= 2) parameter.detach().copy_(parameter.detach().to(at::kBFloat16));
    }
    narrow_weights(narrow, at::kBFloat16);
    const at::Tensor images = tiny ? at::randn({1, 3, 32, 48}) : at::randn({1, 3, 64, 64});
    sam_prompts prompts = some_prompts(2);
    prompts.masks = at::randn({2, 1, tiny ? 32 : 16, tiny ? 48 : 16});
    for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf}) {
      const auto answer = [&](sam_network& sam) {
        sam.eval();
        sam.zero_grad();
        const at::Tensor embedding = sam.encode(images.to(type));
        const auto masks = sam.decode(embedding, prompts, true);
        (masks.logits.pow(2).mean() + masks.scores.pow(2).mean()).backward();
        return std::vector<at::Tensor>{embedding.detach(), masks.logits.detach(), masks.scores.detach()};
      };
      const auto wide = answer(rounded), stored = answer(narrow);
      for (std::size_t i = 0; i < wide.size(); ++i) BOOST_TEST(wide[i].equal(stored[i]), tiny << " " << type << " " << i);
      const auto gradients = narrow.named_parameters();
      for (const auto& item : rounded.named_parameters()) {
        const at::Tensor &of_wide = item.value().grad(), &of_stored = gradients[item.key()].grad();
        BOOST_TEST(of_wide.defined() == of_stored.defined(), item.key());
        if (!of_wide.defined() || !(of_wide.abs().max().item<float>() > 0)) continue;
        BOOST_TEST((of_stored.scalar_type() == gradients[item.key()].scalar_type()), item.key());
        BOOST_TEST(apart(of_stored.to(at::kFloat), of_wide) < 0.01, tiny << " " << type << " " << item.key());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(autocast_around_it_changes_no_product) {
  auto sam = small_tiny();
  sam.eval();
  const at::Tensor images = at::randn({1, 3, 32, 48});
  const auto gradients = [&] {
    sam.zero_grad();
    differentiate(sam.encode(images.to(at::kHalf)).to(at::kFloat).pow(2).mean());
    return sam.named_parameters()["image_encoder.layers.1.blocks.0.mlp.fc1.weight"].grad().clone();
  };
  const at::Tensor alone = gradients();
  const auto scope = setting_of("fp16").enter(c10::kCPU);
  BOOST_TEST(alone.equal(gradients()));
}

BOOST_AUTO_TEST_CASE(recomputing_changes_no_bit) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    recomputed_gradients_are_the_same(small(), at::randn({1, 3, 64, 64}).to(type));
    recomputed_gradients_are_the_same(small_tiny(), at::randn({1, 3, 32, 48}).to(type));
  }
}

BOOST_AUTO_TEST_CASE(a_batch_counts_once_in_the_norms_that_train) {
  const at::Tensor images = at::randn({2, 3, 32, 48});
  std::vector<at::Tensor> means;
  for (const bool again : {false, true}) {
    auto sam = small_tiny();
    sam.train();
    sam.recompute(again);
    sam.encode(images).pow(2).mean().backward();
    means.push_back(sam.named_buffers()["image_encoder.layers.0.blocks.0.conv1.bn.running_mean"].clone());
  }
  BOOST_TEST(means[0].equal(means[1]));
}

BOOST_AUTO_TEST_CASE(corrections_lie_where_the_answer_errs) {
  const at::Tensor targets = at::zeros({3, 6, 8}, at::kByte), logits = at::full({3, 6, 8}, -2.f);
  targets[0].narrow(0, 1, 3).narrow(1, 2, 4).fill_(1);  // missed but for a row, and too much in a corner
  logits[0].narrow(0, 1, 1).narrow(1, 2, 4).fill_(3);
  logits[0][5][7] = 1.f;
  targets[1][4][3] = 1;  // missed
  logits[2][0][5] = 1.f;  // too much
  sam_prompts given;
  given.boxes = at::rand({3, 4});
  bool several = false;
  at::Tensor first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    random_stream lots(seed);
    auto prompts = corrected(given, logits, targets, 4, lots);
    BOOST_TEST(c10::str(prompts.points.sizes()) == "[3, 2, 2]");
    BOOST_TEST(prompts.labels.equal(at::tensor({1.f, 0.f, 1.f, -1.f, -1.f, 0.f}).view({3, 2})));
    const at::Tensor places = (prompts.points + 0.5) / 4 - 0.5;  // pixels of the logits
    const auto x = places[0][0][0].item<float>(), y = places[0][0][1].item<float>();
    BOOST_TEST((x >= 2 && x <= 5 && (y == 2 || y == 3)));
    BOOST_TEST(places[0][1].equal(at::tensor({7.f, 5.f})));
    BOOST_TEST(places[1][0].equal(at::tensor({3.f, 4.f})));
    BOOST_TEST(places[2][1].equal(at::tensor({5.f, 0.f})));
    BOOST_TEST((prompts.masks.squeeze(1).equal(logits) && prompts.boxes.equal(given.boxes)));
    if (!first.defined()) first = prompts.points;
    several = several || !first.equal(prompts.points);
    random_stream same(seed);
    BOOST_TEST(corrected(given, logits, targets, 4, same).points.equal(prompts.points));
    BOOST_TEST(corrected(prompts, logits, targets, 4, lots).points.narrow(1, 0, 2).equal(prompts.points));
  }
  BOOST_TEST(several);
}

BOOST_AUTO_TEST_SUITE_END()
