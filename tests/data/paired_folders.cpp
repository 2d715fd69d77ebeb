#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <vector>

#include <axonzoo/data/paired_folders.hpp>
#include <axonzoo/data/read.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

using names = std::vector<std::string>;

/// A disc of `inner` in a ring of `outer`, in 64 x 64 pixels.
auto disc(int inner, int outer) {
  return [=](std::size_t y, std::size_t x) {
    const double dy = static_cast<double>(y) - 31, dx = static_cast<double>(x) - 31, r = dy * dy + dx * dx;
    return r < 144 ? inner : r < 400 ? outer : 0;
  };
}

std::vector<std::size_t> counts(const micrograph& one) {
  std::vector<std::size_t> count(6);
  for (const auto label : read_labels(one)) ++count.at(label);
  return count;
}

void images(const made_folder& made, const names& stems) {
  for (const auto& stem : stems) made.png("images/" + stem + ".png", 64, 64, 90);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_paired_folders)

BOOST_AUTO_TEST_CASE(two_levels_are_one_class) {
  for (const int level : {255, 200, 1}) {
    made_folder made;
    images(made, {"a", "b"});
    made.png("masks/a.tif", 64, 64, disc(level, 0));  // a PNG by content
    const auto data = open_paired_folders(made.path());
    BOOST_TEST(data.classes == (names{"background", "foreground"}), boost::test_tools::per_element());
    BOOST_REQUIRE_EQUAL(data.micrographs.size(), 2u);
    BOOST_TEST(data.micrographs[1].masks.empty());
    BOOST_TEST(counts(data.micrographs[0])[1] == 437u);
  }
}

BOOST_AUTO_TEST_CASE(three_levels_are_myelin_and_axon) {
  for (const int scale : {127, 1}) {
    made_folder made;
    images(made, {"a"});
    made.png("masks/a.png", 64, 64, disc(scale == 1 ? 2 : 255, scale));
    const auto data = open_paired_folders(made.path());
    BOOST_TEST(data.classes == (names{"background", "myelin", "axon"}), boost::test_tools::per_element());
    BOOST_TEST(counts(data.micrographs[0])[2] == 437u);
    BOOST_TEST(counts(data.micrographs[0])[1] == 808u);
  }
}

BOOST_AUTO_TEST_CASE(jpeg_and_sixteen_bits_change_nothing) {
  made_folder two, three, sixteen;
  images(two, {"a"});
  for (const int quality : {50, 70, 90}) {
    two.jpeg("masks/a.png", 64, 64, quality, disc(255, 0));
    BOOST_TEST(open_paired_folders(two.path()).classes.size() == 2u);
  }
  images(three, {"a"});
  for (const int quality : {50, 70, 90}) {
    three.jpeg("masks/a.png", 64, 64, quality, disc(255, 127));
    BOOST_TEST(open_paired_folders(three.path()).classes.size() == 3u);
  }
  images(sixteen, {"a"});
  xt::xtensor<std::uint16_t, 2> mask = xt::zeros<std::uint16_t>({64, 64});
  const auto level = disc(65535, 32768);
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = static_cast<std::uint16_t>(level(i / 64, i % 64));
  write_npy(sixteen.at("masks/a.npy"), mask);
  const auto data = open_paired_folders(sixteen.path());
  BOOST_TEST(data.classes.size() == 3u);
  BOOST_TEST(counts(data.micrographs[0])[2] == 437u);
}

BOOST_AUTO_TEST_CASE(half_grey_edges_are_no_third_class) {
  made_folder made;  // thin processes shrunk by half: a quarter of what is not background is 127
  images(made, {"a"});
  made.png("masks/a.png", 64, 64, [](auto, auto x) { return x % 16 < 3 ? 255 : x % 16 == 3 ? 127 : 0; });
  BOOST_TEST(open_paired_folders(made.path()).classes.size() == 2u);
}

BOOST_AUTO_TEST_CASE(larger_numbers_are_instances) {
  made_folder made;
  images(made, {"a", "b"});
  made.png("masks/a.png", 64, 64, [](auto y, auto x) { return static_cast<int>(y / 8 * 8 + x / 8) * 3; });
  made.png("masks/b.png", 64, 64, disc(2, 1));
  const auto data = open_paired_folders(made.path());
  BOOST_TEST(data.classes.size() == 2u);
  BOOST_TEST(counts(data.micrographs[0])[1] == 64u * 64 - 64);
  BOOST_TEST(counts(data.micrographs[1])[1] == 437u + 808);
}

