#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include <axonzoo/nn/kernels/exponential.hpp>
#include <axonzoo/nn/kernels/lanes.hpp>

using axonzoo::kernels::lanes;

namespace {

using numbers = std::array<float, lanes::width>;
constexpr float no_number = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

/// Normal numbers, of which some are awkward.
numbers drawn() {
  static std::mt19937 source(7);
  std::normal_distribution<float> normal(0, 3);
  numbers values;
  for (auto& value : values) value = normal(source);
  const float awkward[] = {no_number, 0.0F, -0.0F, infinity, -infinity, 1e-40F, 3e38F};
  for (const float value : awkward) values[source() % values.size()] = value;
  return values;
}

numbers of(const lanes& x) {
  numbers values;
  x.store(values.data());
  return values;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

template <class Ours, class Truth>
void check(const Ours& ours, const Truth& truth) {
  for (int round = 0; round < 50; ++round) {
    const numbers a = drawn(), b = drawn(), c = drawn();
    const numbers found = of(ours(lanes::load(a.data()), lanes::load(b.data()), lanes::load(c.data())));
    for (std::size_t i = 0; i < a.size(); ++i) BOOST_TEST(same(found[i], truth(a[i], b[i], c[i])), i << ": " << a[i] << ", " << b[i] << ", " << c[i]);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(nn_lanes)

BOOST_AUTO_TEST_CASE(arithmetic_is_that_of_floats) {
  check([](lanes a, lanes b, lanes) { return a + b; }, [](float a, float b, float) { return a + b; });
  check([](lanes a, lanes b, lanes) { return a - b; }, [](float a, float b, float) { return a - b; });
  check([](lanes a, lanes b, lanes) { return a * b; }, [](float a, float b, float) { return a * b; });
  check([](lanes a, lanes b, lanes) { return a / b; }, [](float a, float b, float) { return a / b; });
  check([](lanes a, lanes, lanes) { return sqrt(a * a); }, [](float a, float, float) { return std::sqrt(a * a); });
}

BOOST_AUTO_TEST_CASE(comparisons_know_what_is_not_a_number) {
  check([](lanes a, lanes b, lanes) { return max(a, b); }, [](float a, float b, float) { return a > b ? a : b; });
  check([](lanes a, lanes b, lanes) { return where_positive(a, b); }, [](float a, float b, float) { return a > 0 ? b : 0.0F; });
  check([](lanes a, lanes b, lanes c) { return lanes::select(beats(a, b), a, c); }, [](float a, float b, float c) { return a > b || std::isnan(a) ? a : c; });
  check([](lanes a, lanes b, lanes c) { return lanes::select(equal(a, b), a, c); }, [](float a, float b, float c) { return a == b ? a : c; });
}

BOOST_AUTO_TEST_CASE(parts_are_read_with_zeros_and_written_alone) {
  for (std::int64_t n = 0; n <= lanes::width; ++n) {
    const numbers a = drawn();
    const numbers read = of(lanes::load(a.data(), n));
    numbers written;
    written.fill(5);
    lanes::load(a.data()).store(written.data(), n);
    std::array<c10::BFloat16, lanes::width> halves;
    halves.fill(5);
    lanes::load(a.data()).store(halves.data(), n);
    const numbers widened = of(lanes::load(halves.data(), n));
    for (std::int64_t i = 0; i < lanes::width; ++i) {
      const auto at = static_cast<std::size_t>(i);
      BOOST_TEST(same(read[at], i < n ? a[at] : 0.0F));
      BOOST_TEST(same(written[at], i < n ? a[at] : 5.0F));
      // Denormal numbers may become 0: the processor's own conversion makes them so.
      const float rounded = static_cast<float>(c10::BFloat16(a[at]));
      BOOST_TEST((same(static_cast<float>(halves[at]), i < n ? rounded : 5.0F) || std::fpclassify(a[at]) == FP_SUBNORMAL));
      BOOST_TEST((same(widened[at], i < n ? rounded : 0.0F) || std::fpclassify(a[at]) == FP_SUBNORMAL));
    }
  }
}

BOOST_AUTO_TEST_CASE(bytes_come_and_go) {
  std::array<std::uint8_t, lanes::width> bytes{0, 1, 2, 127, 128, 129, 254, 255, 17, 99, 200, 3, 64, 32, 250, 7}, back{};
  lanes::load(bytes.data()).store(back.data());
  BOOST_TEST((back == bytes));
}

BOOST_AUTO_TEST_CASE(a_sum_is_of_all) {
  numbers a;
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(1U << i);
  BOOST_TEST(sum(lanes::load(a.data())) == 65535.0F);
}

#if defined(AXONZOO_VECTORS)

BOOST_AUTO_TEST_CASE(powers_of_two_are_right_to_the_last_place_or_nearly) {
  for (float x = -160; x < 127; x += 0.37F) {
    const double truth = std::exp2(static_cast<double>(x));
    const float found = of(axonzoo::kernels::power_of_two<float>(lanes::all(x)))[3], rough = of(axonzoo::kernels::power_of_two<c10::BFloat16>(lanes::all(x)))[12];
    const double least = x < -126 ? 1.2e-38 : 2e-45;  // what is denormal may be 0
    BOOST_TEST(std::abs(found - truth) <= 2e-7 * truth + least);
    BOOST_TEST(std::abs(rough - truth) <= 2e-4 * truth + least);
  }
  BOOST_TEST(std::isnan(of(axonzoo::kernels::power_of_two<float>(lanes::all(no_number)))[0]));
  BOOST_TEST(of(axonzoo::kernels::power_of_two<float>(lanes::all(-infinity)))[0] == 0.0F);
}

BOOST_AUTO_TEST_CASE(the_greatest_is_of_all) {
  for (std::size_t i = 0; i < lanes::width; ++i) {
    numbers a;
    a.fill(-infinity);
    a[i] = -2.5F;
    BOOST_TEST(greatest(lanes::load(a.data())) == -2.5F);
  }
}

#endif

BOOST_AUTO_TEST_SUITE_END()
