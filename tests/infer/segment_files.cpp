#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/infer/file_segmenter.hpp>
#include <axonzoo/infer/segment_files.hpp>
#include <axonzoo/io/image.hpp>
#include <axonzoo/report/measured_set.hpp>

#include "../io/fresh.hpp"
#include "../io/made_pyramid.hpp"
#include "../models/made_network.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

label_image noise(std::size_t height, std::size_t width) {
  auto random = fresh_random();
  auto levels = label_image::from_shape({height, width});
  for (auto& level : levels) level = static_cast<std::uint8_t>(random() >> 20);
  return levels;
}

/// A folder with a network of random weights and how it segments into `out`.
struct set_up : fresh_folder {
  std::vector<std::filesystem::path> files;

  set_up() {
    checkpoint_facts facts;
    facts.variant = "unet/fp32/none/single";
    facts.model = "unet";
    facts.precision = "fp32";
    facts.classes = {"background", "myelin", "axon"};
    facts.pixel_size = 0.1;
    facts.patch = 32;
    write_checkpoint(*this / "model", named_tensors(*made::small_unet()), facts);
  }

  [[nodiscard]] segment_options into(const std::string& out) const {
    segment_options options;
    options.models = {*this / "model"};
    options.out = *this / out;
    options.pixel_size = 0.1;
    return options;
  }

  [[nodiscard]] measured_set_options table(const std::string& name) const {
    measured_set_options options;
    options.table = *this / name;
    return options;
  }

  void pictures(int count) {
    for (int i = 0; i < count; ++i) {
      files.push_back(*this / ("s" + std::to_string(i) + ".png"));
      write_png(files.back(), noise(40 + 9 * static_cast<std::size_t>(i), 70));
    }
  }
};

std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& file : std::filesystem::directory_iterator(folder)) found[file.path().filename().string()] = get(file.path());
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(infer_segment_files)

BOOST_AUTO_TEST_CASE(many_at_once_have_the_masks_the_table_and_the_order_of_one_after_another) {
  set_up here;
  here.pictures(6);
  put(here.files[2], "no image");
  {
    measured_set measures(here.table("one.csv"));
    file_segmenter with(here.into("one"), &measures);
    for (const auto& file : here.files) static_cast<void>(sentence_of([&] { with.segment(file); }));
    measures.write();
  }
  const auto masks = contents(here / "one");
  BOOST_TEST(masks.size() == 20U);
  for (const std::size_t memory : {1500U, 1U}) {  // all beside one another, each alone
    const auto name = "many" + std::to_string(memory);
    measured_set measures(here.table(name + ".csv"));
    auto options = here.into(name);
    options.memory = memory;
    file_segmenter with(options, &measures);
    std::string order;
    segment_files(
        with, here.files, [&](const segment_job& job) { order += job.stem + " "; },
        [&](const segment_job& job, const error& wrong) {
          order += "(" + job.path.filename().string() + ") ";
          BOOST_TEST(says(wrong.what(), "s2.png"), wrong.what());
        });
    measures.write();
    BOOST_TEST(order == "s0 s1 (s2.png) s3 s4 s5 ");
    BOOST_TEST((contents(here / name) == masks));
    BOOST_TEST(get(here / (name + ".csv")) == get(here / "one.csv"));
    BOOST_TEST(get(here / (name + "_images.csv")) == get(here / "one_images.csv"));
  }
}

BOOST_AUTO_TEST_CASE(an_interrupt_lets_no_further_file_begin_and_leaves_none_half_done) {
  set_up here;
  here.pictures(12);
  file_segmenter with(here.into("out"));
  struct quiet_again {
    ~quiet_again() { axonzoo::detail::interrupt_seen = false; }
  } const at_the_end;
  std::size_t done = 0;
  segment_files(
      with, here.files,
      [&](const segment_job& job) {
        axonzoo::detail::interrupt_seen = true;
        BOOST_TEST(job.path == here.files[done++]);
      },
      [](const segment_job&, const error& wrong) { BOOST_ERROR(wrong.what()); });
  BOOST_TEST(done >= 1U);
  BOOST_TEST(done <= 4U);
  BOOST_TEST(contents(here / "out").size() == 4 * done);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_tables_is_told_and_what_is_no_sentence_ends_it) {
  set_up here;
  here.pictures(8);
  file_segmenter with(here.into("out"));
  std::string order;
  segment_files(
      with, here.files,
      [&](const segment_job& job) {
        if (job.stem == "s1") throw error("cannot write the table", "it is full", "free some space");
        order += job.stem + " ";
      },
      [&](const segment_job& job, const error&) { order += "(" + job.stem + ") "; });
  BOOST_TEST(order == "s0 (s1) s2 s3 s4 s5 s6 s7 ");
  std::size_t seen = 0;
  const auto fail = [&](const segment_job&) { throw std::runtime_error("of another kind " + std::to_string(++seen)); };
  BOOST_CHECK_EXCEPTION(segment_files(with, here.files, fail, [](const segment_job&, const error&) {}), std::runtime_error,
                        [](const std::runtime_error& wrong) { return std::string(wrong.what()) == "of another kind 1"; });
  BOOST_TEST(seen == 1U);
}