BOOST_AUTO_TEST_CASE(class_names_can_be_given) {
  made_folder made;
  images(made, {"a", "b"});
  made.png("masks/a.png", 64, 64, disc(3, 1));
  made.png("masks/b.png", 64, 64, disc(2, 0));
  const auto classes = made.text("classes.txt", "# organelles\r\nnucleus\r\nlysosome \r\n\r\n vesicle\r\n");
  const auto data = open_paired_folders(made.path());
  BOOST_TEST(data.classes == (names{"background", "nucleus", "lysosome", "vesicle"}), boost::test_tools::per_element());
  BOOST_TEST(counts(data.micrographs[0])[3] == 437u);
  BOOST_TEST(counts(data.micrographs[1])[2] == 437u);
  const auto open = [&] { return sentence_of([&] { (void)open_paired_folders(made.path()); }); };
  made.text("classes.txt", "nucleus\nlysosome\n");
  BOOST_TEST(says(open(), {"classes.txt", "names 2 classes", "numbers up to 3"}));
  made.text("classes.txt", "nucleus\nnucleus\n");
  BOOST_TEST(says(open(), {"classes.txt", "'nucleus' stands twice"}));
  made.text("classes.txt", "\n");
  BOOST_TEST(says(open(), {"classes.txt", "holds 0 of them"}));
  made.text("classes.txt", "background\ncell\n");
  BOOST_TEST(counts(open_paired_folders(made.path()).micrographs[0])[1] == 437u + 808);
  made.png("masks/a.png", 64, 64, disc(255, 0));
  made.png("masks/b.png", 64, 64, disc(255, 127));
  BOOST_TEST(says(open(), {"classes.txt", "names 1 classes and the masks have 2"}));
}

BOOST_AUTO_TEST_CASE(a_known_structure_names_the_class) {
  for (const auto& [stem, name] : std::vector<std::pair<std::string, std::string>>{{"neuron-001", "neuron"}, {"Nuclei_4", "nucleus"}, {"mouse_1", "foreground"}}) {
    made_folder made;
    images(made, {stem});
    made.png("masks/" + stem + ".png", 64, 64, disc(255, 0));
    BOOST_TEST(open_paired_folders(made.path()).classes.back() == name);
  }
}

BOOST_AUTO_TEST_CASE(subjects_come_from_the_stems) {
  using detail::subjects_of;
  const auto same = boost::test_tools::per_element();
  BOOST_TEST(subjects_of({"rat1_a", "rat1_b", "rat2-a", "rat3 x"}, false) == (names{"rat1", "rat1", "rat2", "rat3"}), same);
  BOOST_TEST(subjects_of({"neuron-001", "neuron-002"}, false) == (names{"neuron-001", "neuron-002"}), same);
  BOOST_TEST(subjects_of({"a_1", "b_1"}, false) == (names{"a_1", "b_1"}), same);
  BOOST_TEST(subjects_of({"_a", "b"}, false) == (names{"_a", "b"}), same);
  BOOST_TEST(subjects_of({"CT_x-000", "CT_x-001", "CT_y-000"}, true) == (names{"CT_x", "CT_x", "CT_y"}), same);
  BOOST_TEST(subjects_of({"CT_x-000", "CT_x-001", "MR_x-000"}, true) == (names{"CT_x", "CT_x", "MR_x"}), same);
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong) {
  made_folder made;
  const auto open = [&] { return sentence_of([&] { (void)open_paired_folders(made.path()); }); };
  BOOST_TEST(says(open(), {made.path().string(), "no images/ with masks/"}));
  std::filesystem::create_directories(made.path() / "images");
  std::filesystem::create_directories(made.path() / "masks");
  BOOST_TEST(says(open(), {"images", "holds no images"}));
  images(made, {"a"});
  BOOST_TEST(says(open(), {"masks", "holds no masks", "'a.png'"}));
  made.png("masks/a_mask.png", 64, 64, 255);
  BOOST_TEST(says(open(), {"no mask has the name of an image", "as 'a'"}));
  made.png("masks/a.png", 64, 64, disc(127, 0));
  BOOST_TEST(says(open(), {"a.png", "brightest level is 127", "255"}));
  made.png("masks/a.png", 64, 64, disc(255, 0));
  made.png("images/b.png", 64, 64, 9);
  made.png("masks/b.png", 64, 64, disc(3, 1));
  BOOST_TEST(says(open(), {"b.png", "it stores numbers", "stores grey levels"}));
  made.png("masks/b.png", 64, 64, 0);  // an empty mask is no contradiction
  BOOST_TEST(open().empty());
  made.png("images/b.tif", 64, 64, 9);
  BOOST_TEST(says(open(), {"b.tif", "b.png", "same name"}));
  std::filesystem::remove(made.path() / "images/b.tif");
  made.text("images/c.jpg", "not an image");
  BOOST_TEST(says(open(), {"c.jpg", "named like an image but holds none"}));
}

BOOST_AUTO_TEST_CASE(real_neurons) {
  const auto folder = real_data("neurons");
  if (!folder) {
    BOOST_TEST_MESSAGE("skipped: AXONZOO_TEST_DATA names no folder with neurons/");
    return;
  }
  const auto data = open_paired_folders(*folder);
  BOOST_REQUIRE_EQUAL(data.micrographs.size(), 72u);
  BOOST_TEST(data.classes == (names{"background", "neuron"}), boost::test_tools::per_element());
  BOOST_TEST(channels_of(data) == 3u);
  std::set<std::string> subjects;
  double share = 0;
  for (const auto& one : data.micrographs) {
    subjects.insert(one.subject);
    BOOST_TEST(one.pixel_size == 0.);
    BOOST_TEST(one.masks.size() == 1u);
    share += static_cast<double>(counts(one)[1]) / (1280. * 960 * 72);
  }
  BOOST_TEST(subjects.size() == 72u);
  BOOST_TEST(share == 0.08475436740451389, boost::test_tools::tolerance(1e-9));  // by Pillow and NumPy
}

BOOST_AUTO_TEST_SUITE_END()
