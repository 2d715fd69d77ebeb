#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include <axonzoo/data/open.hpp>
#include <axonzoo/data/read.hpp>
#include <axonzoo/data/split.hpp>
#include <axonzoo/data/write_phantoms.hpp>
#include <axonzoo/io/table.hpp>

#include "made_folder.hpp"

using namespace axonzoo;
namespace fs = std::filesystem;

namespace {

phantom_set_options small(int images) {
  phantom_set_options set;
  set.images = images;
  set.size = 64;
  set.seed = 7;
  return set;
}

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    all[entry.path().lexically_relative(folder).string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_write_phantoms)

BOOST_AUTO_TEST_CASE(open_dataset_reads_what_was_written) {
  made_folder folder;
  auto set = small(4);
  set.contrast = phantom_set_options::contrast_choice::both;
  set.subjects = 2;
  set.pixel_size = 0.08;
  write_phantoms(folder.path(), set);
  const auto data = open_dataset({folder.path()});
  BOOST_TEST(data.micrographs.size() == 4u);
  BOOST_TEST((data.classes == std::vector<std::string>{"background", "myelin", "axon"}));
  std::map<std::string, std::set<std::string>> contrasts;
  for (const auto& one : data.micrographs) {
    contrasts[one.subject].insert(one.contrast);
    BOOST_TEST(one.pixel_size == 0.08);
    const auto labels = read_labels(one), pixels_shape = labels;
    BOOST_TEST(read_pixels(one).shape(0) == 64u);
    // The masks of single classes and the table tell the same as the mask of both.
    const auto masks = folder.path() / "derivatives" / "labels" / ("sub-" + one.subject) / "micr";
    const auto axon = read_image(masks / (one.name + "_seg-axon-manual.png")), myelin = read_image(masks / (one.name + "_seg-myelin-manual.png"));
    std::size_t wrong = 0, axons = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      wrong += (axon.data()[i] == 255) != (labels.data()[i] == 2) || (myelin.data()[i] == 255) != (labels.data()[i] == 1);
      axons += labels.data()[i] == 2;
    }
    BOOST_TEST(wrong == 0u);
    BOOST_TEST(axons > 100u);
    const auto truth = read_csv(folder.path() / "derivatives" / "truth" / ("sub-" + one.subject) / "micr" / (one.name + "_truth.csv"));
    BOOST_TEST(truth.size() > 3u);
    std::size_t hits = 0, inside = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const auto number = [&](const char* column) {
        const auto& cell = truth.at(i, column);
        return std::holds_alternative<double>(cell) ? std::get<double>(cell) : static_cast<double>(std::get<std::int64_t>(cell));
      };
      if (number("image_border_touching") != 0) continue;
      ++inside;
      hits += labels(static_cast<std::size_t>(number("y (um)") / 0.08), static_cast<std::size_t>(number("x (um)") / 0.08)) == 2;
    }
    BOOST_TEST(hits == inside);
  }
  BOOST_TEST((contrasts == std::map<std::string, std::set<std::string>>{{"phantom1", {"SEM"}}, {"phantom2", {"TEM"}}}));
}

BOOST_AUTO_TEST_CASE(every_number_of_images_from_two_on_can_be_split_by_subject) {
  for (const int images : {2, 3, 7, 12}) {
    made_folder folder;
    write_phantoms(folder.path(), small(images));
    const auto data = open_dataset({folder.path()});
    BOOST_TEST(data.micrographs.size() == static_cast<std::size_t>(images));
    std::set<std::string> subjects;
    for (const auto& one : data.micrographs) subjects.insert(one.subject);
    BOOST_TEST(subjects.size() == static_cast<std::size_t>(std::min(images, std::max(3, images / 2))));
    const auto sides = split_by_subject(data, {}, 0.2, 1);
    BOOST_TEST(!sides.train.empty());
    BOOST_TEST(!sides.test.empty());
  }
}

BOOST_AUTO_TEST_CASE(same_seed_same_bytes) {
  made_folder one, again, other;
  auto set = small(3);
  write_phantoms(one.path() / "a", set);
  write_phantoms(again.path() / "b", set);
  set.seed = 8;
  write_phantoms(other.path(), set);
  const auto first = contents(one.path() / "a");
  BOOST_TEST(first.size() == 3u * 6 + 5);
  BOOST_TEST((first == contents(again.path() / "b")));
  BOOST_TEST((first != contents(other.path())));
}

BOOST_AUTO_TEST_CASE(a_set_cut_short_is_no_set_and_is_written_anew) {
  made_folder folder;
  write_phantoms(folder.path(), small(5), [](int written) { return written < 4; });
  BOOST_TEST(!fs::exists(folder.path() / "dataset_description.json"));
  write_phantoms(folder.path(), small(2));
  BOOST_TEST(open_dataset({folder.path()}).micrographs.size() == 2u);
}

BOOST_AUTO_TEST_CASE(refusals_say_why) {
  made_folder folder;
  const auto refused = [&](const std::function<void(phantom_set_options&)>& change) {
    auto set = small(2);
    change(set);
    return sentence_of([&] { write_phantoms(folder.path() / "set", set); });
  };
  using choice = phantom_set_options::contrast_choice;
  BOOST_TEST(says(refused([](auto& set) { set.images = 0; }), {"cannot write phantoms", "0 images"}));
  BOOST_TEST(says(refused([](auto& set) { set.subjects = 3; }), {"3 subjects", "give 1 to 2"}));
  BOOST_TEST(says(refused([](auto& set) { set.subjects = 1, set.contrast = choice::both; }), {"one contrast"}));
  BOOST_TEST(says(refused([](auto& set) { set.size = 0; }), {"no pixels"}));
  BOOST_TEST(says(refused([](auto& set) { set.pixel_size = 0; }), {"pixel"}));
  BOOST_TEST(!fs::exists(folder.path() / "set"));
  BOOST_TEST(refused([](auto&) {}) == "");
  BOOST_TEST(says(refused([](auto&) {}), {"holds a data set already"}));
  folder.text("file", "x");
  BOOST_TEST(says(sentence_of([&] { write_phantoms(folder.path() / "file", small(1)); }), {"folder"}));
}

BOOST_AUTO_TEST_SUITE_END()
