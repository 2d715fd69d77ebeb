#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <unistd.h>

#include <axonzoo/data/open.hpp>

#include "made_folder.hpp"

using namespace axonzoo;
namespace fs = std::filesystem;

namespace {

void bids(const made_folder& made, const std::string& folder) {
  made.png(folder + "/sub-1/micr/sub-1_SEM.png", 8, 8, 90);
  made.png(folder + "/derivatives/labels/sub-1/micr/sub-1_SEM_seg-axonmyelin-manual.png", 8, 8, 255);
}

void pair(const made_folder& made, const std::string& folder) {
  made.png(folder + "/images/x.png", 8, 8, 90);
  made.png(folder + "/masks/x.png", 8, 8, 255);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_open)

BOOST_AUTO_TEST_CASE(tells_the_layout) {
  made_folder made;
  bids(made, "b");
  pair(made, "p");
  write_npy(made.at("n/imgs/x.npy"), xt::xtensor<float, 2>(xt::ones<float>({8, 8})));
  write_npy(made.at("n/gts/x.npy"), xt::xtensor<std::uint8_t, 2>(xt::ones<std::uint8_t>({8, 8})));
  pair(made, "misnamed");
  fs::rename(made.path() / "misnamed/images", made.path() / "misnamed/imgs");
  fs::rename(made.path() / "misnamed/masks", made.path() / "misnamed/gts");
  fs::rename(made.path() / "misnamed/imgs/x.png", made.path() / "misnamed/imgs/x.npy");
  BOOST_TEST(open_dataset({made.path() / "b"}).micrographs.at(0).contrast == "SEM");
  BOOST_TEST(open_dataset({made.path() / "p/"}).micrographs.at(0).contrast == "p");
  BOOST_TEST(open_dataset({made.path() / "n"}).micrographs.at(0).name == "x");
  BOOST_TEST(open_dataset({made.path() / "misnamed"}).micrographs.at(0).name == "x");
}

BOOST_AUTO_TEST_CASE(joins_data_sets_of_the_same_classes) {
  made_folder made;
  bids(made, "one/data");
  bids(made, "two/data");
  bids(made, "three/data");
  pair(made, "p");
  const auto all = open_dataset({made.path() / "one/data", made.path() / "two/data", made.path() / "three/data"});
  std::set<std::string> names;
  for (const auto& one : all.micrographs) names.insert(one.name);
  BOOST_TEST(names == (std::set<std::string>{"sub-1_SEM", "data_sub-1_SEM", "data_sub-1_SEM_2"}), boost::test_tools::per_element());
  BOOST_TEST(says(sentence_of([&] { (void)open_dataset({made.path() / "one/data", made.path() / "p"}); }),
                  {"one/data", "/p'", "background, myelin, axon against background, foreground"}));
  BOOST_TEST(says(sentence_of([&] { (void)open_dataset({made.path() / "p", made.path() / "one" / ".." / "p/"}); }), {"given twice"}));
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_a_folder) {
  made_folder made;
  const auto open = [&](const std::string& name) { return sentence_of([&] { (void)open_dataset({made.path() / name}); }); };
  BOOST_TEST(says(sentence_of([] { (void)open_dataset({}); }), {"--data"}));
  BOOST_TEST(says(open("none"), {"none'", "there is no such folder"}));
  made.text("file", "x");
  BOOST_TEST(says(open("file"), {"file'", "it is a file"}));
  fs::create_directories(made.path() / "empty");
  BOOST_TEST(says(open("empty"), {"empty'", "the folder is empty"}));
  made.text("other/notes.txt", "x");
  BOOST_TEST(says(open("other"), {"other'", "neither a BIDS data set nor"}));
  made.png("flat/a.png", 8, 8, 1);
  BOOST_TEST(says(open("flat"), {"flat'", "images but no folder of masks"}));
  made.png("unmasked/images/a.png", 8, 8, 1);
  BOOST_TEST(says(open("unmasked"), {"unmasked/images'", "no folder of masks", "unmasked/masks'"}));
  fs::create_directories(made.path() / "hollow/images");
  fs::create_directories(made.path() / "hollow/masks");
  BOOST_TEST(says(open("hollow"), {"hollow/images'", "holds no images"}));
  pair(made, "outer/inner");
  BOOST_TEST(says(open("outer"), {"outer'", "holds data sets", "outer/inner'"}));
}

BOOST_AUTO_TEST_CASE(a_mask_of_another_size_is_found_at_once) {
  made_folder made;
  pair(made, "p");
  made.png("p/masks/x.png", 8, 9, 255);
  BOOST_TEST(says(sentence_of([&] { (void)open_dataset({made.path() / "p"}); }),
                  {"masks/x.png", "9 x 8 pixels", "images/x.png", "8 x 8", "give a mask of the image's size"}));
}

BOOST_AUTO_TEST_CASE(a_truncated_mask_is_named) {
  made_folder made;
  pair(made, "p");
  const auto mask = made.path() / "p/masks/x.png";
  fs::resize_file(mask, fs::file_size(mask) / 2);
  BOOST_TEST(says(sentence_of([&] { (void)open_dataset({made.path() / "p"}); }), {"masks/x.png"}));
}

BOOST_AUTO_TEST_CASE(a_closed_folder_is_named) {
  if (::geteuid() == 0) {
    BOOST_TEST_MESSAGE("skipped: root may read every folder");
    return;
  }
  made_folder made;
  pair(made, "p");
  fs::permissions(made.path() / "p/images", fs::perms::none);
  BOOST_TEST(says(sentence_of([&] { (void)open_dataset({made.path() / "p"}); }), {"p/images'", "permission denied"}));
  fs::permissions(made.path() / "p/images", fs::perms::owner_all);
}

BOOST_AUTO_TEST_CASE(real_sem_and_tem_in_one) {
  const auto sem = real_data("sem"), tem = real_data("tem"), neurons = real_data("neurons");
  if (!sem || !tem || !neurons) {
    BOOST_TEST_MESSAGE("skipped: AXONZOO_TEST_DATA names no folder with sem/, tem/ and neurons/");
    return;
  }
  BOOST_TEST(open_dataset({*sem, *tem}).micrographs.size() == 24u);
  BOOST_TEST(says(sentence_of([&] { (void)open_dataset({*sem, *neurons}); }), {"background, neuron"}));
}

BOOST_AUTO_TEST_SUITE_END()
