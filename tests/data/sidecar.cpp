#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>

#include <axonzoo/data/sidecar.hpp>

#include "made_folder.hpp"

using namespace axonzoo;

namespace {

const auto exactly = boost::test_tools::tolerance(1e-12);

}  // namespace

BOOST_AUTO_TEST_SUITE(data_sidecar)

BOOST_AUTO_TEST_CASE(reads_numbers_lists_and_units) {
  made_folder made;
  const auto size = [&](const std::string& json) { return read_pixel_size(made.text("a.json", json)).value_or(-1); };
  BOOST_TEST(size(R"({"PixelSize": 0.25})") == 0.25, exactly);
  BOOST_TEST(size(R"({"PixelSize": [0.25, 0.25], "PixelSizeUnits": "um"})") == 0.25, exactly);
  BOOST_TEST(size(R"({"PixelSize": [250, 250, 5000], "PixelSizeUnits": "nm"})") == 0.25, exactly);
  BOOST_TEST(size(R"({"PixelSize": 0.00025, "PixelSizeUnits": "mm"})") == 0.25, exactly);
  BOOST_TEST(size("{\"PixelSize\": 0.25, \"PixelSizeUnits\": \"\xc2\xb5m\"}") == 0.25, exactly);
  BOOST_TEST(size("\xef\xbb\xbf{\"PixelSize\": [0.25, 0.251]}") == 0.2505, exactly);
  BOOST_TEST(size(R"({"BodyPart": "BRAIN"})") == -1);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_size) {
  made_folder made;
  const auto fails = [&](const std::string& json, const std::string& why) {
    return says(sentence_of([&] { (void)read_pixel_size(made.text("a.json", json)); }), {"a.json", why, "PixelSize"});
  };
  BOOST_TEST(fails("{\"PixelSize\": 0.1", "not a JSON object"));
  BOOST_TEST(fails("", "not a JSON object"));
  BOOST_TEST(fails("[1]", "not a JSON object"));
  BOOST_TEST(fails(R"({"PixelSize": 0})", "not a positive number"));
  BOOST_TEST(fails(R"({"PixelSize": "0.1"})", "not a positive number"));
  BOOST_TEST(fails(R"({"PixelSize": [0.1, -0.1]})", "not a positive number"));
  BOOST_TEST(fails(R"({"PixelSize": [0.1]})", "has 1 numbers"));
  BOOST_TEST(fails(R"({"PixelSize": [0.1, 0.2]})", "not square"));
  BOOST_TEST(fails(R"({"PixelSize": 0.1, "PixelSizeUnits": "px"})", "'px', not um, nm or mm"));
}

BOOST_AUTO_TEST_CASE(inherits_from_the_nearest) {
  made_folder made;
  const auto image = made.text("sub-1/micr/sub-1_sample-2_SEM.png", "");
  const auto found = [&] { return sidecars(made.path()).pixel_size(image); };
  BOOST_TEST(found() == 0.);
  made.text("sub-1/micr/pixel_size_in_micrometer.txt", "0.5\n");
  BOOST_TEST(found() == 0.5, exactly);
  std::filesystem::remove(made.path() / "sub-1/micr/pixel_size_in_micrometer.txt");
  made.text("SEM.json", R"({"PixelSize": 1})");
  made.text("TEM.json", R"({"PixelSize": 9})");
  BOOST_TEST(found() == 1., exactly);
  made.text("sub-1/sub-1_SEM.json", R"({"PixelSize": 2})");
  BOOST_TEST(found() == 2., exactly);
  made.text("sub-1/micr/sub-1_SEM.json", R"({"PixelSize": 3})");
  made.text("sub-1/micr/sub-1_sample-3_SEM.json", R"({"PixelSize": 9})");  // of another sample
  BOOST_TEST(found() == 3., exactly);
  made.text("sub-1/micr/sub-1_sample-2_SEM.json", R"({"BodyPart": "BRAIN"})");  // the size is inherited all the same
  BOOST_TEST(found() == 3., exactly);
  made.text("sub-1/micr/sub-1_sample-2_SEM.json", R"({"PixelSize": 4})");
  BOOST_TEST(found() == 4., exactly);
  std::filesystem::remove(made.path() / "sub-1/micr/sub-1_sample-2_SEM.json");
  std::filesystem::remove(made.path() / "sub-1/micr/sub-1_SEM.json");
  BOOST_TEST(known_pixel_size(image) == 0.);
  made.text("dataset_description.json", "{}");
  BOOST_TEST(known_pixel_size(image) == 2., exactly);
}

BOOST_AUTO_TEST_SUITE_END()
