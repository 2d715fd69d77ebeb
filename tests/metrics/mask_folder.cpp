#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/metrics/mask_folder.hpp>

#include "../data/made_folder.hpp"

namespace {

std::vector<std::string> names_of(const axonzoo::mask_folder& folder) {
  std::vector<std::string> names;
  for (const auto& [name, masks] : folder.images) names.push_back(name);
  return names;
}

using names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_mask_folder)

BOOST_AUTO_TEST_CASE(names_say_image_and_class) {
  const auto parse = [](const char* path) {
    const auto name = axonzoo::detail::parse_mask_name(path);
    return name.stem + "|" + name.classes.value_or("");
  };
  BOOST_TEST(parse("sub-1_sample-2_SEM_seg-axonmyelin-manual.png") == "sub-1_sample-2_SEM|axonmyelin");
  BOOST_TEST(parse("rat 1_seg-axon.png") == "rat 1|axon");
  BOOST_TEST(parse("rat1-Myelin.tif") == "rat1|myelin");
  BOOST_TEST(parse("rat1_seg-uaxon-manual.png") == "rat1|uaxon");
  BOOST_TEST(parse("neuron-001.png") == "neuron-001|");
  BOOST_TEST(parse("cell_7_mask.png") == "cell_7|");
  BOOST_TEST(parse("preaxon.png") == "preaxon|");  // no separator
  BOOST_TEST(parse("axon.png") == "axon|");
}

BOOST_AUTO_TEST_CASE(beside_named_masks_nothing_else_counts) {
  const made_folder folder;
  for (const char* name :
       {"a_seg-axonmyelin.png", "a_seg-axon.png", "a_seg-myelin.png", "a_overlay.png", "a.png", "b_seg-axonmyelin.png"}) {
    folder.png(name, 2, 2, 255);
  }
  const auto found = axonzoo::find_masks(folder.path());
  BOOST_TEST((names_of(found) == names{"a", "b"}));
  BOOST_TEST((found.classes == names{"myelin", "axon"}));
  BOOST_TEST(found.images.at("a").axon.filename() == "a_seg-axon.png");
}

BOOST_AUTO_TEST_CASE(of_a_bids_data_set_the_derivatives_count) {
  const made_folder folder;
  folder.png("sub-1/micr/sub-1_SEM.png", 2, 2, 90);
  folder.png("derivatives/labels/sub-1/micr/sub-1_SEM_seg-axon-manual.png", 2, 2, 255);
  folder.png("derivatives/labels/sub-1/micr/sub-1_SEM_seg-uaxon-manual.png", 2, 2, 255);
  const auto found = axonzoo::find_masks(folder.path());
  BOOST_TEST((names_of(found) == names{"sub-1_SEM"}));
  BOOST_TEST((found.classes == names{"axon"}));
}

BOOST_AUTO_TEST_CASE(without_names_the_levels_tell) {
  const made_folder tissue, binary;
  const auto stripes = [](std::size_t, std::size_t x) { return x < 8 ? 0 : x < 16 ? 127 : 255; };
  tissue.png("masks/a.png", 24, 24, 0);
  tissue.png("masks/b.png", 24, 24, stripes);
  tissue.png("images/a.png", 24, 24, 90);
  BOOST_TEST((axonzoo::find_masks(tissue.path()).classes == names{"myelin", "axon"}));
  BOOST_TEST((names_of(axonzoo::find_masks(tissue.path())) == names{"a", "b"}));
  binary.png("a_mask.png", 24, 24, [](std::size_t, std::size_t x) { return x < 8 ? 0 : 255; });
  const auto found = axonzoo::find_masks(binary.path());
  BOOST_TEST(found.classes.empty());
  BOOST_TEST(found.images.at("a").one_class.filename() == "a_mask.png");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_a_sentence) {
  const made_folder empty, twice, mixed, unmyelinated;
  BOOST_TEST(says(sentence_of([&] { axonzoo::find_masks(empty.path()); }), {empty.path().string(), "it holds no image"}));
  BOOST_TEST(says(sentence_of([&] { axonzoo::find_masks(empty.path() / "none"); }), {"none"}));
  twice.png("x/a_seg-axon.png", 1, 1, 0);
  twice.png("y/a_seg-axon.png", 1, 1, 0);
  BOOST_TEST(
      says(sentence_of([&] { axonzoo::find_masks(twice.path()); }), {"x/a_seg-axon.png", "y/a_seg-axon.png", "same image"}));
  mixed.png("a_seg-axon.png", 1, 1, 0);
  mixed.png("a_seg-myelin.png", 1, 1, 0);
  mixed.png("b_seg-axon.png", 1, 1, 0);
  BOOST_TEST(says(sentence_of([&] { axonzoo::find_masks(mixed.path()); }), {"'b'", "'a'", "different classes"}));
  unmyelinated.png("a_seg-uaxon.png", 1, 1, 0);
  BOOST_TEST(says(sentence_of([&] { axonzoo::find_masks(unmyelinated.path()); }), {"unmyelinated"}));
}

BOOST_AUTO_TEST_SUITE_END()
