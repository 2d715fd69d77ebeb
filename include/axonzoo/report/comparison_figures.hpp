#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_tables.hpp>
#include <axonzoo/report/plot.hpp>
#include <axonzoo/report/plot_bars.hpp>

namespace axonzoo {

/// Mean Dice over the classes of interest (not "any") of a SCORES object of a record; nothing where it has none.
[[nodiscard]] inline std::optional<double> mean_dice(const nlohmann::json& scores) {
  double sum = 0;
  std::size_t count = 0;
  if (scores.contains("classes"))
    for (const auto& [name, overlap] : scores["classes"].items())
      if (name != "any")
        if (const auto dice = comparison::number(overlap, "/dice")) sum += *dice, ++count;
  return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

namespace detail {

inline std::string policies(const std::string& variant) { return variant.substr(variant.find('/') + 1); }

/// Equal policies have one colour, dash and marker in all figures, whatever the model.
inline plot_series style_of(const comparison& all, const std::string& variant) {
  std::vector<std::string> seen;
  for (const auto& one : all.variants())
    if (std::find(seen.begin(), seen.end(), policies(one)) == seen.end()) seen.push_back(policies(one));
  const auto place = static_cast<unsigned>(std::find(seen.begin(), seen.end(), policies(variant)) - seen.begin());
  const auto models = all.models();
  const auto model =
      static_cast<unsigned>(std::find(models.begin(), models.end(), variant.substr(0, variant.find('/'))) - models.begin());
  plot_series series;
  series.colour = place % 8 + 1;
  series.dash = policies(variant).find("/none/") == std::string::npos ? 2 : 1;
  series.marker = model % 5 | (series.dash == 2 ? 8u : 0u);
  return series;
}

inline std::vector<std::string> variants_of(const comparison& all, const std::string& model) {
  std::vector<std::string> found;
  for (const auto& variant : all.variants())
    if (variant.starts_with(model + '/') && !all.finished(variant).empty()) found.push_back(variant);
  return found;
}

}  // namespace detail

/// Mean Dice on the test micrographs against a cost, one point a variant. `pointer` leads to the cost in a record.
[[nodiscard]] inline std::string accuracy_against(const comparison& all, const std::string& pointer, const std::string& title,
                                                  int width) {
  std::vector<plot_series> series;
  for (const auto& variant : all.variants()) {
    std::vector<double> dice;
    for (const auto* run : all.finished(variant))
      if (const auto one = mean_dice(run->record["test"]["mean"])) dice.push_back(*one);
    const auto cost = all.value(variant, {.pointer = pointer});
    if (dice.empty() || !cost) continue;
    double mean = 0, square = 0;
    for (const double one : dice) mean += one / static_cast<double>(dice.size());
    for (const double one : dice) square += (one - mean) * (one - mean);
    auto one = detail::style_of(all, variant);
    one.title = shown_name(all, variant);
    one.x = {cost->mean};
    one.y = {mean};
    if (dice.size() > 1) one.y_spread = {std::sqrt(square / static_cast<double>(dice.size() - 1))};
    one.notes = {variant + ": " + measured_text({}, mean) + " at " + detail::number(std::round(cost->mean * 1000) / 1000)};
    series.push_back(one);
  }
  if (series.empty()) return {};
  plot_axes axes{.x = title, .y = "mean Dice", .width = width, .height = width < 600 ? 320 : 360};
  axes.x_low = 0;
  return plot_scatter(axes, series);
}

/// One plot a model: a number of the history over the minutes of training, a line a run.
[[nodiscard]] inline std::vector<std::string> history_plots(const comparison& all, const std::string& pointer,
                                                            const std::string& title, bool log_y) {
  std::vector<std::string> plots;
  for (const auto& model : all.models()) {
    std::vector<plot_series> series;
    for (const auto& variant : detail::variants_of(all, model)) {
      bool first = true;
      for (const auto* run : all.finished(variant)) {
        auto line = detail::style_of(all, variant);
        for (const auto& epoch : run->record["history"]) {
          const auto seconds = comparison::number(epoch, "/seconds"), value = comparison::number(epoch, pointer);
          if (!seconds || !value || (log_y && *value <= 0)) continue;
          line.x.push_back(*seconds / 60);
          line.y.push_back(*value);
          line.notes.push_back(variant + " seed " + std::to_string(run->seed) + ", epoch " +
                               std::to_string(epoch.value("epoch", 0)) + ": " + measured_text({}, *value));
        }
        if (line.x.empty()) continue;
        line.opacity = 0.85;
        if (first) line.title = detail::policies(variant);
        first = false;
        series.push_back(line);
      }
    }
    if (series.empty()) continue;
    plot_axes axes{.x = model + ": training time (min)", .y = title, .log_y = log_y};
    axes.x_low = 0;
    axes.width = 560, axes.height = 310;
    plots.push_back(plot_lines(axes, series));
  }
  return plots;
}

namespace detail {

/// Names without the words that all begin and end with, one word a line: "sub-rat5_sample-1_SEM" becomes "sub-rat5", "sample-1".
inline std::vector<std::string> short_names(std::vector<std::string> names) {
  const auto all_share = [&names](auto piece) {
    const auto first = piece(names[0]);
    return !first.empty() && std::all_of(names.begin(), names.end(),
                                         [&](const auto& name) { return piece(name) == first && name.size() > first.size(); });
  };
  const auto first_word = [](const std::string& name) { return name.substr(0, name.find('_') + 1); };
  const auto last_word = [](const std::string& name) {
    return name.find('_') == std::string::npos ? "" : name.substr(name.rfind('_'));
  };
  while (all_share(first_word))
    for (auto& name : names) name.erase(0, first_word(name).size());
  while (all_share(last_word))
    for (auto& name : names) name.erase(name.rfind('_'));
  for (auto& name : names) std::replace(name.begin(), name.end(), '_', '\n');
  return names;
}

}  // namespace detail

/// Mean Dice of each test micrograph under each variant, mean over repeats; empty when there is one micrograph.
[[nodiscard]] inline std::string dice_by_image(const comparison& all) {
  std::vector<std::string> images, variants;
  std::map<std::string, std::map<std::string, std::pair<double, int>>> sums;
  for (const auto& variant : all.variants())
    for (const auto* run : all.finished(variant)) {
      if (variants.empty() || variants.back() != variant) variants.push_back(variant);
      for (const auto& image : run->record["test"]["images"]) {
        const auto name = image.value("name", std::string("?"));
        if (std::find(images.begin(), images.end(), name) == images.end()) images.push_back(name);
        if (const auto dice = mean_dice(image)) sums[variant][name].first += *dice, ++sums[variant][name].second;
      }
    }
  if (images.size() < 2 || images.size() > 40) return {};
  std::vector<std::vector<double>> values;
  double low = 1, high = 0;
  for (const auto& variant : variants) {
    values.emplace_back();
    for (const auto& image : images) {
      const auto [sum, count] = sums[variant][image];
      values.back().push_back(count > 0 ? sum / count : std::nan(""));
      if (count > 0) low = std::min(low, sum / count), high = std::max(high, sum / count);
    }
  }
  return plot_heat_map({}, variants, detail::short_names(images), values, low, high, 3);
}

}  // namespace axonzoo
