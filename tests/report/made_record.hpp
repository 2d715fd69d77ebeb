#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// A results.json of schema 1 with two test images, `dice` for axon and dice - 0.1 for myelin on the first and 0.2 less on the
/// second.
inline nlohmann::json made_record(const std::string& variant, std::uint64_t seed, double dice, double speed = 1) {
  std::vector<std::string> words(1);
  for (const char c : variant) c == '/' ? (void)words.emplace_back() : words.back().push_back(c);
  const auto scores = [](double axon) {
    const auto overlap = [](double value) { return nlohmann::json{{"dice", value}, {"iou", value / (2 - value)}}; };
    return nlohmann::json{{"classes", {{"axon", overlap(axon)}, {"myelin", overlap(axon - 0.1)}, {"any", overlap(axon + 0.01)}}},
                          {"instances",
                           {{"axon", axon - 0.2},
                            {"myelin", axon - 0.3},
                            {"all", axon - 0.25},
                            {"precision", 0.9},
                            {"recall", 0.8},
                            {"f1", 0.847}}}};
  };
  nlohmann::json first = scores(dice), second = scores(dice - 0.2), mean = scores(dice - 0.1);
  first.update({{"name", "sub-a_sample-1_SEM"}, {"subject", "a"}, {"contrast", "SEM"}});
  second.update({{"name", "sub-b_sample-1_SEM"}, {"subject", "b"}, {"contrast", "SEM"}});
  return {{"schema", 1},
          {"variant",
           {{"name", variant}, {"model", words[0]}, {"precision", words[1]}, {"pruning", words[2]}, {"parallel", words[3]}}},
          {"options", {{"minutes", 1}}},
          {"ranks", 1},
          {"data",
           {{"folders", {"nowhere"}},
            {"classes", {"background", "myelin", "axon"}},
            {"pixel_size", 0.1},
            {"split", {{"train", {"x"}}, {"validation", {"y"}}, {"test", {"sub-a_sample-1_SEM", "sub-b_sample-1_SEM"}}}},
            {"subjects", {{"train", {"c"}}, {"validation", {"d"}}, {"test", {"a", "b"}}}}}},
          {"seed", seed},
          {"hardware", {{"cpu", "a processor"}, {"cores", 2}, {"memory_bytes", 8589934592}, {"gpu", nullptr}}},
          {"versions", {{"axonzoo", "0.1.0"}, {"torch", "2.11.0"}, {"compiler", "g++"}}},
          {"parameters", 1000000},
          {"macs", 2000000000},
          {"parameters_before", 4000000},
          {"macs_before", 8000000000},
          {"seconds",
           {{"start", 1},
            {"wait", 2},
            {"load", 3},
            {"augment", 4},
            {"forward", 10},
            {"backward", 20},
            {"update", 5},
            {"validate", 6},
            {"test", 7},
            {"train", 60},
            {"total", 70}}},
          {"steps", 100},
          {"images_per_second", 10 * speed},
          {"peak_memory_bytes", 1073741824},
          {"inference", {{"images_per_second", 30 * speed}, {"seconds_per_megapixel", 2 / speed}}},
          {"test", {{"mean", mean}, {"subjects", nlohmann::json::object()}, {"images", {first, second}}}},
          {"history",
           {{{"epoch", 1}, {"step", 50}, {"seconds", 30}, {"train_loss", 1.0}, {"validation", {{"dice", 0.5}}}},
            {{"epoch", 2}, {"step", 100}, {"seconds", 60}, {"train_loss", 0.5}, {"validation", {{"dice", dice}}}}}}};
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A shell script in the place of a variant program: it keeps its command line in `<out>/arguments.txt` and runs `body`, where
/// $out and $seed are set and `finish` writes a results.json.
inline void write_program(const std::filesystem::path& folder, const std::string& name, const std::string& body) {
  const auto record = made_record("VARIANT/VARIANT/VARIANT/VARIANT", 4242, 0.9);
  write_text(folder / "template.json", record.dump());
  write_text(
      folder / name,
      "#!/bin/sh\nall=\"$*\"\nwhile [ $# -gt 0 ]; do case \"$1\" in --out) out=\"$2\";; --seed) seed=\"$2\";; esac; shift; done\n"
      "echo \"$all\" >> \"$out/arguments.txt\"\n"
      "finish() { sed \"s#VARIANT/VARIANT/VARIANT/VARIANT#$(basename \"$0\" | tr - /)#;s/4242/$seed/\" '" +
          (folder / "template.json").string() + "' > \"$out/results.json\"; }\n" + body + '\n');
  std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
}
