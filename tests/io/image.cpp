#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/image.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

BOOST_AUTO_TEST_SUITE(io_image)

BOOST_AUTO_TEST_CASE(the_kind_is_told_from_content) {
  const fresh_folder folder;
  label_image labels = label_image::from_shape({3, 4});
  labels.fill(9);
  write_png(folder / "a.jpg", labels);
  BOOST_TEST((format_of(folder / "a.jpg") == image_format::png));
  BOOST_TEST(is_image(folder / "a.jpg"));
  const image pixels = read_image(folder / "a.jpg");
  BOOST_TEST((pixels.shape(0) == 3 && pixels.shape(1) == 4 && pixels.shape(2) == 1 && pixels(2, 3, 0) == 9));
  const image_size size = read_image_size(folder / "a.jpg");
  BOOST_TEST((size.height == 3 && size.width == 4 && size.channels == 1 && size.bits == 8));
  put(folder / "b.png", "\xff\xd8\xff\xe0 and so on");
  BOOST_TEST((format_of(folder / "b.png") == image_format::jpeg));
  put(folder / "c", std::string("MM\0*\0\0\0\x08", 8));
  BOOST_TEST((format_of(folder / "c") == image_format::tiff));
}

BOOST_AUTO_TEST_CASE(what_is_no_image_is_a_sentence) {
  const fresh_folder folder;
  put(folder / "text.png", "# Read me");
  put(folder / "empty.png", "");
  put(folder / "short.png", "\x89P");
  const auto check = [&](const std::filesystem::path& path, const std::string& wrong) {
    BOOST_TEST(!is_image(path));
    for (const std::string& sentence :
         {sentence_of([&] { (void)read_image(path); }), sentence_of([&] { (void)read_image_size(path); })})
      BOOST_TEST(says(sentence, "cannot read image '" + path.string() + "'", wrong), sentence);
  };
  check(folder / "text.png", "not PNG, JPEG or TIFF");
  check(folder / "empty.png", "the file is empty");
  check(folder / "short.png", "not PNG, JPEG or TIFF");
  check(folder / "missing.png", "No such file or directory");
  check(folder.path, "it is a folder");
}

BOOST_AUTO_TEST_CASE(a_wrong_kind_after_right_magic_is_a_sentence) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (const std::string& magic :
       {std::string("\x89PNG\r\n\x1a\n"), std::string("\xff\xd8\xff"), std::string("II*\0", 4), std::string("MM\0+", 4)})
    for (int trial = 0; trial < 50; ++trial) {
      std::string bytes = magic;
      for (std::uint64_t n = random() % 300; n > 0; --n) bytes += static_cast<char>(random());
      put(folder / "junk", bytes);
      const std::string sentence = sentence_of([&] { (void)read_image(folder / "junk"); });
      BOOST_TEST(says(sentence, "cannot read image '" + (folder / "junk").string() + "'"), sentence);
    }
}

BOOST_AUTO_TEST_CASE(many_threads_read_good_and_damaged_files) {
  const fresh_folder folder;
  auto random = fresh_random();
  rgb_image picture = rgb_image::from_shape({40, 50, 3});
  for (auto& value : picture) value = static_cast<std::uint8_t>(random());
  write_png(folder / "good.png", picture);
  put(folder / "cut.png", get(folder / "good.png").substr(0, 3000));
  const image whole = read_image(folder / "good.png");
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n)
        right[i] +=
            read_image(folder / "good.png") == whole && !sentence_of([&] { (void)read_image(folder / "cut.png"); }).empty();
    });
  for (auto& each : threads) each.join();
  for (const int each : right) BOOST_TEST(each == 20);
}

BOOST_AUTO_TEST_CASE(real_files) {
  const char* data = std::getenv("AXONZOO_TEST_DATA");
  if (data == nullptr) {
    BOOST_TEST_MESSAGE("AXONZOO_TEST_DATA is not set: real files are not read");
    return;
  }
  std::size_t files = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(data)) {
    const bool named =
        each.path().extension() == ".png" || each.path().extension() == ".jpg" || each.path().extension() == ".tif";
    if (!each.is_regular_file()) continue;
    BOOST_TEST(is_image(each.path()) == named, each.path());
    if (!is_image(each.path())) continue;
    const image_size size = read_image_size(each.path());
    BOOST_TEST((size.height > 100 && size.width > 100));
    if (++files % 20 != 0) continue;
    const image pixels = read_image(each.path());
    BOOST_TEST((pixels.shape(0) == size.height && pixels.shape(1) == size.width && pixels.shape(2) == size.channels));
  }
  BOOST_TEST(files > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
