#include <boost/test/unit_test.hpp>

#include <cmath>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/convolution.hpp>
#include <axonzoo/nn/kernels/amx.hpp>
#include <axonzoo/nn/kernels/convolution.hpp>
#include <axonzoo/nn/product_layer.hpp>
#include <axonzoo/nn/quantised_convolution.hpp>

#include "compared.hpp"

using compared::apart;
using compared::leaf;

namespace {

struct layer {
  std::int64_t images, in, out, height, width, kernel, stride, padding;
  [[nodiscard]] std::string name() const {
    std::ostringstream text;
    text << images << "x" << in << "->" << out << " @" << height << "x" << width << " k" << kernel << " s" << stride << " p" << padding;
    return text.str();
  }
};

/// Odd and pruned widths, every count of vectors in a block, remainders of tiles, 1x1 images, strides beyond the kernel.
const layer layers[] = {
    {2, 1, 24, 19, 33, 3, 1, 1},  {1, 3, 7, 12, 12, 3, 1, 1},  {2, 7, 33, 9, 14, 3, 2, 1},   {1, 24, 48, 16, 16, 3, 2, 1},
    {3, 33, 24, 8, 11, 3, 1, 1},  {1, 48, 40, 5, 13, 1, 1, 0}, {2, 24, 3, 6, 70, 1, 1, 0},   {1, 5, 57, 1, 1, 3, 1, 1},
    {2, 16, 130, 4, 4, 3, 1, 1},  {1, 4, 9, 11, 10, 5, 3, 2},  {1, 6, 8, 9, 9, 1, 2, 0},     {1, 3, 20, 32, 32, 16, 16, 0},
    {1, 2, 1, 30, 260, 3, 1, 1}, {4, 64, 96, 8, 8, 3, 1, 1},  {1, 130, 17, 10, 60, 3, 1, 1},
    {2, 48, 33, 13, 7, 3, 1, 1}, {1, 37, 56, 6, 270, 3, 1, 0}, {3, 50, 24, 9, 11, 3, 1, 2}};

at::Tensor normal(at::IntArrayRef sizes) { return at::randn(sizes).contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor whole_weights(at::IntArrayRef sizes) { return at::randint(-127, 128, sizes, at::kChar).contiguous(at::MemoryFormat::ChannelsLast); }

/// The numbers that the kernel sees, in double.
at::Tensor seen(const at::Tensor& x, at::ScalarType type) { return leaf(x.detach().to(type).to(at::kDouble)); }

/// Weights are rounded too, but where bfloat16 is widened for want of a product of pairs.
at::ScalarType type_of_weights(at::ScalarType type) {
  return axonzoo::kernels::available<c10::BFloat16> && std::is_same_v<axonzoo::kernels::factor<c10::BFloat16>, float> ? at::kFloat : type;
}

/// Winograd's transforms round bfloat16 once more, ATen rounds gradients of weights.
double bound(at::ScalarType type, bool sums) {
  if (type == at::kFloat) return 1e-5;
  if (axonzoo::kernels::winograd_allowed() || !axonzoo::kernels::available<c10::BFloat16>) return 1e-2;
  return sums ? 1e-4 : 5e-3;
}

template <class Ours, class Truth>
void check(const std::string& name, at::ScalarType type, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
           const Ours& ours, const Truth& truth) {
  const double of_output = bound(type, false), of_sums = bound(type, true);
  BOOST_TEST_CONTEXT(name << (type == at::kFloat ? " float32" : " bfloat16")) {
    const at::Tensor x1 = leaf(x.to(type)), w1 = leaf(weight), b1 = bias.defined() ? leaf(bias) : bias;
    const at::Tensor x2 = seen(x, type), w2 = seen(weight, type_of_weights(type)), b2 = bias.defined() ? seen(bias, at::kFloat) : bias;
    const at::Tensor y = ours(x1, w1, b1), expected = truth(x2, w2, b2);
    BOOST_TEST(y.scalar_type() == type);
    BOOST_TEST(apart(y, expected) < of_output);
    const at::Tensor gradient = at::randn_like(y);
    y.backward(gradient);
    expected.backward(gradient.to(at::kDouble));
    BOOST_TEST(apart(x1.grad(), x2.grad()) < of_output);
    BOOST_TEST(w1.grad().scalar_type() == at::kFloat);
    BOOST_TEST(apart(w1.grad(), w2.grad()) < of_sums);
    const double typical = std::sqrt(static_cast<double>(y.numel() / y.size(1)));  // of a sum of so many, which may cancel
    if (bias.defined()) BOOST_TEST(b1.grad().to(at::kDouble).sub(b2.grad()).abs().max().item<double>() / typical < of_sums);
  }
}

struct direct_sums {
  direct_sums() { axonzoo::kernels::winograd_allowed() = false; }
  ~direct_sums() { axonzoo::kernels::winograd_allowed() = true; }
};

struct without_tiles {
  bool before = axonzoo::kernels::amx::allowed().exchange(false);
  ~without_tiles() { axonzoo::kernels::amx::allowed() = before; }
};

void check_layers(bool channels_last) {
  for (const auto& l : layers) {
    at::Tensor x = normal({l.images, l.in, l.height, l.width}), weight = normal({l.out, l.in, l.kernel, l.kernel});
    const at::Tensor bias = l.out % 2 == 1 ? at::randn({l.out}) : at::Tensor();
    if (!channels_last) {
      x = x.contiguous();
      weight = weight.contiguous();
    }
    const auto ours = [&](const at::Tensor& a, const at::Tensor& w, const at::Tensor& b) { return axonzoo::convolution(a, w, b, l.stride, l.padding); };
    const auto truth = [&](const at::Tensor& a, const at::Tensor& w, const at::Tensor& b) { return at::conv2d(a, w, b, l.stride, l.padding); };
    for (const auto type : {at::kFloat, at::kBFloat16}) check(l.name(), type, x, weight, bias, ours, truth);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_convolution)

BOOST_AUTO_TEST_CASE(equals_the_definition_with_its_gradients) { check_layers(true); }

BOOST_AUTO_TEST_CASE(equals_the_definition_with_its_gradients_by_direct_sums) {
  const direct_sums direct;
  check_layers(true);
  check_layers(false);
}

BOOST_AUTO_TEST_CASE(equals_the_definition_where_a_processor_with_tiles_does_without) {
  const without_tiles vectors;
  if (!vectors.before) return;  // the cases above did
  check_layers(true);
  const direct_sums direct;
  check_layers(true);
}

BOOST_AUTO_TEST_CASE(a_slice_of_channels_needs_no_copy_and_gives_the_same) {
  const at::Tensor whole = normal({2, 40, 9, 12}), weight = normal({24, 16, 3, 3});
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor slice = whole.to(type).narrow(1, 7, 16);
    const auto y = axonzoo::convolution(slice, weight, {}, 1, 1);
    BOOST_TEST(y.equal(axonzoo::convolution(slice.contiguous(at::MemoryFormat::ChannelsLast), weight, {}, 1, 1)));
  }
}

BOOST_AUTO_TEST_CASE(concatenated_inputs_equal_their_copy_with_all_gradients) {
  for (const auto& [first, second] : {std::pair{24, 24}, {5, 16}, {33, 7}, {48, 31}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor a = normal({2, first, 10, 14}).to(type), b = normal({2, second, 10, 14}).to(type);
      const at::Tensor weight = normal({20, first + second, 3, 3});
      const at::Tensor a1 = leaf(a), b1 = leaf(b), w1 = leaf(weight), a2 = leaf(a), b2 = leaf(b), w2 = leaf(weight);
      const auto y = axonzoo::convolution_of_concatenated(a1, b1, w1, {}, 1, 1);
      const auto expected = axonzoo::convolution(at::cat({a2, b2}, 1), w2, {}, 1, 1);
      BOOST_TEST(y.equal(expected));
      const at::Tensor gradient = at::randn_like(y);
      y.backward(gradient);
      expected.backward(gradient);
      BOOST_TEST(a1.grad().equal(a2.grad()));
      BOOST_TEST(b1.grad().equal(b2.grad()));
      BOOST_TEST(w1.grad().equal(w2.grad()));
    }
  }
}

BOOST_AUTO_TEST_CASE(transposed_equals_the_definition_with_its_gradients) {
  for (const auto& [in, out, height, width] : {std::tuple{48, 24, 16, 16}, {7, 5, 3, 9}, {33, 1, 1, 1}, {16, 100, 6, 4}}) {
    const at::Tensor x = normal({2, in, height, width}), weight = normal({in, out, 2, 2}), bias = out > 1 ? at::randn({out}) : at::Tensor();
    const auto ours = [](const at::Tensor& a, const at::Tensor& w, const at::Tensor& b) { return axonzoo::transposed_convolution_2x2(a, w, b); };
    const auto truth = [](const at::Tensor& a, const at::Tensor& w, const at::Tensor& b) { return at::conv_transpose2d(a, w, b, 2); };
    const std::string name = layer{2, in, out, height, width, 2, 2, 0}.name();
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      check(name, type, x, weight, bias, ours, truth);
      check(name, type, x.contiguous(), weight.contiguous(), bias, ours, truth);
    }
    // the way of GPUs in float32
    check(name, at::kFloat, x, weight, bias, [](const at::Tensor& a, const at::Tensor& w, const at::Tensor& b) { return axonzoo::reference::transposed_convolution_by_product(a, w, b); }, truth);
  }
}

/// Sums of whole numbers are exact, so only the last two roundings to float part them from the definition in double.
BOOST_AUTO_TEST_CASE(eight_bits_equal_their_definition_whichever_way_they_are_summed) {
  const auto range = axonzoo::activation_range::reaching(-1.5, 3);  // what lies beyond is cut
  const auto layers_in_eight_bits = [&] {
    for (const auto& l : layers) {
      const at::Tensor x = normal({l.images, l.in, l.height, l.width}), bias = l.out % 2 == 1 ? at::randn({l.out}) : at::Tensor();
      axonzoo::quantised_filters filters(whole_weights({l.out, l.in, l.kernel, l.kernel}), at::rand({l.out}) + 0.1, range, false);
      const auto expected = filters.convolved_reference(x, bias, l.stride, l.padding);
      BOOST_TEST_CONTEXT(l.name()) {
        for (int again = 0; again < 2; ++again) BOOST_TEST(apart(filters.convolved(x, {}, bias, l.stride, l.padding), expected) < 5e-7);
        BOOST_TEST(apart(filters.convolved(x.contiguous(), {}, bias, l.stride, l.padding), expected) < 5e-7);
        if (l.in < 2) continue;
        const auto a = x.narrow(1, 0, l.in / 2), b = x.narrow(1, l.in / 2, l.in - l.in / 2);
        BOOST_TEST(apart(filters.convolved(a, b, bias, l.stride, l.padding), expected) < 5e-7);
      }
    }
  };
  layers_in_eight_bits();
  {
    const direct_sums direct;
    layers_in_eight_bits();
  }
  for (const auto& [in, out, height, width] : {std::tuple{48, 24, 16, 16}, {7, 5, 3, 9}, {33, 1, 1, 1}, {16, 100, 6, 4}}) {
    const at::Tensor x = normal({2, in, height, width}), bias = at::randn({out});
    axonzoo::quantised_filters filters(whole_weights({in, out, 2, 2}), at::rand({out}) + 0.1, range, true);
    BOOST_TEST(apart(filters.convolved(x, {}, bias, 2, 0), filters.convolved_reference(x, bias, 2, 0)) < 5e-7);
  }
}

struct pairs_alone {
  pairs_alone() { axonzoo::kernels::fours_allowed() = false; }
  ~pairs_alone() { axonzoo::kernels::fours_allowed() = true; }
};

/// Sums are exact, so that the products that a processor has make no difference, to the bit; not even for what is no number.
BOOST_AUTO_TEST_CASE(eight_bits_give_the_same_multiplied_in_pairs_in_fours_and_in_tiles) {
  const auto draw = [](int low, int high) { return low + static_cast<int>(at::randint(high - low + 1, {1}).item<std::int64_t>()); };
  for (int round = 0; round < 60; ++round) {
    const bool transposed = round % 6 == 0;
    const int kernel = transposed ? 2 : draw(1, 3), stride = transposed ? 2 : draw(1, 2), padding = transposed ? 0 : draw(0, kernel / 2);
    const int images = draw(1, 3), in = draw(1, 90), out = draw(1, 110), height = draw(kernel, 21), width = draw(kernel, 40);
    auto x = at::randn({images, in, height, width});
    x.view(-1).index_put_({at::randint(x.numel(), {3}, at::kLong)}, at::tensor({NAN, 1e30F, -1e30F}));
    x = x.contiguous(at::MemoryFormat::ChannelsLast);
    const auto weight = transposed ? whole_weights({in, out, 2, 2}) : whole_weights({out, in, kernel, kernel});
    const auto bias = draw(0, 1) == 1 ? at::randn({out}) : at::Tensor();
    axonzoo::quantised_filters filters(weight, at::rand({out}) + 0.1, {0.003F + 0.03F * at::rand({1}).item<float>(), draw(-255, 0)}, transposed);
    const int first = draw(0, in - 1);
    const auto of = [&](const at::Tensor& all) {
      if (first == 0) return filters.convolved(all, {}, bias, stride, padding);
      return filters.convolved(all.narrow(1, 0, first), all.narrow(1, first, in - first), bias, stride, padding);
    };
    const auto fastest = of(x);
    const auto without = [&](auto) { return of(x); };
    BOOST_TEST_CONTEXT(images << "x" << in << "->" << out << " @" << height << "x" << width << " k" << kernel << " s" << stride << " p" << padding) {
      BOOST_TEST(fastest.equal(without(without_tiles{})));
      BOOST_TEST(fastest.equal(without(pairs_alone{})));
    }
  }
}

/// What comes in bfloat16 is rounded from there, and what comes out is rounded to it, alike by tiles, fours and pairs.
BOOST_AUTO_TEST_CASE(eight_bits_of_bfloat16_are_those_of_its_numbers) {
  const auto range = axonzoo::activation_range::reaching(-1.5, 3);
  const auto in_bfloat16 = [&] {
    for (const auto& l : layers) {
      const at::Tensor x = normal({l.images, l.in, l.height, l.width}).to(at::kBFloat16), bias = l.out % 2 == 1 ? at::randn({l.out}) : at::Tensor();
      axonzoo::quantised_filters filters(whole_weights({l.out, l.in, l.kernel, l.kernel}), at::rand({l.out}) + 0.1, range, false);
      const auto of_floats = filters.convolved(x.to(at::kFloat), {}, bias, l.stride, l.padding).to(at::kBFloat16);
      BOOST_TEST_CONTEXT(l.name()) {
        BOOST_TEST(filters.convolved(x, {}, bias, l.stride, l.padding).equal(of_floats));
        if (l.in < 2) continue;
        const auto a = x.narrow(1, 0, l.in / 2), b = x.narrow(1, l.in / 2, l.in - l.in / 2);
        BOOST_TEST(filters.convolved(a, b, bias, l.stride, l.padding).equal(of_floats));
      }
    }
    const at::Tensor x = normal({2, 48, 16, 15}).to(at::kBFloat16), bias = at::randn({24});
    axonzoo::quantised_filters filters(whole_weights({48, 24, 2, 2}), at::rand({24}) + 0.1, range, true);
    BOOST_TEST(filters.convolved(x, {}, bias, 2, 0).equal(filters.convolved(x.to(at::kFloat), {}, bias, 2, 0).to(at::kBFloat16)));
  };
  in_bfloat16();
  {
    const without_tiles vectors;
    in_bfloat16();
  }
  const pairs_alone pairs;
  in_bfloat16();
}

/// A matrix is rounded as filters are: what comes out is the product of the rounded numbers.
BOOST_AUTO_TEST_CASE(rows_are_multiplied_in_eight_bits) {
  for (const auto& [sizes, outs] : {std::pair{std::vector<std::int64_t>{2, 9, 13, 40}, 33}, {{3, 77, 20}, 50}, {{21}, 16}}) {
    const at::Tensor x = at::randn(sizes), weight = at::randn({outs, sizes.back()}), bias = at::randn({outs});
    const auto range = axonzoo::activation_range::reaching(-2, 2.5);
    axonzoo::product_layer layer(weight.clone());
    BOOST_TEST(layer.linear(x, bias).equal(axonzoo::linear(x, weight, bias)));
    layer.quantise(range);
    const auto scale = weight.abs().amax(1, true) / 127, rows = (x.to(at::kDouble) / range.scale).round().clamp(range.lowest, range.highest()) * range.scale;
    const auto expected = at::linear(rows, ((weight / scale).round() * scale).to(at::kDouble), bias.to(at::kDouble));
    BOOST_TEST(apart(layer.linear(x, bias), expected) < 1e-2);  // a number between two steps may fall to either
    BOOST_TEST((layer.linear(x, bias) - expected).abs().mean().item<double>() < 1e-3);
  }
}

/// The largest sums that occur: all inputs and weights at the ends of their ranges, as many channels as SegNet has and more.
BOOST_AUTO_TEST_CASE(eight_bits_do_not_overflow) {
  for (const int in : {512, 1024, 1801}) {
    for (const float sign : {-1.0F, 1.0F}) {
      const at::Tensor x = at::full({1, in, 8, 8}, 300.0F), weight = at::full({16, in, 3, 3}, static_cast<int>(127 * sign), at::kChar);
      axonzoo::quantised_filters filters(weight, at::ones({16}), axonzoo::activation_range{1, 0}, false);
      BOOST_TEST(apart(filters.convolved(x, {}, {}, 1, 1), filters.convolved_reference(x, {}, 1, 1)) < 5e-7);
    }
  }
}

/// What is kept is used from the second call on, in each precision and whichever way is the faster one there; not where gradients are made.
BOOST_AUTO_TEST_CASE(filters_that_are_kept_give_the_same) {
  for (const auto& [in, out, side, kernel, stride] : {std::tuple{24, 40, 20, 3, 1}, {24, 40, 20, 3, 2}, {17, 5, 9, 1, 1}, {96, 64, 12, 3, 1}}) {
    const at::Tensor weight = normal({out, in, kernel, kernel}), bias = at::randn({out}), changed = weight + 1;
    axonzoo::kept_filters kept;
    for (const auto type : {at::kFloat, at::kBFloat16, at::kFloat}) {
      const at::Tensor x = normal({2, in, side, side}).to(type);
      const auto expected = axonzoo::convolution(x, weight, bias, stride, kernel / 2);
      const at::NoGradGuard no_gradients;
      for (int again = 0; again < 2; ++again) BOOST_TEST(axonzoo::convolution(x, weight, bias, stride, kernel / 2, &kept).equal(expected));
      const auto parts = axonzoo::convolution_of_concatenated(x.narrow(1, 0, in / 2), x.narrow(1, in / 2, in - in / 2), weight, bias, stride, kernel / 2, &kept);
      BOOST_TEST(parts.equal(expected));
#if defined(AXONZOO_VECTORS)
      if (axonzoo::kernels::can_convolve(x)) BOOST_TEST(axonzoo::convolution(x, changed, bias, stride, kernel / 2, &kept).equal(expected));  // they are what is read
#endif
      const at::AutoGradMode gradients(true);
      BOOST_TEST(!axonzoo::convolution(x, changed, bias, stride, kernel / 2, &kept).equal(expected));
    }
  }
  const at::Tensor weight = normal({48, 24, 2, 2}), bias = at::randn({24});
  axonzoo::kept_filters kept;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = normal({1, 48, 10, 7}).to(type);
    const auto expected = axonzoo::transposed_convolution_2x2(x, weight, bias);
    const at::NoGradGuard no_gradients;
    for (int again = 0; again < 2; ++again) BOOST_TEST(axonzoo::transposed_convolution_2x2(x, weight, bias, &kept).equal(expected));
  }
}

