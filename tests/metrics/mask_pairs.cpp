#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/metrics/mask_pairs.hpp>

#include "../data/made_folder.hpp"

namespace {

using names = std::vector<std::string>;

int stripes(std::size_t, std::size_t x) { return x < 8 ? 0 : x < 16 ? 127 : 255; }
int right_half(std::size_t, std::size_t x) { return x < 12 ? 0 : 255; }

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_mask_pairs)

BOOST_AUTO_TEST_CASE(one_mask_against_a_pair_of_masks) {
  const made_folder predicted, manual;
  predicted.png("a.png", 24, 24, stripes);
  manual.png("a_seg-axon-manual.png", 24, 24, right_half);
  manual.png("a_seg-myelin-manual.png", 24, 24, 255);
  const auto found = axonzoo::pair_masks(predicted.path(), manual.path());
  BOOST_REQUIRE(found.pairs.size() == 1);
  BOOST_TEST((found.classes == names{"background", "myelin", "axon"}));
  const auto one = axonzoo::read_mask_labels(found.pairs[0].predicted, found.classes);
  BOOST_TEST(int(one(0, 7)) == 0);
  BOOST_TEST(int(one(0, 8)) == 1);
  BOOST_TEST(int(one(0, 16)) == 2);
  const auto other = axonzoo::read_mask_labels(found.pairs[0].manual, found.classes);
  BOOST_TEST(int(other(0, 11)) == 1);
  BOOST_TEST(int(other(0, 12)) == 2);  // axon wins
}

BOOST_AUTO_TEST_CASE(a_class_that_one_side_lacks_is_left_out) {
  const made_folder predicted, manual;
  predicted.png("a_seg-axon.png", 24, 24, right_half);
  manual.png("a.png", 24, 24, stripes);
  const auto found = axonzoo::pair_masks(predicted.path(), manual.path());
  BOOST_TEST((found.classes == names{"background", "axon"}));
  BOOST_TEST((found.left_out == names{"myelin"}));
  const auto labels = axonzoo::read_mask_labels(found.pairs[0].manual, found.classes);
  BOOST_TEST(int(labels(0, 10)) == 0);
  BOOST_TEST(int(labels(0, 20)) == 1);
}

BOOST_AUTO_TEST_CASE(binary_masks_have_one_class) {
  const made_folder predicted, manual, axons;
  predicted.png("neuron-1.png", 24, 24, right_half);
  manual.png("neuron-1.png", 24, 24, [](std::size_t, std::size_t x) { return x < 12 ? 0 : 1; });
  const auto found = axonzoo::pair_masks(predicted.path(), manual.path());
  BOOST_TEST((found.classes == names{"background", "neuron"}));
  BOOST_TEST((axonzoo::read_mask_labels(found.pairs[0].predicted, found.classes) ==
              axonzoo::read_mask_labels(found.pairs[0].manual, found.classes)));
  axons.png("neuron-1_myelin.png", 24, 24, right_half);
  const auto named = axonzoo::pair_masks(predicted.path(), axons.path());
  BOOST_TEST((named.classes == names{"background", "myelin"}));
  BOOST_TEST(int(axonzoo::read_mask_labels(named.pairs[0].predicted, named.classes)(0, 20)) == 1);
  BOOST_TEST(int(axonzoo::read_mask_labels(named.pairs[0].manual, named.classes)(0, 20)) == 1);
}

BOOST_AUTO_TEST_CASE(names_of_one_side_are_listed) {
  const made_folder predicted, manual;
  for (const char* name : {"a_seg-axonmyelin.png", "b_seg-axonmyelin.png"}) predicted.png(name, 2, 2, 255);
  for (const char* name : {"a_seg-axonmyelin.png", "c_seg-axonmyelin.png"}) manual.png(name, 2, 2, 255);
  BOOST_TEST(says(sentence_of([&] { axonzoo::pair_masks(predicted.path(), manual.path()); }),
                  {"no manual mask for 'b'", "no prediction for 'c'", "--partial"}));
  const auto partial = axonzoo::pair_masks(predicted.path(), manual.path(), true);
  BOOST_TEST(partial.pairs.size() == 1u);
  BOOST_TEST((partial.unmatched == names{"b", "c"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_compared_is_a_sentence) {
  const made_folder axons, myelin, tissue, other, binary, micrograph;
  axons.png("a_seg-axon.png", 24, 24, right_half);
  myelin.png("a_seg-myelin.png", 24, 24, right_half);
  tissue.png("a.png", 24, 24, stripes);
  other.png("z.png", 24, 24, stripes);
  binary.png("a.png", 24, 24, right_half);
  micrograph.png("a.png", 24, 24, [](std::size_t y, std::size_t x) { return static_cast<int>(10 * y + x); });
  const auto refuse = [](const made_folder& predicted, const made_folder& manual) {
    return sentence_of([&] { axonzoo::pair_masks(predicted.path(), manual.path()); });
  };
  BOOST_TEST(says(refuse(axons, myelin), {"masks of axon alone", "myelin"}));
  BOOST_TEST(says(refuse(tissue, other), {"no image is in both", "'a'", "'z'"}));
  BOOST_TEST(says(refuse(binary, tissue), {binary.path().string(), "binary", "_seg-axon.png"}));
  BOOST_TEST(says(refuse(micrograph, tissue), {"grey levels", "mean no classes"}));
}

BOOST_AUTO_TEST_CASE(two_masks_of_one_image_that_differ_in_size) {
  const made_folder folder;
  const axonzoo::image_masks masks{{}, folder.png("a_axon.png", 2, 3, 255), folder.png("a_myelin.png", 3, 2, 255), {}};
  BOOST_TEST(says(sentence_of([&] {
                    axonzoo::read_mask_labels(masks, {"background", "myelin", "axon"});
                  }),
                  {"a_axon.png", "a_myelin.png", "size"}));
}

BOOST_AUTO_TEST_SUITE_END()
