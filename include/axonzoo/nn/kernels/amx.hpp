#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include <c10/util/BFloat16.h>

#include <axonzoo/nn/kernels/vector.hpp>

#if defined(AXONZOO_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/// Products of bfloat16, and of whole numbers of 8 bits, in AMX's tile registers: eight of 16 rows of 64 bytes. A product takes 16 rows by 16 units of a and 16 units by
/// 16 lanes of b, which is how packed weights lie, and adds to 16 x 16 floats, or whole numbers of 32 bits whose bits lie where floats do.
namespace axonzoo::kernels::amx {

/// Whether products may use the tiles: Linux grants them to a process on request (Documentation/arch/x86/xstate.rst).
inline std::atomic<bool>& allowed() {
#if defined(AXONZOO_AMX)
  constexpr long request_permission = 0x1023, tile_data = 18;
  static std::atomic<bool> is{::syscall(SYS_arch_prctl, request_permission, tile_data) == 0};
#else
  static std::atomic<bool> is{false};
#endif
  return is;
}

/// Whether this build multiplies T in tiles.
template <class T>
#if defined(AXONZOO_AMX)
inline constexpr bool has_products = std::is_same_v<T, c10::BFloat16> || std::is_same_v<T, std::uint8_t>;
#else
inline constexpr bool has_products = false;
#endif

/// Whether products of T are made in tiles.
template <class T>
bool multiplies() {
  return has_products<T> && allowed();
}

#if defined(AXONZOO_AMX)

/// Rows, lanes and units of one tile.
inline constexpr std::int64_t side = 16;

/// How `count` units are cut into equal steps that a tile holds.
struct steps {
  std::int64_t count = 0, units = 0;

  static steps of(std::int64_t units) {
    const std::int64_t count = (units + side - 1) / side;
    return {count, (units + count - 1) / count};
  }
  /// The fewest that leave no rest.
  static steps dividing(std::int64_t units) {
    steps s = of(units);
    while (units % s.count != 0) ++s.count;
    s.units = units / s.count;
    return s;
  }
  [[nodiscard]] std::int64_t padded() const { return count * units; }
};

/// Tiles for the product of two groups of rows with two groups of lanes; the second of either may be empty. Tiles 0 to 3 are the sums, 4 and 5 hold a, 6 and 7 b.
class shapes {
 public:
  shapes() = default;
  shapes(const shapes&) = delete;
  shapes& operator=(const shapes&) = delete;
  ~shapes() {
    if (rows_[0] != 0) _tile_release();
  }

  void set(std::int64_t first_rows, std::int64_t second_rows, std::int64_t first_lanes, std::int64_t second_lanes, std::int64_t units) {
    const std::int64_t wanted[5] = {first_rows, second_rows, first_lanes, second_lanes, units};
    bool same = true;
    for (int i = 0; i < 5; ++i) same = same && wanted[i] == is_[i];
    if (same) return;
    for (int i = 0; i < 5; ++i) is_[i] = wanted[i];
    for (int r = 0; r < 2; ++r) {
      for (int l = 0; l < 2; ++l) shape(2 * r + l, wanted[r], 4 * wanted[2 + l]);
      shape(4 + r, wanted[r], 4 * units);
      shape(6 + r, units, 4 * wanted[2 + r]);
    }
    asm volatile("" : : "r"(this) : "memory");  // the intrinsic owns to reading 8 of the 64 bytes
    _tile_loadconfig(this);
  }

 private:
  void shape(int tile, std::int64_t rows, std::int64_t bytes) {
    const bool empty = rows == 0 || bytes == 0;
    rows_[tile] = static_cast<std::uint8_t>(empty ? 0 : rows);
    bytes_[tile] = static_cast<std::uint16_t>(empty ? 0 : bytes);
  }

