#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <axonzoo/nn/kernels/band.hpp>
#include <axonzoo/nn/kernels/pixels.hpp>
#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_VECTORS)

namespace axonzoo::kernels {

#if defined(AXONZOO_AVX512)

/// to[i] = (a[i], b[i]); null is a row of zeros.
inline void interleave(const c10::BFloat16* a, const c10::BFloat16* b, std::int64_t count, std::uint32_t* to) {
  alignas(64) static constexpr auto low = [] {
    std::array<std::uint16_t, 64> order{};
    for (std::uint16_t i = 0; i < 64; ++i) order[i] = static_cast<std::uint16_t>(i / 2 + 32 * (i % 2));
    return order;
  }();
  const __m512i first = _mm512_load_si512(low.data()), second = _mm512_load_si512(low.data() + 32);
  for (std::int64_t i = 0; i < count; i += 32) {
    const std::int64_t left = std::min<std::int64_t>(32, count - i);
    const auto mask = static_cast<__mmask32>((std::uint64_t{1} << left) - 1U);
    const __m512i x = _mm512_maskz_loadu_epi16(a == nullptr ? 0 : mask, a + i);
    const __m512i y = _mm512_maskz_loadu_epi16(b == nullptr ? 0 : mask, b + i);
    _mm512_mask_storeu_epi32(to + i, static_cast<__mmask16>(mask), _mm512_permutex2var_epi16(x, first, y));
    _mm512_mask_storeu_epi32(to + i + 16, static_cast<__mmask16>(mask >> 16), _mm512_permutex2var_epi16(x, second, y));
  }
}

#else

/// The same, for the compiler to vectorise.
inline void interleave(const c10::BFloat16* a, const c10::BFloat16* b, std::int64_t count, std::uint32_t* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] = (a == nullptr ? 0U : a[i].x) | static_cast<std::uint32_t>(b == nullptr ? 0 : b[i].x) << 16;
  }
}

#endif

/// Row `first` and row `second` of image n side by side, [pixel][channel] with `pitch` units a pixel; zero outside of the image.
inline void pair_rows(const std::vector<pixels<const c10::BFloat16>>& inputs, std::int64_t n, std::int64_t first, std::int64_t second, std::int64_t x,
                      std::int64_t count, std::int64_t pitch, std::uint32_t* to) {
  const auto& shape = inputs.front();
  const std::int64_t from = std::clamp<std::int64_t>(-x, 0, count), until = std::clamp<std::int64_t>(shape.width - x, from, count);
  const auto clear = [to, pitch](std::int64_t begin, std::int64_t end) {
    std::memset(to + begin * pitch, 0, static_cast<std::size_t>((end - begin) * pitch) * 4);
  };
  const auto inside = [&shape](std::int64_t y) { return y >= 0 && y < shape.height; };
  if (!inside(first) && !inside(second)) return clear(0, count);
  clear(0, from);
  clear(until, count);
  std::int64_t offset = 0;
  for (const auto& input : inputs) {
    const std::int64_t skip = (x + from) * input.pixel_stride;
    const auto* a = inside(first) ? input.row(n, first) + skip : nullptr;
    const auto* b = inside(second) ? input.row(n, second) + skip : nullptr;
    std::uint32_t* target = to + from * pitch + offset;
    if (input.channels == pitch && input.pixel_stride == pitch) {
      interleave(a, b, (until - from) * pitch, target);
    } else {
      for (std::int64_t p = from; p < until; ++p, target += pitch) {
        interleave(a, b, input.channels, target);
        if (a != nullptr) a += input.pixel_stride;
        if (b != nullptr) b += input.pixel_stride;
      }
    }
    offset += input.channels;
  }
  if (offset == pitch) return;
  for (std::int64_t p = from; p < until; ++p) {
    std::memset(to + p * pitch + offset, 0, static_cast<std::size_t>(pitch - offset) * 4);
  }
}

/// Units of rows that a gradient sums over, [pixel][channel] with `pitch` units a pixel: row `first` and row `second` of image n
/// side by side for products of bfloat16, row `first` alone for those of float. Rows and pixels outside of the image are zero.
template <class Factor, class T>
void unit_row(const std::vector<pixels<const T>>& inputs, std::int64_t n, std::int64_t first, [[maybe_unused]] std::int64_t second, std::int64_t x,
              std::int64_t count, std::int64_t pitch, std::uint32_t* to) {
  if constexpr (std::is_same_v<Factor, float>) {
    copy_row(inputs, n, first, x, count, pitch, reinterpret_cast<float*>(to));
  } else {
    pair_rows(inputs, n, first, second, x, count, pitch, to);
  }
}

}  // namespace axonzoo::kernels

#endif