BOOST_AUTO_TEST_CASE(no_gradient_is_made_for_images_that_need_none) {
  const at::Tensor weight = leaf(normal({8, 3, 3, 3})), x = normal({1, 3, 8, 8});
  axonzoo::convolution(x, weight, {}, 1, 1).sum().backward();
  BOOST_TEST(!x.grad().defined());
  BOOST_TEST(weight.grad().defined());
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit_are_a_sentence) {
  const auto says = [](const std::string& words) {
    return [words](const axonzoo::error& e) { return std::string(e.what()).find(words) != std::string::npos; };
  };
  BOOST_CHECK_EXCEPTION(axonzoo::convolution(at::zeros({1, 3, 8, 8}), at::zeros({4, 2, 3, 3}), {}, 1, 1), axonzoo::error, says("[1, 3, 8, 8]"));
  BOOST_CHECK_EXCEPTION(axonzoo::convolution(at::zeros({1, 3, 2, 8}), at::zeros({4, 3, 5, 5}), {}, 1, 1), axonzoo::error, says("[4, 3, 5, 5]"));
  BOOST_CHECK_EXCEPTION(axonzoo::transposed_convolution_2x2(at::zeros({1, 3, 8, 8}), at::zeros({4, 2, 2, 2}), {}), axonzoo::error, says("upsampling"));
}

BOOST_AUTO_TEST_SUITE_END()