  // What LDTILECFG reads: 64 bytes.
  std::uint8_t palette_ = 1, start_row_ = 0, reserved_[14] = {};
  std::uint16_t bytes_[16] = {};
  std::uint8_t rows_[16] = {};
  std::int64_t is_[5] = {};
};

/// The compiler does not know what memory tiles read.
inline void memory_is_written() { asm volatile("" ::: "memory"); }

/// Where the operands of a product lie; strides in bytes. The sum runs over `blocks` of `count` steps each.
struct operands {
  const char *a = nullptr, *second_a = nullptr, *b = nullptr;
  std::int64_t a_row = 0, a_block = 0;
  std::int64_t b_unit = 0, b_block = 0;
  std::int64_t blocks = 1;
  steps inner;
};

// The compiler takes the numbers of tiles from the text.
#define AXONZOO_ADD_PRODUCT(sum, a, b)               \
  if constexpr (std::is_same_v<T, c10::BFloat16>) {  \
    _tile_dpbf16ps(sum, a, b);                       \
  } else {                                           \
    _tile_dpbusd(sum, a, b);                         \
  }

/// Adds products of T to the sums' tiles; whole numbers of a have no sign, those of b one.
template <class T, bool TwoRows, bool TwoLanes>
[[gnu::always_inline]] inline void add_products(const operands& o) {
  const char *a = o.a, *second = o.second_a, *b = o.b;
  const std::int64_t along = 4 * o.inner.units, down = o.inner.units * o.b_unit;
  for (std::int64_t block = 0; block < o.blocks; ++block, a += o.a_block, second += o.a_block, b += o.b_block) {
    for (std::int64_t step = 0; step < o.inner.count; ++step) {
      _tile_loadd(6, b + step * down, o.b_unit);
      _tile_loadd(4, a + step * along, o.a_row);
      AXONZOO_ADD_PRODUCT(0, 4, 6)
      if constexpr (TwoLanes) {
        _tile_loadd(7, b + step * down + 64, o.b_unit);
        AXONZOO_ADD_PRODUCT(1, 4, 7)
      }
      if constexpr (TwoRows) {
        _tile_loadd(5, second + step * along, o.a_row);
        AXONZOO_ADD_PRODUCT(2, 5, 6)
        if constexpr (TwoLanes) {
          AXONZOO_ADD_PRODUCT(3, 5, 7)
        }
      }
    }
  }
}

#undef AXONZOO_ADD_PRODUCT

/// Sums of up to 32 rows and 32 lanes: from memory, `pitch` bytes a row, or zeros; and back.
template <bool TwoRows, bool TwoLanes>
[[gnu::always_inline]] inline void load_sums(const float* first, const float* second, std::int64_t pitch) {
  _tile_loadd(0, first, pitch);
  if constexpr (TwoLanes) _tile_loadd(1, first + side, pitch);
  if constexpr (TwoRows) _tile_loadd(2, second, pitch);
  if constexpr (TwoRows && TwoLanes) _tile_loadd(3, second + side, pitch);
}

template <bool TwoRows, bool TwoLanes>
[[gnu::always_inline]] inline void zero_sums() {
  _tile_zero(0);
  if constexpr (TwoLanes) _tile_zero(1);
  if constexpr (TwoRows) _tile_zero(2);
  if constexpr (TwoRows && TwoLanes) _tile_zero(3);
}

template <bool TwoRows, bool TwoLanes>
[[gnu::always_inline]] inline void store_sums(float* first, float* second, std::int64_t pitch) {
  _tile_stored(0, first, pitch);
  if constexpr (TwoLanes) _tile_stored(1, first + side, pitch);
  if constexpr (TwoRows) _tile_stored(2, second, pitch);
  if constexpr (TwoRows && TwoLanes) _tile_stored(3, second + side, pitch);
  memory_is_written();
}

/// Adds the products of bfloat16 to the sums in memory, or puts them there.
template <bool TwoRows, bool TwoLanes>
void multiply_tiles(const operands& o, bool add, float* first, float* second, std::int64_t pitch) {
  if (add) {
    load_sums<TwoRows, TwoLanes>(first, second, pitch);
  } else {
    zero_sums<TwoRows, TwoLanes>();
  }
  add_products<c10::BFloat16, TwoRows, TwoLanes>(o);
  store_sums<TwoRows, TwoLanes>(first, second, pitch);
}

/// work(whether there are two groups of rows, of lanes), as constants.
template <class Work>
[[gnu::always_inline]] inline void with_groups(bool two_rows, bool two_lanes, const Work& work) {
  using yes = std::true_type;
  using no = std::false_type;
  if (two_rows) {
    two_lanes ? work(yes(), yes()) : work(yes(), no());
  } else {
    two_lanes ? work(no(), yes()) : work(no(), no());
  }
}

#endif

}  // namespace axonzoo::kernels::amx
