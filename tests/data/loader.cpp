#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/loader.hpp>

#include "made_folder.hpp"
#include "made_micrograph.hpp"

using namespace axonzoo;

namespace {

dataset make_set(const made_folder& folder, int images) {
  dataset data;
  data.classes = {"background", "myelin", "axon"};
  for (int n = 0; n < images; ++n) {
    micrograph one;
    one.name = "image" + std::to_string(n);
    one.path = folder.png(one.name + ".png", 80, 90, [n](auto y, auto x) { return static_cast<int>(255 * scattered(y, x, n)); });
    const auto mask = folder.png(one.name + "_mask.png", 80, 90, [](auto y, auto x) { return (y / 9 + x / 7) % 3 * 127; });
    one.masks = {{mask, mask_file::kind::axonmyelin, 0}};
    data.micrographs.push_back(one);
  }
  return data;
}

std::shared_ptr<prepared_cache> cache_of(const dataset& data, std::size_t budget = std::size_t{1} << 30) {
  return std::make_shared<prepared_cache>(data, 0, std::nullopt, budget);
}

loader_options small(int workers, std::int64_t batch = 4) {
  loader_options options;
  options.batch = batch;
  options.patch = 32;
  options.workers = workers;
  options.seed = 42;
  return options;
}

const std::vector<std::size_t> all{0, 1, 2, 3, 4};

std::string refused(const std::shared_ptr<prepared_cache>& cache, const std::vector<std::size_t>& members,
                    const std::function<void(loader_options&)>& change) {
  auto options = small(1);
  change(options);
  return sentence_of([&] { loader made(cache, members, options); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_loader)

BOOST_AUTO_TEST_CASE(batches_are_the_same_bit_for_bit_whatever_the_workers) {
  const made_folder folder;
  const auto data = make_set(folder, 5);
  loader plain(cache_of(data), all, small(0)), one(cache_of(data), all, small(1)), five(cache_of(data), all, small(5));
  for (int step = 0; step < 25; ++step) {
    const auto a = plain.next(), b = one.next(), c = five.next();
    BOOST_TEST(a.n == 4);
    BOOST_TEST(a.channels == 1);
    BOOST_TEST(a.pixels.size() == 4u * 32 * 32);
    BOOST_TEST(a.labels.size() == 4u * 32 * 32);
    BOOST_TEST((a.pixels == b.pixels && a.pixels == c.pixels));
    BOOST_TEST((a.labels == b.labels && a.labels == c.labels));
    BOOST_TEST((a.names == b.names && a.names == c.names));
  }
}

BOOST_AUTO_TEST_CASE(ranks_together_have_the_batch_of_one) {
  const made_folder folder;
  const auto data = make_set(folder, 5);
  for (const int ranks : {2, 3, 6}) {
    loader whole(cache_of(data), all, small(1, 6));
    std::vector<std::unique_ptr<loader>> parts;
    for (int rank = 0; rank < ranks; ++rank) {
      auto options = small(rank % 3, 6);
      options.rank = rank;
      options.world_size = ranks;
      parts.push_back(std::make_unique<loader>(cache_of(data), all, options));
    }
    for (int step = 0; step < 8; ++step) {
      const auto expected = whole.next();
      loaded_batch joined;
      for (auto& part : parts) {
        const auto own = part->next();
        BOOST_TEST(own.n == 6 / ranks);
        joined.pixels.insert(joined.pixels.end(), own.pixels.begin(), own.pixels.end());
        joined.labels.insert(joined.labels.end(), own.labels.begin(), own.labels.end());
        joined.names.insert(joined.names.end(), own.names.begin(), own.names.end());
      }
      BOOST_TEST((joined.pixels == expected.pixels));
      BOOST_TEST((joined.labels == expected.labels));
      BOOST_TEST((joined.names == expected.names));
    }
  }
}

BOOST_AUTO_TEST_CASE(ranks_share_a_batch_that_they_do_not_divide) {
  const made_folder folder;
  const auto data = make_set(folder, 5);
  std::int64_t sum = 0;
  for (int rank = 0; rank < 3; ++rank) {
    auto options = small(0, 7);
    options.rank = rank;
    options.world_size = 3;
    sum += loader(cache_of(data), all, options).next().n;
  }
  BOOST_TEST(sum == 7);
}

BOOST_AUTO_TEST_CASE(a_resumed_loader_goes_on_where_it_stopped) {
  const made_folder folder;
  const auto data = make_set(folder, 5);
  loader whole(cache_of(data), all, small(2));
  for (int step = 0; step < 7; ++step) (void)whole.next();
  auto options = small(1);
  options.first_step = 7;
  loader rest(cache_of(data), all, options);
  for (int step = 0; step < 5; ++step) BOOST_TEST((rest.next().pixels == whole.next().pixels));
}

BOOST_AUTO_TEST_CASE(seeds_and_steps_give_other_batches) {
  const made_folder folder;
  const auto data = make_set(folder, 5);
  auto options = small(0);
  loader one(cache_of(data), all, options);
  options.seed = 43;
  loader other(cache_of(data), all, options);
  const auto first = one.next();
  BOOST_TEST((first.pixels != one.next().pixels));
  BOOST_TEST((first.pixels != other.next().pixels));
}

BOOST_AUTO_TEST_CASE(members_take_turns_and_others_stay_out) {
  const made_folder folder;
  loader batches(cache_of(make_set(folder, 5)), {1, 2, 4}, small(2, 3));
  for (int step = 0; step < 10; ++step) {
    auto names = batches.next().names;
    std::sort(names.begin(), names.end());
    BOOST_TEST((names == std::vector<std::string>{"image1", "image2", "image4"}));
  }
}

BOOST_AUTO_TEST_CASE(one_cache_serves_many_loaders) {
  const made_folder folder;
  const auto cache = cache_of(make_set(folder, 5));
  loader one(cache, all, small(3)), two(cache, all, small(2));
  for (int step = 0; step < 20; ++step) BOOST_TEST((one.next().pixels == two.next().pixels));
  BOOST_TEST(cache->preparations() == 5u);
}

BOOST_AUTO_TEST_CASE(workers_run_ahead_by_a_bounded_number_of_batches) {
  const made_folder folder;
  const auto cache = cache_of(make_set(folder, 5), 0);  // each patch prepares its image and is counted
  std::streambuf* const said = std::cerr.rdbuf(nullptr);
  {
    loader batches(cache, all, small(1));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (cache->preparations() < 12 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    BOOST_TEST(cache->preparations() == 12u);  // workers + 2 batches of 4
    (void)batches.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    BOOST_TEST(cache->preparations() == 16u);
  }
  std::cerr.rdbuf(said);
}

BOOST_AUTO_TEST_CASE(what_fails_in_a_worker_is_thrown_where_the_batch_is_asked_for) {
  const made_folder folder;
  const auto data = make_set(folder, 5);
  for (const int workers : {0, 1, 3}) {
    const auto cache = cache_of(data);
    std::filesystem::rename(data.micrographs[3].path, folder.at("aside.png"));
    {
      loader batches(cache, all, small(workers, 1));
      std::string sentence;
      int good = 0;
      for (; good < 5 && sentence.empty(); ++good) sentence = sentence_of([&] { (void)batches.next(); });
      BOOST_TEST(says(sentence, {"image3.png"}));
      BOOST_TEST(says(sentence_of([&] { (void)batches.next(); }), {"image3.png"}));
    }
    std::filesystem::rename(folder.at("aside.png"), data.micrographs[3].path);
  }
}

BOOST_AUTO_TEST_CASE(it_stops_at_once_at_any_time) {
  const made_folder folder;
  const auto cache = cache_of(make_set(folder, 5));
  for (int round = 0; round < 50; ++round) {
    loader batches(cache, all, small(1 + round % 4));
    for (int step = 0; step < round % 3; ++step) (void)batches.next();
  }
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(time_is_told_by_phase) {
  const made_folder folder;
  loader batches(cache_of(make_set(folder, 5)), all, small(1, 5));
  const auto first = batches.next(), later = batches.next();
  BOOST_TEST(first.load_seconds > 0);
  BOOST_TEST(first.augment_seconds > 0);
  BOOST_TEST(later.load_seconds < first.load_seconds);  // from memory
}

BOOST_AUTO_TEST_CASE(options_without_sense_are_refused) {
  const made_folder folder;
  auto data = make_set(folder, 5);
  const auto cache = cache_of(data);
  BOOST_TEST(refused(cache, all, [](loader_options&) {}) == "");
  BOOST_TEST(says(refused(cache, {}, [](loader_options&) {}), {"no image to train on"}));
  BOOST_TEST(says(refused(cache, {9}, [](loader_options&) {}), {"image number 9 of 5"}));
  BOOST_TEST(says(refused(cache, all, [](loader_options& o) { o.patch = 0; }), {"patch of 0"}));
  BOOST_TEST(says(refused(cache, all, [](loader_options& o) { o.workers = -1; }), {"-1 workers"}));
  BOOST_TEST(says(refused(cache, all, [](loader_options& o) { o.world_size = 8; }), {"batch of 4 for 8 ranks"}));
  BOOST_TEST(says(refused(cache, all, [](loader_options& o) { o.rank = 1; }), {"rank 1 of 1"}));
  BOOST_TEST(says(refused(cache, all, [](loader_options& o) { o.foreground_share = 2; }), {"foreground share"}));
  BOOST_TEST(says(refused(cache, all, [](loader_options& o) { o.augment.blur = -1; }), {"probability of blur"}));
  data.micrographs[2].masks.clear();
  BOOST_TEST(says(refused(cache_of(data), all, [](loader_options&) {}), {"'image2'", "no manual masks"}));
}

BOOST_AUTO_TEST_SUITE_END()