BOOST_AUTO_TEST_CASE(pyramids_and_ome_tiff_get_the_masks_of_the_picture) {
  const set_up here;
  const auto levels = noise(90, 120);
  write_png(here / "a_SEM.png", levels);
  made::write_pyramid(here / "b_SEM.tif", levels, made::copies::pages);
  made::write_pyramid(here / "c_SEM.ome.tif", levels, made::copies::below, made::ome_of_one_plane);
  for (const auto kind : {mask_files::automatic, mask_files::tiff}) {
    auto options = here.into(kind == mask_files::tiff ? "rows" : "whole");
    options.masks = kind;
    file_segmenter with(options);
    BOOST_TEST(with.segment(here / "a_SEM.png").contrast == "SEM");
    with.segment(here / "b_SEM.tif");
    BOOST_TEST(with.segment(here / "c_SEM.ome.tif").contrast == "SEM");
    BOOST_TEST(is_segmented(options, here / "c_SEM.ome.tif"));
    const std::string end = kind == mask_files::tiff ? "_SEM_seg-axonmyelin.tif" : "_SEM_seg-axonmyelin.png";
    const auto mask = read_image(options.out / ("a" + end));
    BOOST_TEST((read_image(options.out / ("b" + end)) == mask));
    BOOST_TEST((read_image(options.out / ("c" + end)) == mask));
  }
}

BOOST_AUTO_TEST_CASE(a_quick_look_takes_the_smallest_network_and_rows_see_what_the_whole_sees) {
  const set_up here;
  unet model;
  model.levels = 4;
  for (const auto& [name, width] : {std::pair("small", 4), {"large", 9}}) {
    model.width = width;
    const auto file = read_safetensors(here / "model");
    write_checkpoint(here / name, named_tensors(*model.make(1, 3)), read_facts(file, "model"));
  }
  write_png(here / "a.png", noise(150, 130));
  auto options = here.into("several");
  options.models = {here / "large", here / "small", here / "model"};
  options.fast = true;
  file_segmenter(options).segment(here / "a.png");
  options.models = {here / "small"};
  options.out = here / "one";
  file_segmenter(options).segment(here / "a.png");
  options.out = here / "rows";
  options.masks = mask_files::tiff;
  file_segmenter(options).segment(here / "a.png");
  const auto mask = read_image(here / "several/a_seg-axonmyelin.png");
  BOOST_TEST((read_image(here / "one/a_seg-axonmyelin.png") == mask));
  BOOST_TEST((read_image(here / "rows/a_seg-axonmyelin.tif") == mask));

  // Its probabilities are those of the network but for what rounding does to them.
  predictor with(here / "large"), quick(here / "large");
  BOOST_TEST(quick.make_fast() == 0U);
  const auto tile = made::images(1, 64);
  with.options().side = quick.options().side = 64;
  const auto exact = with.of_tiles()(tile);
  BOOST_TEST(at::equal(quick.of_tiles()(tile), exact));
  image rows = image::from_shape({64, 64, 1});
  std::copy_n(tile.const_data_ptr<float>(), rows.size(), rows.data());
  quick.meet(rows);
  const auto rounded = quick.of_tiles()(tile);
  const double apart = (rounded - exact).norm().item<double>() / exact.norm().item<double>();
  BOOST_TEST(apart < 0.2);
  BOOST_TEST((apart > 0) == rounding_pays);
}

BOOST_AUTO_TEST_CASE(what_stops_one_file_leaves_the_others_and_its_own_rows) {
  set_up here;
  auto options = here.into("out");
  put(here / "file", "no folder");
  options.out = here / "file/out";
  const auto sentence = sentence_of([&] { file_segmenter{options}; });
  BOOST_TEST(says(sentence, "file/out'", "may write"), sentence);

  // A disk that fills as a picture's masks are written: a sentence, and the picture is not finished.
  write_png(here / "a.png", noise(90, 120));
  options = here.into("out");
  options.resume = true;
  {
    file_segmenter with(options);
    const small_disk full(2000);
    BOOST_TEST(says(sentence_of([&] { with.segment(here / "a.png"); }), "out/a_", "free some space"));
  }
  BOOST_TEST(!is_segmented(options, here / "a.png"));
  for (const auto& [name, bytes] : contents(here / "out")) BOOST_TEST(name.find("partial") == std::string::npos, name);
  file_segmenter with(options);
  with.segment(here / "a.png");
  BOOST_TEST(is_segmented(options, here / "a.png"));

  // A slide that is still written, and one that lacks a tile, before a good one.
  const auto levels = noise(400, 60);
  for (const char* name : {"grows.tif", "lacks.tif", "good.tif"}) {
    made::write_pyramid(here / name, levels, made::copies::pages);
    here.files.push_back(here / name);
  }
  auto bytes = get(here / "lacks.tif");
  bytes.replace(bytes.size() / 3, 400, 400, '\xff');  // in the compressed tiles
  put(here / "lacks.tif", bytes);
  options.masks = mask_files::tiff;
  options.rows = [](const std::filesystem::path& path, double) {
    if (path.filename() == "grows.tif") std::ofstream(path, std::ios::app) << "more";
  };
  file_segmenter rows(options);
  std::string order;
  segment_files(
      rows, here.files, [&](const segment_job& job) { order += job.stem + " "; },
      [&](const segment_job& job, const error& wrong) {
        order += "(" + job.stem + ") ";
        BOOST_TEST(says(wrong.what(), job.stem == "grows" ? "changed while it was read" : "lacks.tif"), wrong.what());
      });
  BOOST_TEST(order == "(grows) (lacks) good ");
  BOOST_TEST(std::filesystem::file_size(spool_of(options, here / "grows.tif")) > 200U);
  // Written at last, it is segmented from the start, since what was read may have been something else.
  options.rows = {};
  file_segmenter(options).segment(here / "grows.tif");
  BOOST_TEST((read_image(here / "out/grows_seg-axonmyelin.tif") == read_image(here / "out/good_seg-axonmyelin.tif")));
}

BOOST_AUTO_TEST_SUITE_END()
