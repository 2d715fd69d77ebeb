#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/dataset.hpp>
#include <axonzoo/data/open.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/data/resample.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_figures.hpp>
#include <axonzoo/report/encode_jpeg.hpp>
#include <axonzoo/report/html.hpp>
#include <axonzoo/report/overlay.hpp>
#include <axonzoo/report/page.hpp>

namespace axonzoo {

/// A rectangle of an image, in pixels.
struct picture_window {
  std::size_t top = 0, left = 0, height = 0, width = 0;
};

/// Of the windows of `side` px on a grid, the one whose share of wrong pixels is the median: neither the worst place nor the
/// best.
[[nodiscard]] inline picture_window typical_window(const label_image& predicted, const label_image& manual, std::size_t side) {
  const std::size_t height = manual.shape(0), width = manual.shape(1);
  std::vector<std::pair<std::size_t, picture_window>> windows;
  const std::size_t high = std::min(side, height), wide = std::min(side, width);
  for (std::size_t top = 0; top + high <= height; top += std::max<std::size_t>(1, high / 2))
    for (std::size_t left = 0; left + wide <= width; left += std::max<std::size_t>(1, wide / 2)) {
      std::size_t wrong = 0;
      for (std::size_t y = top; y < top + high; ++y)
        for (std::size_t x = left; x < left + wide; ++x) wrong += predicted(y, x) != manual(y, x);
      windows.push_back({wrong, {top, left, high, wide}});
    }
  const auto middle = windows.begin() + static_cast<std::ptrdiff_t>(windows.size() / 2);
  std::nth_element(windows.begin(), middle, windows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return middle->second;
}

namespace detail {

inline image cut_window(const image& from, const picture_window& at) {
  image to = image::from_shape({at.height, at.width, from.shape(2)});
  for (std::size_t y = 0; y < at.height; ++y)
    for (std::size_t x = 0; x < at.width; ++x)
      for (std::size_t c = 0; c < from.shape(2); ++c) to(y, x, c) = from(at.top + y, at.left + x, c);
  return to;
}
inline label_image cut_window(const label_image& from, const picture_window& at) {
  label_image to = label_image::from_shape({at.height, at.width});
  for (std::size_t y = 0; y < at.height; ++y)
    for (std::size_t x = 0; x < at.width; ++x) to(y, x) = from(at.top + y, at.left + x);
  return to;
}

/// A bar of 1, 2 or 5 times a power of ten um that is about a quarter of the picture.
inline std::string scale_bar(double micrometres_wide) {
  if (!(micrometres_wide > 0)) return {};
  const double power = std::pow(10., std::floor(std::log10(micrometres_wide / 4))), share = micrometres_wide / 4 / power;
  const double length = power * (share >= 5 ? 5 : share >= 2 ? 2 : 1);
  char text[128];
  std::snprintf(text, sizeof text, "<span class=\"scale\" style=\"width:%.2f%%\">%g \u00b5m</span>",
                100 * length / micrometres_wide, length);
  return text;
}

/// A picture as an element of the page, with its scale bar and, where given, the frame of a window.
inline std::string picture_element(const rgb_image& picture, const std::string& caption, double micrometres_wide,
                                   const std::string& frame = {}) {
  return "<div class=\"picture\"><div class=\"frame\"><img alt=\"" + html(caption) + "\" width=\"" +
         std::to_string(picture.shape(1)) + "\" height=\"" + std::to_string(picture.shape(0)) +
         "\" src=\"data:image/jpeg;base64," + base64(encode_jpeg(picture)) + "\">" + frame + scale_bar(micrometres_wide) +
         "</div><span>" + html(caption) + "</span></div>";
}

}  // namespace detail

/// The labels that a run predicted for a test micrograph: `<run>/test/<name>_seg-axonmyelin.png`, or the one mask that a data set
/// with one class has.
[[nodiscard]] inline label_image read_prediction(const std::filesystem::path& run, const std::string& name) {
  const auto folder = run / "test";
  auto file = folder / (name + "_seg-axonmyelin.png");
  std::error_code failed;
  const bool both = std::filesystem::exists(file, failed);
  if (!both) {
    std::set<std::filesystem::path> others;
    for (auto at = std::filesystem::directory_iterator(folder, failed); !failed && at != std::filesystem::directory_iterator();
         at.increment(failed))
      if (at->path().filename().string().starts_with(name + "_seg-")) others.insert(at->path());
    if (others.size() != 1)
      throw error("cannot draw the prediction of '" + name + "'", "there is none in '" + folder.string() + "'",
                  "remove '" + run.string() + "' and compare again");
    file = *others.begin();
  }
  const image levels = read_image(file);
  label_image labels = label_image::from_shape({levels.shape(0), levels.shape(1)});
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float level = levels.data()[i * levels.shape(2)];
    labels.data()[i] = both ? (level >= 192 ? 2 : level >= 64 ? 1 : 0) : level > 127 ? 1 : 0;
  }
  return labels;
}

/// One test micrograph for the page: the whole field with the prediction, and at least one window of it enlarged, without
/// and with the prediction and the manual outlines.
[[nodiscard]] inline std::string prediction_pictures(const micrograph& one, const std::filesystem::path& run) {
  const image pixels = read_pixels(one);
  const label_image manual = read_labels(one), predicted = read_prediction(run, one.name);
  const std::size_t height = manual.shape(0), width = manual.shape(1);
  if (predicted.shape(0) != height || predicted.shape(1) != width)
    throw error("cannot draw the prediction of '" + one.name + "'", "it is not of its image's size",
                "remove '" + run.string() + "' and compare again");
  constexpr double field_side = 760, window_side = 560;
  const double longest = static_cast<double>(std::max(height, width)), shrink = std::min(1., field_side / longest);
  const auto fit = [](std::size_t side, double by) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(side) * by + 0.5));
  };
  const std::size_t small_height = fit(height, shrink), small_width = fit(width, shrink);
  const double um = one.pixel_size;

  const auto window =
      typical_window(predicted, manual, std::max<std::size_t>(64, std::min<std::size_t>(280, std::min(height, width) * 2 / 3)));
  const double enlarge = window_side / static_cast<double>(std::max(window.height, window.width));
  const std::size_t big_height = fit(window.height, enlarge), big_width = fit(window.width, enlarge);
  char frame[160];
  const auto percent = [](std::size_t part, std::size_t whole) {
    return 100. * static_cast<double>(part) / static_cast<double>(whole);
  };
  std::snprintf(frame, sizeof frame, "<i style=\"left:%.2f%%;top:%.2f%%;width:%.2f%%;height:%.2f%%\"></i>",
                percent(window.left, width), percent(window.top, height), percent(window.width, width),
                percent(window.height, height));

  const image field = resample(pixels, small_height, small_width),
              part = resample(detail::cut_window(pixels, window), big_height, big_width);
  label_image nothing = label_image::from_shape({big_height, big_width});
  nothing.fill(0);
  const label_image part_manual = resample_labels(detail::cut_window(manual, window), big_height, big_width);
  return "<div class=\"pictures\">" +
         detail::picture_element(overlay(field, resample_labels(predicted, small_height, small_width)),
                                 "whole field, prediction tinted", um * static_cast<double>(width), frame) +
         detail::picture_element(overlay(part, nothing), "the framed window", um * static_cast<double>(window.width)) +
         detail::picture_element(
             overlay(part, resample_labels(detail::cut_window(predicted, window), big_height, big_width), &part_manual),
             "the same, prediction tinted, manual outlines white", um * static_cast<double>(window.width)) +
         "</div>";
}

