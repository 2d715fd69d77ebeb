#include <set>

#include <boost/test/unit_test.hpp>

#include <axonzoo/measure/instances.hpp>

#include "drawing.hpp"

BOOST_AUTO_TEST_SUITE(measure_instances)

// Labels that scikit-image 0.26 gives (label, regionprops, watershed of minus SciPy's distance transform). 16 of its pixels
// depend on the order of seeds of one height.
BOOST_AUTO_TEST_CASE(fibres_equal_to_those_of_scikit_image) {
  const auto labels =
      drawing::labels_of({"ooAAAoooooAAAo...ooo...oAoo...", "oooAoooooAAAAo..ooAoooooAo....", "ooooo..ooAAAoo..ooAooooooo....",
                          "..oo....oAAAooo.ooAooooo...oo.", "..oo.....ooooooooooo.oo..ooooo", "..ooo.......oAAoooo...oooooooo",
                          "..oooo......oooo......oooooooo", "..oAAAooo.....oo...oooAo...ooo", "..oAAAAAoo.....ooo.oAAAo..oooo",
                          ".ooAAAAAAoo....oo...oAo...oooo", "ooAAAoAAAooo...ooo..ooo...oooo", "ooAAAoAAoooooo.ooooooooooooooo",
                          "AAAAAoAoo.oAooooAAAooooooooooo", "AAAAAAoo..ooo..oAAAooooooooooo"});
  const auto expected =
      drawing::instances_of({"11111111222222...444...3333...", "11111112222222..4444443333....", "11111..2222222..4444443333....",
                             "..11....2222255.44444443...77.", "..11.....22255554444.47..77777", "..666.......5555544...77777777",
                             "..6666......5555......77777777", "..6666666.....55...77777...777", "..66666666.....599.77777..7777",
                             ".6666666666....99...777...7777", "666666666668...999..777...7777", "66666666668888.999999777777777",
                             "666666666.88889999999999999999", "66666666..888..999999999999999"});
  const auto axons = axonzoo::label_axons(labels, 2);
  BOOST_TEST(*std::max_element(axons.begin(), axons.end()) == 9);
  BOOST_TEST((axonzoo::label_fibres(labels, axons, 2, 1) == expected));
}

BOOST_AUTO_TEST_CASE(touching_sheaths_are_split_between_their_axons) {
  auto labels = drawing::blank(41, 81);
  drawing::disc(labels, 20, 20, 20.5, 1);
  drawing::disc(labels, 20, 60, 20.5, 1);
  drawing::disc(labels, 20, 20, 12, 2);
  drawing::disc(labels, 20, 60, 12, 2);
  const auto axons = axonzoo::label_axons(labels, 2);
  const auto fibres = axonzoo::label_fibres(labels, axons, 2, 1);
  for (std::size_t y = 0; y < 41; ++y) {
    for (std::size_t x = 0; x < 81; ++x) {
      if (x == 40) continue;  // on the midline both are equally near
      BOOST_REQUIRE_EQUAL(fibres(y, x), labels(y, x) == 0 ? 0 : x < 40 ? 1 : 2);
    }
  }
  const auto sheaths = axonzoo::label_sheaths(labels, fibres, 1);
  BOOST_TEST(sheaths(20, 20) == 0);
  BOOST_TEST(sheaths(20, 5) == 1);
}

BOOST_AUTO_TEST_CASE(centroids_are_truncated_not_rounded) {
  const auto seeds = axonzoo::truncated_centroids(axonzoo::runs_of(drawing::instances_of({"11..", "11.2", "...2", "...2"})));
  BOOST_REQUIRE(seeds.size() == 2);
  BOOST_TEST(seeds[0].row == 0);  // 0.5
  BOOST_TEST(seeds[0].column == 0);
  BOOST_TEST(seeds[1].row == 2);
  BOOST_TEST(seeds[1].column == 3);
}

BOOST_AUTO_TEST_CASE(an_axon_whose_centroid_lies_outside_has_no_fibre) {
  const auto labels = drawing::labels_of({"AAAAA", "A...A", "A...A", "A...A", "AAAAA", "....o"});
  const auto fibres = axonzoo::label_fibres(labels, axonzoo::label_axons(labels, 2), 2, 1);
  BOOST_TEST((fibres == drawing::instances_of({".....", ".....", ".....", ".....", ".....", "....."})));
}

BOOST_AUTO_TEST_CASE(an_image_that_is_all_axon_is_one_fibre) {
  const auto labels = drawing::blank(70, 50, 2);
  const auto fibres = axonzoo::label_fibres(labels, axonzoo::label_axons(labels, 2), 2, 1);
  BOOST_TEST((std::set<std::int32_t>(fibres.begin(), fibres.end()) == std::set<std::int32_t>{1}));
}

BOOST_AUTO_TEST_CASE(the_numbers_of_axons_may_have_gaps) {
  const auto labels = drawing::labels_of({"oAo.oAo"});
  const auto fibres = axonzoo::label_fibres(labels, drawing::instances_of({".3...9."}), 2, 1);
  BOOST_TEST((fibres == drawing::instances_of({"333.999"})));
}

BOOST_AUTO_TEST_SUITE_END()
