#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/random.hpp>
#include <axonzoo/data/dataset.hpp>

namespace axonzoo {

/// Indices into dataset::micrographs, ascending.
struct split {
  std::vector<std::size_t> train, validation, test;
};

namespace detail {

enum class side : std::uint64_t { validation = 1, test = 2 };

/// A random number of a subject that depends on no other: the choice stays when others come or go.
inline std::uint64_t lot(std::uint64_t seed, side chosen_for, const std::string& subject) {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const unsigned char c : subject) hash = (hash ^ c) * 1099511628211ull;
  return random_stream(seed, hash, static_cast<std::uint64_t>(chosen_for)).bits();
}

/// The first `count` of the subjects by their lots.
inline std::vector<std::string> draw(std::vector<std::string> subjects, std::size_t count, std::uint64_t seed, side chosen_for) {
  std::sort(subjects.begin(), subjects.end(), [&](const auto& a, const auto& b) {
    const auto first = lot(seed, chosen_for, a), second = lot(seed, chosen_for, b);
    return first != second ? first < second : a < b;
  });
  subjects.resize(std::min(count, subjects.size()));
  return subjects;
}

/// The subject that a person means by a name: itself, or with or without "sub-".
inline std::string known_subject(const std::set<std::string>& subjects, const std::string& name) {
  for (const auto& form : {name, "sub-" + name, name.starts_with("sub-") ? name.substr(4) : name})
    if (subjects.count(form)) return form;
  std::string known;
  std::size_t listed = 0;
  for (const auto& subject : subjects) {
    if (++listed > 30) {
      known += " and " + std::to_string(subjects.size() - 30) + " more";
      break;
    }
    known += (known.empty() ? "" : ", ") + subject;
  }
  throw error("cannot test on subject '" + name + "'", "the data has no such subject", "choose from " + known);
}

}  // namespace detail

/// Splits by subject: all images of an animal or person stand on one side. Test subjects are those named ("rat5" or
/// "sub-rat5"), else about one in five, drawn by the seed within each contrast, at least one of a contrast with three subjects
/// or more. Validation subjects are drawn likewise from the rest, `validation_share` of them: at least one and never the
/// last of a contrast (so a contrast with one training subject has no validation). The same on every machine. Throws
/// axonzoo::error when a named subject is unknown or nothing remains to train or test on.
inline split split_by_subject(const dataset& data, const std::vector<std::string>& test_subjects, double validation_share,
                              std::uint64_t seed) {
  const std::string doing = "cannot split the data by subject";
  if (!(validation_share >= 0 && validation_share < 1))
    throw error(doing, "the share for validation must be at least 0 and below 1", "give 0.2 for instance");
  std::map<std::string, std::string> contrast_of;  // a subject seen in several contrasts counts for the first by name
  for (const auto& one : data.micrographs) {
    const auto [known, fresh] = contrast_of.emplace(one.subject, one.contrast);
    if (!fresh && one.contrast < known->second) known->second = one.contrast;
  }
  if (contrast_of.size() < 2)
    throw error(doing, contrast_of.empty() ? "there are no images" : "all images are of subject '" + contrast_of.begin()->first + "'",
                "add images of another subject to test on");
  std::set<std::string> subjects;
  std::map<std::string, std::vector<std::string>> strata;
  for (const auto& [subject, contrast] : contrast_of) {
    subjects.insert(subject);
    strata[contrast].push_back(subject);
  }

  std::set<std::string> test, validation;
  for (const auto& name : test_subjects) test.insert(detail::known_subject(subjects, name));
  if (test.empty()) {
    for (const auto& [contrast, members] : strata) {
      if (members.size() < 3) continue;
      const auto count = std::max<std::size_t>(1, (members.size() + 2) / 5);
      for (auto& one : detail::draw(members, count, seed, detail::side::test)) test.insert(std::move(one));
    }
    if (test.empty())
      for (auto& one : detail::draw({subjects.begin(), subjects.end()}, 1, seed, detail::side::test)) test.insert(std::move(one));
  }
  if (test.size() == subjects.size())
    throw error(doing, "all " + std::to_string(subjects.size()) + " subjects are for testing", "name fewer test subjects");

  for (const auto& [contrast, members] : strata) {
    std::vector<std::string> rest;
    for (const auto& member : members)
      if (!test.count(member)) rest.push_back(member);
    if (rest.size() < 2 || validation_share == 0) continue;
    const auto wanted = static_cast<std::size_t>(std::llround(validation_share * static_cast<double>(rest.size())));
    const auto count = std::clamp<std::size_t>(wanted, 1, rest.size() - 1);
    for (auto& one : detail::draw(std::move(rest), count, seed, detail::side::validation)) validation.insert(std::move(one));
  }

  split sides;
  for (std::size_t i = 0; i < data.micrographs.size(); ++i) {
    const auto& subject = data.micrographs[i].subject;
    (test.count(subject) ? sides.test : validation.count(subject) ? sides.validation : sides.train).push_back(i);
  }
  return sides;
}

}  // namespace axonzoo