/// Best and worst test micrograph of each model, under its reference (or its first variant that finished).
inline void add_pictures(page& out, const comparison& all, std::vector<std::string>& problems) {
  std::map<std::string, dataset> opened;
  for (const auto& model : all.models()) {
    auto runs = all.finished(model + "/fp32/none/single");
    if (runs.empty()) runs = all.finished(detail::variants_of(all, model).front());
    const auto& record = runs.front()->record;
    std::vector<std::pair<double, std::string>> ranked;
    for (const auto& image : record["test"]["images"])
      if (const auto dice = mean_dice(image)) ranked.emplace_back(*dice, image.value("name", std::string()));
    std::sort(ranked.begin(), ranked.end());
    if (ranked.empty()) continue;
    std::vector<std::pair<std::string, std::pair<double, std::string>>> shown{
        {ranked.size() > 1 ? "best" : "only", ranked.back()}};
    if (ranked.size() > 1) shown.emplace_back("worst", ranked.front());
    for (const auto& [which, image] : shown) {
      out.heading(model + ": " + which + " test micrograph, " + image.second);
      try {
        const auto& folders = record["data"]["folders"];
        auto& data = opened[folders.dump()];
        if (data.micrographs.empty()) {
          std::vector<std::filesystem::path> paths;
          for (const auto& folder : folders) paths.emplace_back(folder.get<std::string>());
          data = open_dataset(paths);
        }
        const auto found = std::find_if(data.micrographs.begin(), data.micrographs.end(),
                                        [&](const auto& one) { return one.name == image.second; });
        if (found == data.micrographs.end())
          throw error("cannot draw the prediction of '" + image.second + "'", "the data set has no such image any more",
                      "compare again on this data");
        const bool axons = std::find(data.classes.begin(), data.classes.end(), "axon") != data.classes.end();
        const std::string key = axons ? "<span class=\"swatch\" style=\"background:#0082dc\"></span>axon &nbsp; <span "
                                        "class=\"swatch\" style=\"background:#f09614\"></span>myelin"
                                      : "<span class=\"swatch\" style=\"background:#f09614\"></span>" + html(data.classes.back());
        out.figure({prediction_pictures(*found, runs.front()->folder)},
                   key + " &nbsp; Predicted by <b>" + html(runs.front()->shown()) + "</b>, seed " +
                       std::to_string(runs.front()->seed) + "; mean Dice of this image " + measured_text({}, image.first) +
                       " (n = " + std::to_string(ranked.size()) +
                       " test images). The framed window is the one with the median share of wrong pixels. Grey levels are "
                       "stretched for display.");
      } catch (const std::exception& failure) {
        problems.emplace_back(failure.what());
        out.paragraph("<span class=\"failed\">" + html(failure.what()) + "</span>");
      }
    }
  }
}

}  // namespace axonzoo
