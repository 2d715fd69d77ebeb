#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/image.hpp>
#include <axonzoo/data/class_names.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/metrics/mask_folder.hpp>
#include <axonzoo/metrics/mask_grey.hpp>

namespace axonzoo {

/// Predicted and manual masks that belong together, and the classes that both sides have.
struct mask_pairs {
  struct pair {
    std::string name;
    image_masks predicted, manual;
  };
  std::vector<pair> pairs;             ///< sorted by name
  std::vector<std::string> classes;    ///< {"background", "myelin", "axon"}, a part of it, or {"background", "neuron"}
  std::vector<std::string> left_out;   ///< classes that one side alone has
  std::vector<std::string> unmatched;  ///< names that one side alone has; empty unless `partial`
};

/// Pairs two folders of masks by the stem of the image. Throws `error`, listing the names, where one side lacks an image of the
/// other, unless `partial` leaves these out; and where no name or no class is common.
mask_pairs pair_masks(const std::filesystem::path& predicted, const std::filesystem::path& manual, bool partial = false);

/// The class of each pixel of one side of a pair, as an index into `classes`, [H, W]. Where axon and myelin lie in two files,
/// axon wins a pixel that both claim. Throws `error` where they differ in size.
label_image read_mask_labels(const image_masks& masks, const std::vector<std::string>& classes);

namespace detail {

inline std::string join_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 20; ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return names.size() <= 20 ? text : text + " and " + std::to_string(names.size() - 20) + " more";
}

inline std::vector<std::string> names_missing(const mask_folder& from, const mask_folder& in) {
  std::vector<std::string> names;
  for (const auto& [name, masks] : from.images) {
    if (!in.images.contains(name)) names.push_back(name);
  }
  return names;
}

/// Sets `pairs.classes` and `pairs.left_out`.
inline void choose_classes(const mask_folder& predicted, const mask_folder& manual, mask_pairs& pairs) {
  const auto &one = predicted.classes, &other = manual.classes;
  pairs.classes = {"background"};
  if (one.empty() && other.empty()) {
    std::vector<std::string> stems;
    for (const auto& pair : pairs.pairs) stems.push_back(pair.name);
    pairs.classes.push_back(one_class_name(manual.path, stems));
    return;
  }
  if (one.empty() || other.empty()) {
    const auto& told = one.empty() ? other : one;
    if (told.size() == 1) {
      pairs.classes.push_back(told.front());
      return;
    }
    read_mask_grey(first_file((one.empty() ? predicted : manual).images.begin()->second));  // says so if it is a micrograph
    throw error(
        "cannot compare " + quoted(predicted.path) + " with " + quoted(manual.path),
        "the masks in " + quoted(one.empty() ? predicted.path : manual.path) + " are binary and the others hold axon and myelin",
        "name them for their class, as in 'image_seg-axon.png' and 'image_seg-myelin.png'");
  }
  for (const char* name : {"myelin", "axon"}) {
    const bool here = std::find(one.begin(), one.end(), name) != one.end(),
               there = std::find(other.begin(), other.end(), name) != other.end();
    if (here && there)
      pairs.classes.push_back(name);
    else if (here || there)
      pairs.left_out.push_back(name);
  }
  if (pairs.classes.size() == 1) {
    throw error("cannot compare " + quoted(predicted.path) + " with " + quoted(manual.path),
                "one holds masks of " + one.front() + " alone and the other of " + other.front(), "give masks of the same class");
  }
}

}  // namespace detail

inline mask_pairs pair_masks(const std::filesystem::path& predicted, const std::filesystem::path& manual, bool partial) {
  const auto one = find_masks(predicted), other = find_masks(manual);
  const std::string doing = "cannot pair " + detail::quoted(predicted) + " with " + detail::quoted(manual);
  mask_pairs found;
  for (const auto& [name, masks] : one.images) {
    if (const auto partner = other.images.find(name); partner != other.images.end())
      found.pairs.push_back({name, masks, partner->second});
  }
  if (found.pairs.empty()) {
    throw error(doing,
                "no image is in both; the first is " + detail::join_names({one.images.begin()->first}) + " and " +
                    detail::join_names({other.images.begin()->first}),
                "name a prediction for its image, as in 'image_seg-axonmyelin.png'");
  }
  const auto without_manual = detail::names_missing(one, other), without_prediction = detail::names_missing(other, one);
  found.unmatched = without_manual;
  found.unmatched.insert(found.unmatched.end(), without_prediction.begin(), without_prediction.end());
  if (!partial && !found.unmatched.empty()) {
    std::string wrong;
    if (!without_manual.empty()) wrong = "there is no manual mask for " + detail::join_names(without_manual);
    if (!without_prediction.empty()) {
      wrong +=
          (wrong.empty() ? "there is no prediction for " : " and no prediction for ") + detail::join_names(without_prediction);
    }
    throw error(doing, wrong, "add them, or score with --partial what both have");
  }
  detail::choose_classes(one, other, found);
  return found;
}

inline label_image read_mask_labels(const image_masks& masks, const std::vector<std::string>& classes) {
  const auto label_of = [&](const char* name) {
    const auto at = std::find(classes.begin(), classes.end(), name);
    return static_cast<std::uint8_t>(at == classes.end() ? 0 : at - classes.begin());
  };
  const std::uint8_t axon = label_of("axon"), myelin = label_of("myelin");
  if (!masks.axonmyelin.empty() || !masks.one_class.empty()) {
    const bool binary = masks.axonmyelin.empty();
    auto mask = read_mask_grey(binary ? masks.one_class : masks.axonmyelin);
    for (auto& level : mask.levels) {
      if (binary)
        level = level > (mask.numbers ? 0 : 127);
      else if (mask.numbers)
        level = level == 2 ? axon : level == 1 ? myelin : 0;
      else
        level = level > 191 ? axon : level > 63 ? myelin : 0;
    }
    return std::move(mask.levels);
  }

  label_image labels;
  const std::filesystem::path* first = nullptr;
  const auto paint = [&](const std::filesystem::path& path, std::uint8_t label) {
    if (label == 0 || path.empty()) return;
    const auto mask = read_mask_grey(path);
    if (first == nullptr) {
      labels = label_image::from_shape(mask.levels.shape());
      labels.fill(0);
      first = &path;
    }
    if (mask.levels.shape() != labels.shape()) {
      throw error("cannot join masks " + detail::quoted(*first) + " and " + detail::quoted(path), "they differ in size",
                  "give two masks of the same image");
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::uint8_t level = mask.levels.data()[i];
      if (level > (mask.numbers ? 0 : 127)) labels.data()[i] = label;
    }
  };
  paint(masks.myelin, myelin);
  paint(masks.axon, axon);
  return labels;
}

}  // namespace axonzoo
