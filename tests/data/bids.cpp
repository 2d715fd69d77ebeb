#include <boost/test/unit_test.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <axonzoo/data/bids.hpp>
#include <axonzoo/data/read.hpp>

#include "made_folder.hpp"

using namespace axonzoo;
namespace fs = std::filesystem;

namespace {

const std::string labels = "derivatives/labels/";

/// Share of each class over one micrograph.
std::array<double, 3> shares(const micrograph& one) {
  std::array<double, 3> share{};
  const auto image = read_labels(one);
  for (const auto label : image) share.at(label) += 1. / static_cast<double>(image.size());
  return share;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_bids)

BOOST_AUTO_TEST_CASE(reads_subjects_contrasts_and_masks) {
  made_folder made;
  made.png("sub-a/micr/sub-a_sample-1_SEM.png", 4, 6, 90);
  made.png("sub-a/micr/sub-a_photo.png", 4, 6, 90);
  made.text("sub-a/micr/.hidden_SEM.png", "");
  made.text("sub-a/micr/Thumbs.db", "x");
  made.text("sub-a/micr/notes.txt", "x");
  made.png("sub-b/ses-2/micr/sub-b_ses-2_sample-1_TEM.png", 4, 6, 90);
  made.png("sub-c/micr/sub-c_CARS.png", 4, 6, 90);
  made.png(labels + "sub-a/micr/sub-a_sample-1_SEM_seg-axonmyelin-manual.png", 4, 6, [](auto, auto x) { return x < 2 ? 0 : x < 4 ? 127 : 255; });
  made.png(labels + "sub-a/micr/sub-a_sample-1_SEM_seg-axon-manual.png", 4, 6, 0);  // axonmyelin is preferred
  made.png(labels + "sub-a/micr/sub-a_sample-1_SEM_seg-myelin-manual.png", 4, 6, 0);
  made.png(labels + "sub-b/ses-2/micr/sub-b_ses-2_sample-1_TEM_seg-axon-manual.png", 4, 6, [](auto, auto x) { return x < 3 ? 255 : 0; });
  made.png(labels + "sub-b/ses-2/micr/sub-b_ses-2_sample-1_TEM_seg-myelin-manual.png", 4, 6, [](auto, auto x) { return x < 4 ? 255 : 0; });
  made.png(labels + "sub-b/ses-2/micr/sub-b_ses-2_sample-1_TEM_seg-uaxon-manual.png", 4, 6, 255);

  const auto data = open_bids(made.path());
  BOOST_REQUIRE_EQUAL(data.micrographs.size(), 3u);
  BOOST_TEST(data.classes == (std::vector<std::string>{"background", "myelin", "axon"}), boost::test_tools::per_element());
  const auto &a = data.micrographs[0], &b = data.micrographs[1], &c = data.micrographs[2];
  BOOST_TEST(a.name == "sub-a_sample-1_SEM");
  BOOST_TEST(a.subject == "a");
  BOOST_TEST(a.contrast == "SEM");
  BOOST_TEST(b.contrast == "TEM");
  BOOST_TEST(c.contrast == "CARS");
  BOOST_TEST(c.masks.empty());
  BOOST_TEST(shares(a)[1] == 2. / 6, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(shares(a)[2] == 2. / 6, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(shares(b)[2] == 3. / 6, boost::test_tools::tolerance(1e-12));  // axon wins where both
  BOOST_TEST(shares(b)[1] == 1. / 6, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(one_label_alone_is_one_class) {
  made_folder made;
  made.png("sub-1/micr/sub-1_BF.png", 3, 3, 9);
  made.png(labels + "sub-1/micr/sub-1_BF_seg-neuron-manual.png", 3, 3, 1);
  made.png(labels + "sub-1/micr/sub-1_BF_seg-uaxon-manual.png", 3, 3, 1);
  made.png(labels + "sub-1/micr/sub-1_BF_seg-axon.png", 3, 3, 1);  // by a program, not by hand
  const auto data = open_bids(made.path());
  BOOST_TEST(data.classes == (std::vector<std::string>{"background", "neuron"}), boost::test_tools::per_element());
  BOOST_TEST(shares(data.micrographs[0])[1] == 1., boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(masks_of_other_pipelines_are_found) {
  made_folder made;
  made.png("sub-1/micr/sub-1_SEM.png", 3, 3, 9);
  made.png("derivatives/by-hand/sub-1/micr/sub-1_SEM_seg-axonmyelin-manual.png", 3, 3, 255);
  BOOST_TEST(open_bids(made.path()).micrographs[0].masks.size() == 1u);
}

BOOST_AUTO_TEST_CASE(says_what_is_missing) {
  made_folder made;
  const auto open = [&] { return sentence_of([&] { (void)open_bids(made.path()); }); };
  fs::create_directories(made.path() / "sub-1");
  BOOST_TEST(says(open(), {made.path().string(), "no sub-*/micr folder holds an image"}));
  made.png("sub-1/micr/sub-1_SEM.png", 3, 3, 9);
  BOOST_TEST(says(open(), {"none of its 1 images has a manual mask", "_seg-axonmyelin-manual.png"}));
  made.png("sub-2/micr/sub-2_SEM.png", 3, 3, 9);
  made.png(labels + "sub-1/micr/sub-1_SEM_seg-axonmyelin-manual.png", 3, 3, 255);
  BOOST_TEST(open().empty());
  made.png(labels + "sub-2/micr/sub-2_SEM_seg-axon-manual.png", 3, 3, 255);
  BOOST_TEST(says(open(), {"sub-2_SEM", "axon but none of myelin"}));
  fs::remove_all(made.path() / "derivatives/labels/sub-2");
  made.png("sub-2/micr/image.png", 3, 3, 9);
  BOOST_TEST(says(open(), {"sub-2/micr/image.png", "does not end in a contrast"}));
  fs::remove(made.path() / "sub-2/micr/image.png");
  made.text("sub-2/micr/sub-2_sample-2_SEM.png", "");
  BOOST_TEST(says(open(), {"sub-2_sample-2_SEM.png", "named like an image but holds none"}));
}

BOOST_AUTO_TEST_CASE(links_in_a_circle_do_no_harm) {
  made_folder made;
  made.png("sub-1/micr/sub-1_SEM.png", 3, 3, 9);
  made.png(labels + "sub-1/micr/sub-1_SEM_seg-axonmyelin-manual.png", 3, 3, 255);
  fs::create_directory_symlink(made.path(), made.path() / "sub-2");
  fs::create_directory_symlink(made.path() / "sub-1", made.path() / "sub-1/ses-1");
  BOOST_TEST(open_bids(made.path()).micrographs.size() >= 1u);
  fs::create_symlink("round", made.path() / "sub-1/micr/round");
  BOOST_TEST(says(sentence_of([&] { (void)open_bids(made.path()); }), {"sub-1/micr/round", "the link leads nowhere"}));
}

BOOST_AUTO_TEST_CASE(real_sem) {
  const auto folder = real_data("sem");
  if (!folder) {
    BOOST_TEST_MESSAGE("skipped: AXONZOO_TEST_DATA names no folder with sem/");
    return;
  }
  const auto data = open_bids(*folder);
  BOOST_REQUIRE_EQUAL(data.micrographs.size(), 9u);
  const std::map<std::string, double> sizes{{"rat1", 0.18}, {"rat2", 0.093}, {"rat3", 0.1}, {"rat4", 0.1}, {"rat5", 0.13}, {"rat7", 0.07}, {"rat8", 0.07}};
  std::set<std::string> subjects;
  for (const auto& one : data.micrographs) {
    BOOST_TEST_CONTEXT(one.name) {
      subjects.insert(one.subject);
      BOOST_TEST(one.contrast == "SEM");
      BOOST_REQUIRE(sizes.count(one.subject));
      BOOST_TEST(one.pixel_size == sizes.at(one.subject), boost::test_tools::tolerance(1e-12));
      BOOST_REQUIRE_EQUAL(one.masks.size(), 1u);
    }
  }
  BOOST_TEST(subjects.size() == sizes.size());
  // counted with Pillow and NumPy
  const auto rat2 = shares(data.micrographs[1]), rat8 = shares(data.micrographs[8]);
  BOOST_TEST(rat2[1] * 954 * 1280 == 488611. + 5, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(rat2[2] * 954 * 1280 == 354544. + 4, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(rat8[1] * 1096 * 1541 == 589519., boost::test_tools::tolerance(1e-9));
  BOOST_TEST(rat8[2] * 1096 * 1541 == 525741., boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(real_tem) {
  const auto folder = real_data("tem");
  if (!folder) {
    BOOST_TEST_MESSAGE("skipped: AXONZOO_TEST_DATA names no folder with tem/");
    return;
  }
  const auto data = open_bids(*folder);
  BOOST_REQUIRE_EQUAL(data.micrographs.size(), 15u);
  std::set<std::string> subjects;
  std::array<double, 3> all{};
  for (const auto& one : data.micrographs) {
    subjects.insert(one.subject);
    BOOST_TEST(one.contrast == "TEM");
    BOOST_TEST(one.pixel_size == 0.00493, boost::test_tools::tolerance(1e-12));
    const auto share = shares(one);
    for (int c = 0; c < 3; ++c) all[c] += share[c] / 15;

    // the pair of masks, one of them RGB and one with alpha, says the same as the mask of both
    auto pair = one;
    auto path = one.masks.at(0).path.string();
    const auto at = path.rfind("axonmyelin");
    pair.masks = {{path.substr(0, at) + "myelin-manual.png", mask_file::kind::binary, 1},
                  {path.substr(0, at) + "axon-manual.png", mask_file::kind::binary, 2}};
    BOOST_TEST((read_labels(one) == read_labels(pair)), one.name);
  }
  BOOST_TEST(subjects == (std::set<std::string>{"367A", "368A", "369B", "371", "372", "373C", "375"}), boost::test_tools::per_element());
  BOOST_TEST(all[1] == 1374917 / 5.4e6, boost::test_tools::tolerance(1e-9));  // counted with Pillow and NumPy
  BOOST_TEST(all[2] == 1647599 / 5.4e6, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_SUITE_END()
