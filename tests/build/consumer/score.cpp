#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <axonzoo/io/image.hpp>
#include <axonzoo/metrics/evaluate.hpp>

// Scores a mask against itself after writing and reading it: all that a consumer needs of axonzoo::imaging is there.
int main() {
  xt::xtensor<std::uint8_t, 2> grey = xt::zeros<std::uint8_t>({64, 64});
  axonzoo::label_image labels = xt::zeros<std::uint8_t>({64, 64});
  for (std::size_t y = 16; y < 48; ++y) {
    for (std::size_t x = 16; x < 48; ++x) {
      labels(y, x) = y < 24 || x < 24 ? 1 : 2;
      grey(y, x) = labels(y, x) == 1 ? 127 : 255;
    }
  }
  const auto path = std::filesystem::temp_directory_path() / "axonzoo_consumer.png";
  axonzoo::write_png(path, grey);
  const axonzoo::image read = axonzoo::read_image(path);
  std::filesystem::remove(path);
  const auto scores = axonzoo::evaluate(labels, labels, {"background", "myelin", "axon"});
  const bool right = read(32, 32, 0) == 255 && scores.classes.at("axon").dice == 1 && scores.f1 == 1;
  std::cout << "axon Dice " << scores.classes.at("axon").dice << '\n';
  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
