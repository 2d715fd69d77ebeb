#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/data/open.hpp>
#include <axonzoo/data/split.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

using strings = std::set<std::string>;
const auto same = boost::test_tools::per_element();

/// One micrograph for each subject and contrast.
dataset of(const std::vector<std::pair<std::string, std::string>>& subjects) {
  dataset data;
  for (const auto& [subject, contrast] : subjects) {
    micrograph one;
    one.subject = subject;
    one.contrast = contrast;
    data.micrographs.push_back(one);
  }
  return data;
}

dataset many(std::size_t sem, std::size_t tem) {
  std::vector<std::pair<std::string, std::string>> subjects;
  for (std::size_t i = 0; i < sem; ++i) subjects.insert(subjects.end(), 1 + i % 3, {"rat" + std::to_string(i), "SEM"});
  for (std::size_t i = 0; i < tem; ++i) subjects.insert(subjects.end(), 1 + i % 2, {"mouse" + std::to_string(i), "TEM"});
  return of(subjects);
}

strings subjects(const dataset& data, const std::vector<std::size_t>& members, const std::string& contrast = "") {
  strings found;
  for (const auto i : members)
    if (contrast.empty() || data.micrographs[i].contrast == contrast) found.insert(data.micrographs[i].subject);
  return found;
}

void check_partition(const dataset& data, const split& sides) {
  std::vector<std::size_t> all;
  for (const auto* side : {&sides.train, &sides.validation, &sides.test}) {
    BOOST_TEST(std::is_sorted(side->begin(), side->end()));
    all.insert(all.end(), side->begin(), side->end());
  }
  std::sort(all.begin(), all.end());
  BOOST_REQUIRE_EQUAL(all.size(), data.micrographs.size());
  for (std::size_t i = 0; i < all.size(); ++i) BOOST_REQUIRE_EQUAL(all[i], i);
  const auto train = subjects(data, sides.train), validation = subjects(data, sides.validation), test = subjects(data, sides.test);
  strings together = train;
  together.insert(validation.begin(), validation.end());
  together.insert(test.begin(), test.end());
  BOOST_TEST(together.size() == train.size() + validation.size() + test.size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_split)

BOOST_AUTO_TEST_CASE(named_test_subjects) {
  const auto data = many(7, 0);
  const auto sides = split_by_subject(data, {"rat5", "sub-rat2"}, 0.2, 3);
  check_partition(data, sides);
  BOOST_TEST(subjects(data, sides.test) == (strings{"rat2", "rat5"}), same);
  BOOST_TEST(subjects(data, sides.validation).size() == 1u);
  BOOST_TEST(subjects(data, sides.train).size() == 4u);
  const auto prefixed = of({{"sub-1", "SEM"}, {"sub-2", "SEM"}});
  BOOST_TEST(subjects(prefixed, split_by_subject(prefixed, {"1"}, 0.2, 1).test) == (strings{"sub-1"}), same);
  const auto fails = [&](const dataset& in, const std::vector<std::string>& test, double share = 0.2) {
    return sentence_of([&] { (void)split_by_subject(in, test, share, 1); });
  };
  BOOST_TEST(says(fails(data, {"rat9"}), {"'rat9'", "no such subject", "rat0, rat1, rat2, rat3, rat4, rat5, rat6"}));
  BOOST_TEST(says(fails(many(40, 0), {"rat99"}), {"and 10 more"}));
  BOOST_TEST(says(fails(prefixed, {"1", "2"}), {"all 2 subjects are for testing"}));
  BOOST_TEST(says(fails(of({{"a", "SEM"}, {"a", "SEM"}}), {}), {"all images are of subject 'a'"}));
  BOOST_TEST(says(fails({}, {}), {"no images"}));
  BOOST_TEST(says(fails(data, {}, 1), {"share"}));
  BOOST_TEST(says(fails(data, {}, std::numeric_limits<double>::quiet_NaN()), {"share"}));
}

BOOST_AUTO_TEST_CASE(drawn_within_each_contrast) {
  for (std::uint64_t seed = 0; seed < 30; ++seed)
    for (const auto& [sem, tem] : std::vector<std::pair<std::size_t, std::size_t>>{{7, 7}, {3, 20}, {10, 1}, {72, 2}, {2, 2}, {1, 1}, {2, 0}}) {
      const auto data = many(sem, tem);
      const auto sides = split_by_subject(data, {}, 0.2, seed);
      check_partition(data, sides);
      BOOST_TEST(!sides.train.empty());
      BOOST_TEST(!sides.test.empty());
      for (const auto& [contrast, count] : {std::pair<std::string, std::size_t>{"SEM", sem}, {"TEM", tem}}) {
        const auto test = subjects(data, sides.test, contrast).size(), validation = subjects(data, sides.validation, contrast).size();
        const auto train = subjects(data, sides.train, contrast).size();
        if (count >= 3) BOOST_TEST((test >= 1 && test <= (count + 2) / 5 + (count < 5)));
        if (count >= 3 || (count == 2 && test == 0)) BOOST_TEST((train >= 1 && validation >= 1));
        if (train + validation == 1) BOOST_TEST(validation == 0u);
      }
    }
  const auto data = many(72, 0);
  const auto sides = split_by_subject(data, {}, 0.2, 1);
  BOOST_TEST(subjects(data, sides.test).size() == 14u);
  BOOST_TEST(subjects(data, sides.validation).size() == 12u);
  BOOST_TEST(split_by_subject(data, {}, 0, 1).validation.empty());
}

BOOST_AUTO_TEST_CASE(the_same_everywhere_and_other_with_another_seed) {
  const auto data = many(7, 7);
  // written down once: another machine or library must draw the same
  const auto sides = split_by_subject(data, {}, 0.2, 1);
  BOOST_TEST(subjects(data, sides.test) == (strings{"mouse4", "rat0"}), same);
  BOOST_TEST(subjects(data, sides.validation) == (strings{"mouse2", "rat3"}), same);
  auto turned = data;
  std::reverse(turned.micrographs.begin(), turned.micrographs.end());
  BOOST_TEST(subjects(turned, split_by_subject(turned, {}, 0.2, 1).test) == subjects(data, sides.test), same);
  std::set<strings> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed) seen.insert(subjects(data, split_by_subject(data, {}, 0.2, seed).test, "SEM"));
  BOOST_TEST(seen.size() == 7u);  // each of the rats is drawn by some seed
}

BOOST_AUTO_TEST_CASE(a_subject_in_two_contrasts_stays_on_one_side) {
  const auto data = of({{"a", "SEM"}, {"a", "TEM"}, {"b", "SEM"}, {"b", "TEM"}, {"c", "SEM"}, {"d", "TEM"}});
  for (std::uint64_t seed = 0; seed < 20; ++seed) check_partition(data, split_by_subject(data, {}, 0.3, seed));
}

BOOST_AUTO_TEST_CASE(real_neurons_are_their_own_subjects) {
  const auto folder = real_data("neurons");
  if (!folder) {
    BOOST_TEST_MESSAGE("skipped: AXONZOO_TEST_DATA names no folder with neurons/");
    return;
  }
  const auto data = open_dataset({*folder});
  const auto sides = split_by_subject(data, {}, 0.2, 1);
  check_partition(data, sides);
  BOOST_TEST(sides.test.size() == 14u);
  BOOST_TEST(sides.validation.size() == 12u);
  BOOST_TEST(split_by_subject(data, {"neuron-002"}, 0.2, 1).test.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
