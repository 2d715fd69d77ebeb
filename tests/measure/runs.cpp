#include <boost/test/unit_test.hpp>

#include <axonzoo/measure/runs.hpp>

#include "drawing.hpp"

BOOST_AUTO_TEST_SUITE(measure_runs)

BOOST_AUTO_TEST_CASE(an_image_is_its_runs) {
  const auto instances = drawing::instances_of({"11.22", "1.332", "....."});
  const auto runs = axonzoo::runs_of(instances);
  BOOST_TEST(runs.size() == 5u);
  BOOST_TEST(runs[2].row == 1);
  BOOST_TEST(runs[3].begin == 2);
  BOOST_TEST(runs[3].end == 4);
  BOOST_TEST(runs[3].instance == 3);
  BOOST_TEST((axonzoo::paint(runs, 3, 5) == instances));
}

BOOST_AUTO_TEST_CASE(restricted_runs_keep_the_pixels_of_one_class) {
  const auto runs = axonzoo::runs_of(drawing::instances_of({"11111122"}));
  const auto kept = axonzoo::restrict_to(runs, drawing::labels_of({"ooAoA.oo"}), 1);
  BOOST_TEST((axonzoo::paint(kept, 1, 8) == drawing::instances_of({"11.1..22"})));
}

BOOST_AUTO_TEST_SUITE_END()
