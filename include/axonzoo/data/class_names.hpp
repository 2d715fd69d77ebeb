#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/data/listing.hpp>
#include <axonzoo/data/stem_subjects.hpp>

namespace axonzoo::detail {

/// Names from classes.txt in the folder: one a line, '#' starts a comment, "background" in front is added where it is missing.
/// Empty where there is no such file.
inline std::vector<std::string> read_class_names(const std::filesystem::path& folder) {
  const auto path = folder / "classes.txt";
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return {};
  std::ifstream file(path);
  std::vector<std::string> names{"background"};
  for (std::string line; std::getline(file, line);) {
    line.resize(line.find('#') == std::string::npos ? line.size() : line.find('#'));
    const auto begin = line.find_first_not_of(" \t\r\xef\xbb\xbf");
    if (begin == std::string::npos) continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    if (line != "background" || names.size() > 1) names.push_back(line);
  }
  if (names.size() < 2 || names.size() > 255)
    throw error("cannot read class names in " + quoted(path), "it holds " + std::to_string(names.size() - 1) + " of them",
                "write 1 to 254 names, one a line");
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (names[i] == names[k])
        throw error("cannot read class names in " + quoted(path), "'" + names[i] + "' stands twice", "name each class once");
  return names;
}

/// The name of the one class of a folder of binary masks: the structure that the folder's name or the images' common leading
/// word says ("neurons/neuron-001.jpg": neuron), else "foreground".
inline std::string one_class_name(const std::filesystem::path& folder, const std::vector<std::string>& stems) {
  static const std::vector<std::vector<std::string>> structures{
      {"neuron", "neurons"}, {"axon", "axons"}, {"myelin"}, {"soma", "somata", "somas"}, {"dendrite", "dendrites"},
      {"neurite", "neurites"}, {"synapse", "synapses"}, {"cell", "cells"}, {"nucleus", "nuclei"}, {"fibre", "fibres", "fiber", "fibers"},
      {"fascicle", "fascicles"}, {"mitochondrion", "mitochondria"}, {"vessel", "vessels"}};
  auto common = stems.empty() ? std::string() : leading_part(stems.front());
  for (const auto& stem : stems)
    if (leading_part(stem) != common) common.clear();
  for (const auto& word : {folder_name(folder), common})
    for (const auto& forms : structures)
      for (const auto& form : forms)
        if (lower_case(word) == form) return forms.front();
  return "foreground";
}

}  // namespace axonzoo::detail
