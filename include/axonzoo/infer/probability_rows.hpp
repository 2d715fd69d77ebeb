#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <axonzoo/core/image.hpp>
#include <axonzoo/data/prepared_rows.hpp>
#include <axonzoo/infer/tiles.hpp>

namespace axonzoo {

/// `class_probabilities`, number for number, of an image whose rows come from top to bottom: held are as many rows as a tile has.
class probability_rows {
 public:
  /// Rows from `first` on come. `source` and `of_tiles` must outlive this.
  probability_rows(prepared_rows& source, const tile_probabilities& of_tiles, std::int64_t side, const tile_options& options, std::int64_t first = 0)
      : source_(source), of_tiles_(of_tiles), options_(options), side_(side), row_(first) {
    const auto height = static_cast<std::int64_t>(source.height()), width = static_cast<std::int64_t>(source.width());
    wide_ = std::max(width, side);
    rows_ = detail::tile_origins(std::max(height, side), side, options.overlap);
    columns_ = detail::tile_origins(wide_, side, options.overlap);
    while (next_ + 1 < rows_.size() && rows_[next_] + side <= first) ++next_;
    top_ = rows_[next_];
    source.go_to(static_cast<std::size_t>(top_));
    const auto line = detail::tile_window(side, options.overlap);
    window_ = line.unsqueeze(1) * line;
    weight_ = at::zeros({side, wide_});
    pixels_ = image::from_shape({0, source.width(), source.channels()});
  }

  /// The row that `next` begins with.
  [[nodiscard]] std::int64_t row() const { return row_; }

  /// The following rows [K, n, W]; n is 0 at the end.
  [[nodiscard]] at::Tensor next() {
    const at::NoGradGuard no_gradients;
    const auto height = static_cast<std::int64_t>(source_.height());
    while (next_ < rows_.size()) {
      add_row_of_tiles();
      ++next_;
      // What the next row of tiles does not reach is final.
      const auto end = next_ < rows_.size() ? rows_[next_] : std::max(height, top_ + side_);
      const auto from = std::max(row_, top_) - top_, until = std::min(end, height) - top_;
      at::Tensor done;
      if (until > from) {
        done = (sum_.narrow(1, from, until - from) / weight_.narrow(0, from, until - from)).narrow(2, 0, static_cast<std::int64_t>(source_.width())).contiguous();
        row_ = top_ + until;
      }
      if (next_ < rows_.size()) move_to(rows_[next_]);
      if (done.defined()) return done;
    }
    return at::zeros({1, 0, static_cast<std::int64_t>(source_.width())});
  }

  /// Bytes held, of `classes`, besides what `source` and the network take.
  [[nodiscard]] static std::size_t held_bytes(std::size_t width, std::size_t side, std::size_t channels, std::size_t classes) {
    // pixels twice while they move, sums twice, their quotient and its copy, weights
    return std::max(width, side) * side * sizeof(float) * (2 * channels + 4 * classes + 2);
  }

 private:
  void add_row_of_tiles() {
    const auto height = static_cast<std::int64_t>(source_.height());
    const auto have = static_cast<std::int64_t>(pixels_.shape(0)), want = std::min(side_, height - top_);
    if (have < want) {
      image more = image::from_shape({static_cast<std::size_t>(want), pixels_.shape(1), pixels_.shape(2)});
      std::copy(pixels_.begin(), pixels_.end(), more.begin());
      const auto read = source_.next(static_cast<std::size_t>(want - have));
      std::copy(read.begin(), read.end(), more.begin() + static_cast<std::ptrdiff_t>(pixels_.size()));
      pixels_ = std::move(more);
    }
    auto band = at::from_blob(pixels_.data(), {1, want, static_cast<std::int64_t>(source_.width()), static_cast<std::int64_t>(source_.channels())}, at::kFloat);
    band = detail::padded_to(band.permute({0, 3, 1, 2}), side_, wide_);
    for (std::size_t begin = 0; begin < columns_.size(); begin += static_cast<std::size_t>(options_.batch)) {
      const auto end = std::min(columns_.size(), begin + static_cast<std::size_t>(options_.batch));
      std::vector<at::Tensor> tiles;
      for (auto i = begin; i < end; ++i) tiles.push_back(band[0].narrow(2, columns_[i], side_));
      const auto mean = of_tiles_(at::stack(tiles));
      if (!sum_.defined()) sum_ = at::zeros({mean.size(1), side_, wide_});
      for (auto i = begin; i < end; ++i) {
        sum_.narrow(2, columns_[i], side_).add_(mean[static_cast<std::int64_t>(i - begin)] * window_);
        weight_.narrow(1, columns_[i], side_).add_(window_);
      }
    }
  }

  /// Keeps the rows that two rows of tiles share.
  void move_to(std::int64_t top) {
    const auto step = top - top_, kept = side_ - step;
    const auto shift = [&](const at::Tensor& x, std::int64_t axis) {
      auto moved = at::zeros(x.sizes());
      if (kept > 0) moved.narrow(axis, 0, kept).copy_(x.narrow(axis, step, kept));
      return moved;
    };
    sum_ = shift(sum_, 1);
    weight_ = shift(weight_, 0);
    const auto stride = pixels_.shape(1) * pixels_.shape(2);
    image rest = image::from_shape({static_cast<std::size_t>(std::max<std::int64_t>(kept, 0)), pixels_.shape(1), pixels_.shape(2)});
    std::copy_n(pixels_.data() + static_cast<std::size_t>(step) * stride, rest.size(), rest.data());
    pixels_ = std::move(rest);
    top_ = top;
  }

  prepared_rows& source_;
  const tile_probabilities& of_tiles_;
  tile_options options_;
  std::int64_t side_, wide_ = 0, top_ = 0, row_;
  std::vector<std::int64_t> rows_, columns_;
  std::size_t next_ = 0;
  image pixels_;  ///< rows from top_ on
  at::Tensor window_, sum_, weight_;
};

}  // namespace axonzoo
