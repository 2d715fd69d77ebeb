#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <axonzoo/report/comparison.hpp>
#include <axonzoo/report/comparison_figures.hpp>
#include <axonzoo/report/plot_bars.hpp>

namespace axonzoo {

namespace detail {

struct phase {
  const char *name, *title, *colour;
  double opacity;
};

inline std::string stacked_seconds(const comparison& all, const std::vector<phase>& phases, const std::string& title,
                                   bool with_rest) {
  std::vector<std::string> variants;
  for (const auto& variant : all.variants())
    if (!all.finished(variant).empty()) variants.push_back(variant);
  std::vector<plot_part> parts;
  std::vector<double> known(variants.size(), 0);
  const auto keep = [&parts](const plot_part& part) {
    if (std::any_of(part.values.begin(), part.values.end(), [](double value) { return value > 0; })) parts.push_back(part);
  };
  for (const auto& phase : phases) {
    plot_part part{.title = phase.title, .values = {}, .colour = phase.colour, .opacity = phase.opacity};
    for (std::size_t v = 0; v < variants.size(); ++v) {
      const auto seconds = all.value(variants[v], {.pointer = std::string("/seconds/") + phase.name});
      part.values.push_back(seconds ? seconds->mean : 0);
      known[v] += part.values.back();
    }
    keep(part);
  }
  plot_part rest{.title = "other", .values = {}, .colour = "series-7", .opacity = 0.4};
  for (std::size_t v = 0; v < variants.size() && with_rest; ++v) {
    const auto total = all.value(variants[v], {.pointer = "/seconds/total"});
    rest.values.push_back(total ? std::max(0., total->mean - known[v]) : 0);
  }
  keep(rest);
  return parts.empty() ? "" : plot_bars({.x = title, .width = 900}, variants, parts, true);
}

}  // namespace detail

/// Where the seconds of a run went, a bar a variant, mean over repeats: the computation, and beside it the loader's threads,
/// which work at the same time. A loader without threads of its own is part of the first.
[[nodiscard]] inline std::vector<std::string> time_by_phase(const comparison& all) {
  const std::vector<detail::phase> loader{{"load", "load", "series-5", 1}, {"augment", "augment", "series-5", 0.6}};
  const bool threads = std::any_of(all.variants().begin(), all.variants().end(),
                                   [&](const auto& variant) { return all.value(variant, {.pointer = "/seconds/wait"}); });
  std::vector<detail::phase> main{{"start", "start", "series-7", 1}};
  if (threads)
    main.push_back({"wait", "wait for patches", "series-5", 1});
  else
    main.insert(main.end(), loader.begin(), loader.end());
  for (const detail::phase& phase : {detail::phase{"forward", "forward", "series-1", 1},
                                     {"backward", "backward", "series-1", 0.7},
                                     {"communicate", "communicate", "series-4", 1},
                                     {"update", "update", "series-1", 0.42},
                                     {"prune", "prune", "series-2", 1},
                                     {"validate", "validate", "series-3", 1},
                                     {"test", "test", "series-3", 0.6}})
    main.push_back(phase);
  std::vector<std::string> plots;
  for (const auto& plot :
       {detail::stacked_seconds(all, main, "seconds a run", true),
        threads ? detail::stacked_seconds(all, loader, "seconds a run in the loader's threads", false) : std::string()})
    if (!plot.empty()) plots.push_back(plot);
  return plots;
}

/// One plot a model: parameters, MACs and inference time of each variant as a share of what they were before.
[[nodiscard]] inline std::vector<std::string> before_after_plots(const comparison& all) {
  struct quantity {
    const char *title, *after, *before, *unit, *colour;
    double scale;
    int digits;
  };
  static constexpr quantity quantities[] = {
      {"parameters", "/parameters", "/parameters_before", " M", "series-5", 1e-6, 2},
      {"MACs", "/macs", "/macs_before", " G", "series-3", 1e-9, 2},
      {"inference time", "/inference/seconds_per_megapixel", "", " s/MP", "series-1", 1, 2}};
  std::vector<std::string> plots;
  for (const auto& model : all.models()) {
    const auto variants = detail::variants_of(all, model);
    const std::string reference = model + "/fp32/none/single";
    std::vector<std::string> names;
    for (const auto& variant : variants) names.push_back(detail::policies(variant));
    std::vector<plot_part> parts;
    for (const auto& quantity : quantities) {
      plot_part part{.title = quantity.title, .values = {}, .colour = quantity.colour};
      bool any = false;
      for (const auto& variant : variants) {
        const auto after = all.value(variant, {.pointer = quantity.after});
        auto before = *quantity.before ? all.value(variant, {.pointer = quantity.before})
                                       : all.value(reference, {.pointer = quantity.after});
        const bool known = after && before && before->mean > 0;
        any |= known;
        part.values.push_back(known ? 100 * after->mean / before->mean : std::nan(""));
        part.spread.push_back(known && std::isfinite(after->deviation) ? 100 * after->deviation / before->mean : 0);
        char text[48] = "";
        if (after) std::snprintf(text, sizeof text, "%.*f%s", quantity.digits, after->mean * quantity.scale, quantity.unit);
        part.labels.push_back(text);
      }
      if (any) parts.push_back(part);
    }
    if (!parts.empty())
      plots.push_back(plot_bars({.x = model + ": % of before (MP: megapixel)", .width = 560}, names, parts, false));
  }
  return plots;
}

}  // namespace axonzoo
