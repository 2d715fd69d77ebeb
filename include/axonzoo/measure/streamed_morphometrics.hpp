#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/measure/component_stream.hpp>
#include <axonzoo/measure/components.hpp>
#include <axonzoo/measure/flood_window.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/morphometrics.hpp>
#include <axonzoo/measure/regions.hpp>

namespace axonzoo {

/// Rows [top, top + count) of a mask of 0 background, 1 myelin, 2 axon: [count, width]. Called from several threads at once.
using label_rows = std::function<label_image(std::size_t top, std::size_t count)>;

/// How a mask that does not fit into memory is measured.
struct stream_options {
  std::size_t band = 1024;  ///< rows whose axons are measured at once
  std::size_t halo = 128;   ///< rows more on either side, to begin with; doubled where it does not do
  unsigned threads = 1;     ///< bands at once
};

/// Measures a mask of height x width px band by band, with the same table as `measure_image` with ties in raster order, to the
/// last bit and whatever the band. It reads the mask twice: for centroids, and for fibres. The runs of axons and fibres are not
/// kept. Memory is about 8 bytes for each pixel of a band with its halo, and `threads` times that. Throws `error` as
/// `measure_axons` does, and what `read` throws.
measured_image measure_streamed(std::size_t height, std::size_t width, const label_rows& read,
                                const morphometric_options& options, const stream_options& stream = {});

namespace detail {

/// What the first reading finds.
struct mask_overview {
  std::vector<component_place> axons;
  std::uint64_t axon_pixels = 0, myelin_pixels = 0;
};

/// Reads `threads` strips ahead.
inline mask_overview look_over(std::size_t height, const label_rows& read, std::size_t band, unsigned threads) {
  struct strip {
    label_image labels;
    std::uint64_t myelin = 0;
  };
  component_stream axons(2);
  mask_overview found;
  const auto read_strip = [&](std::size_t top) {
    strip made{read(top, std::min(band, height - top))};
    made.myelin = static_cast<std::uint64_t>(std::count(made.labels.begin(), made.labels.end(), std::uint8_t{1}));
    return made;
  };
  std::deque<std::future<strip>> ahead;
  std::size_t next = 0;
  const auto read_ahead = [&] {
    for (; next < height && ahead.size() < std::max(threads, 1u); next += band)
      ahead.push_back(std::async(threads > 1 ? std::launch::async : std::launch::deferred, read_strip, next));
  };
  for (read_ahead(); !ahead.empty(); read_ahead()) {
    const auto one = ahead.front().get();
    ahead.pop_front();
    axons.add(one.labels);
    found.myelin_pixels += one.myelin;
  }
  found.axons = axons.finish();
  found.axon_pixels = axons.pixels();
  return found;
}

/// Measures the axons whose first pixel lies in a band. Fails, with an empty result, where the halo does not hold their fibres.
class band_measurer {
 public:
  band_measurer(std::size_t height, std::size_t width, const label_rows& read, const morphometric_options& options,
                const mask_overview& all)
      : height_(height), width_(width), read_(read), options_(options), all_(all) {}

  /// Appends to `table`; returns whether the halo sufficed.
  bool measure(std::size_t first, std::size_t end, std::size_t halo, std::vector<measured_axon>& table) const {
    const std::size_t top = first > halo ? first - halo : 0, bottom = std::min(height_, end + halo);
    const bool cut_above = top > 0, cut_below = bottom < height_;
    const auto labels = read_(top, bottom - top);
    const auto rows = static_cast<std::int32_t>(bottom - top), above = static_cast<std::int32_t>(top);
    auto axons = component_runs(labels, 2);
    const auto open = take_open(axons, rows, cut_above, cut_below);
    // Whole axons get the numbers that they have in the image.
    const auto numbers = number_axons(axons, above);
    const auto begin = first_from(first), stop = first_from(end);
    for (std::size_t i = begin; i < stop; ++i)
      if (numbers.empty() || !std::binary_search(numbers.begin(), numbers.end(), static_cast<std::int32_t>(i + 1))) return false;

    std::vector<seed> seeds;
    for (std::size_t i = 0; i < all_.axons.size(); ++i) {
      const auto& place = all_.axons[i];
      if (place.centre_row >= above && place.centre_row < above + rows)
        seeds.push_back({place.centre_row - above, place.centre_column, static_cast<std::int32_t>(i + 1)});
    }
    windowed_fibres fibres;
    if (options_.myelinated && !axons.empty()) fibres = flood_window(labels, 2, 1).flood(seeds, cut_above, cut_below, open);

    // Which of the window's instances are needed, and their places in the lists of regions.
    std::vector<std::int32_t> fibre_of(stop - begin), place_of_fibre(all_.axons.size() + 1), place_of_axon(all_.axons.size() + 1);
    std::int32_t needed = 0;
    for (std::size_t i = begin; i < stop; ++i) {
      place_of_axon[i + 1] = static_cast<std::int32_t>(i - begin + 1);
      if (!options_.myelinated) continue;
      const auto& place = all_.axons[i];
      const auto label = fibre_under(fibres.runs, place.centre_row - above, place.centre_column);
      if (std::binary_search(fibres.doubtful.begin(), fibres.doubtful.end(), label) &&
          (label > 0 || labels(place.centre_row - above, place.centre_column) != 0))
        return false;
      fibre_of[i - begin] = label;
      if (label > 0 && place_of_fibre[static_cast<std::size_t>(label)] == 0)
        place_of_fibre[static_cast<std::size_t>(label)] = ++needed;
    }
    const auto axon_regions = regions_of(axons, place_of_axon, true, above),
               fibre_regions = regions_of(fibres.runs, place_of_fibre, false, above);
    for (std::size_t i = begin; i < stop; ++i) {
      const auto label = static_cast<std::size_t>(fibre_of[i - begin]);
      const region* fibre = label > 0 ? &fibre_regions[static_cast<std::size_t>(place_of_fibre[label]) - 1] : nullptr;
      auto one = measure_axon(axon_regions[i - begin], fibre, height_, width_, options_);
      if (one.touches_border && !options_.keep_border) continue;
      one.number = static_cast<std::int32_t>(i + 1);
      table.push_back(one);
    }
    return true;
  }

