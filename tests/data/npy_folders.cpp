#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <xtensor/xbuilder.hpp>

#include <axonzoo/data/npy_folders.hpp>
#include <axonzoo/data/read.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

BOOST_AUTO_TEST_SUITE(data_npy_folders)

BOOST_AUTO_TEST_CASE(reads_images_and_instances) {
  made_folder made;
  xt::xtensor<double, 3> pixels = xt::zeros<double>({5, 7, 3});
  pixels(2, 3, 1) = 0.5;
  xt::xtensor<std::int64_t, 2> truth = xt::zeros<std::int64_t>({5, 7});
  truth(1, 1) = 1;
  truth(4, 6) = 700;
  for (const std::string name : {"EM_a-000", "EM_a-001", "EM_b-000"}) {
    write_npy(made.at("imgs/" + name + ".npy"), pixels);
    write_npy(made.at("gts/" + name + ".npy"), truth);
  }
  BOOST_TEST(looks_like_npy_folders(made.path()));
  BOOST_TEST(!looks_like_paired_folders(made.path()));
  const auto data = open_npy_folders(made.path());
  BOOST_REQUIRE_EQUAL(data.micrographs.size(), 3u);
  BOOST_TEST(data.classes == (std::vector<std::string>{"background", "foreground"}), boost::test_tools::per_element());
  BOOST_TEST(data.micrographs[1].subject == "EM_a");
  BOOST_TEST(data.micrographs[2].subject == "EM_b");
  const auto read = read_pixels(data.micrographs[0]);
  BOOST_TEST(read.shape() == (std::array<std::size_t, 3>{5, 7, 3}), boost::test_tools::per_element());
  BOOST_TEST(read(2, 3, 1) == 0.5f);
  const auto labels = read_labels(data.micrographs[0]);
  BOOST_TEST(labels(1, 1) == 1);
  BOOST_TEST(labels(4, 6) == 1);
  BOOST_TEST(labels(0, 0) == 0);
}

BOOST_AUTO_TEST_CASE(numbers_up_to_two_are_classes) {
  made_folder made;
  write_npy(made.at("imgs/a.npy"), xt::xtensor<std::uint8_t, 2>(xt::zeros<std::uint8_t>({4, 4})));
  xt::xtensor<float, 2> truth = xt::zeros<float>({4, 4});
  truth(0, 1) = 1;
  truth(0, 2) = 2;
  write_npy(made.at("gts/a.npy"), truth);
  const auto data = open_npy_folders(made.path());
  BOOST_TEST(data.classes == (std::vector<std::string>{"background", "myelin", "axon"}), boost::test_tools::per_element());
  BOOST_TEST(read_labels(data.micrographs[0])(0, 2) == 2);
  BOOST_TEST(channels_of(data) == 1u);
}

BOOST_AUTO_TEST_CASE(refuses_other_shapes_and_values) {
  made_folder made;
  write_npy(made.at("imgs/a.npy"), xt::xtensor<std::uint8_t, 2>(xt::zeros<std::uint8_t>({4, 4})));
  const auto open = [&] { return sentence_of([&] { (void)open_npy_folders(made.path()); }); };
  xt::xtensor<float, 2> half = xt::zeros<float>({4, 4});
  half(0, 0) = 0.5f;
  write_npy(made.at("gts/a.npy"), half);
  BOOST_TEST(says(open(), {"gts/a.npy", "not whole numbers"}));
  write_npy(made.at("gts/a.npy"), xt::xtensor<std::uint8_t, 1>(xt::zeros<std::uint8_t>({16})));
  BOOST_TEST(says(open(), {"gts/a.npy", "its shape is [16]"}));
  write_npy(made.at("gts/a.npy"), xt::xtensor<std::uint8_t, 3>(xt::zeros<std::uint8_t>({4, 4, 2})));
  BOOST_TEST(says(open(), {"gts/a.npy", "its shape is [4, 4, 2]"}));
}

BOOST_AUTO_TEST_SUITE_END()