 private:
  /// The first axon, from 0, that begins in `row` or below.
  std::size_t first_from(std::size_t row) const {
    return static_cast<std::size_t>(
        std::partition_point(all_.axons.begin(), all_.axons.end(),
                             [row](const component_place& place) { return static_cast<std::size_t>(place.row) < row; }) -
        all_.axons.begin());
  }

  /// Moves the runs of components that reach a cut out of `axons`.
  static std::vector<instance_run> take_open(std::vector<instance_run>& axons, std::int32_t rows, bool cut_above,
                                             bool cut_below) {
    std::int32_t most = 0;
    for (const auto& run : axons) most = std::max(most, run.instance);
    std::vector<bool> is_open(static_cast<std::size_t>(most) + 1);
    for (const auto& run : axons)
      if ((cut_above && run.row == 0) || (cut_below && run.row + 1 == rows))
        is_open[static_cast<std::size_t>(run.instance)] = true;
    std::vector<instance_run> open;
    std::erase_if(axons, [&](const instance_run& run) {
      if (!is_open[static_cast<std::size_t>(run.instance)]) return false;
      open.push_back(run);
      return true;
    });
    return open;
  }

  /// Renumbers whole components by the place of their first pixel; returns the numbers, sorted.
  std::vector<std::int32_t> number_axons(std::vector<instance_run>& axons, std::int32_t above) const {
    std::int32_t most = 0;
    for (const auto& run : axons) most = std::max(most, run.instance);
    std::vector<std::int32_t> number(static_cast<std::size_t>(most) + 1), numbers;
    for (auto& run : axons) {
      auto& of = number[static_cast<std::size_t>(run.instance)];
      if (of == 0) {
        const auto at = std::pair(run.row + above, run.begin);
        const auto place = std::partition_point(all_.axons.begin(), all_.axons.end(),
                                                [&](const component_place& p) { return std::pair(p.row, p.column) < at; });
        of = static_cast<std::int32_t>(place - all_.axons.begin()) + 1;
        numbers.push_back(of);
      }
      run.instance = of;
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  /// Regions of the instances that have a place, in the image's own rows.
  static std::vector<region> regions_of(const std::vector<instance_run>& runs, const std::vector<std::int32_t>& place, bool hull,
                                        std::int32_t above) {
    std::vector<instance_run> needed;
    for (auto run : runs) {
      run.instance = place[static_cast<std::size_t>(run.instance)];
      if (run.instance == 0) continue;
      run.row += above;
      needed.push_back(run);
    }
    return measure_regions(needed, hull);
  }

  std::size_t height_, width_;
  const label_rows& read_;
  const morphometric_options& options_;
  const mask_overview& all_;
};

}  // namespace detail

inline measured_image measure_streamed(std::size_t height, std::size_t width, const label_rows& read,
                                       const morphometric_options& options, const stream_options& stream) {
  detail::check_pixel_size(options.pixel_size);
  if (!options.myelinated)
    throw error("cannot measure axons in bands", "axons without myelin are joined at sides alone", "measure the whole mask");
  if (options.split != sheath_splitting::seed)
    throw error("cannot measure axons in bands", "sheaths are split by thickness over the whole mask", "measure the whole mask, or split by seed");
  const std::size_t band = std::max<std::size_t>(stream.band, 1);
  const auto all = detail::look_over(height, read, band, stream.threads);
  const detail::band_measurer measurer(height, width, read, options, all);
  const auto measure_band = [&](std::size_t top) {
    std::vector<measured_axon> table;
    for (std::size_t halo = std::max<std::size_t>(stream.halo, 1);; halo *= 2) {
      if (measurer.measure(top, std::min(top + band, height), halo, table)) return table;
    }
  };
  measured_image measured;
  measured.height = height;
  measured.width = width;
  measured.options = options;
  std::deque<std::future<std::vector<measured_axon>>> waiting;
  const auto collect = [&] {
    const auto part = waiting.front().get();
    waiting.pop_front();
    measured.measures.table.insert(measured.measures.table.end(), part.begin(), part.end());
  };
  for (std::size_t top = 0; top < height; top += band) {
    if (waiting.size() >= std::max(stream.threads, 1u)) collect();
    waiting.push_back(std::async(stream.threads > 1 ? std::launch::async : std::launch::deferred, measure_band, top));
  }
  while (!waiting.empty()) collect();
  measured.aggregates = aggregate(all.axon_pixels, all.myelin_pixels, static_cast<std::uint64_t>(height) * width,
                                  measured.measures.table, options.pixel_size);
  return measured;
}

}  // namespace axonzoo
