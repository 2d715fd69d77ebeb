// What compiling costs: each header, the units of a build, and one more variant; with a budget that fails.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/interrupt.hpp>
#include <axonzoo/io/replace_file.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "source_folder.hpp"

namespace {

namespace fs = std::filesystem;

struct cost {
  double seconds = 0;    ///< of processor time
  double megabytes = 0;  ///< the compiler's largest resident memory
  double object_kb = 0;
};

/// One compiler as the build calls it, without its launcher, source and object.
class compiler {
 public:
  compiler(const nlohmann::json& commands, const std::string& unit) {
    for (const auto& entry : commands) {
      const fs::path file = entry.at("file").get<std::string>();
      if (file.parent_path().filename() / file.filename() != unit) continue;
      folder_ = entry.at("directory").get<std::string>();
      std::string word;
      for (const char c : entry.at("command").get<std::string>() + ' ') {
        if (c == '\\') continue;
        if (c != ' ') word += c;
        else if (!word.empty()) words_.push_back(std::exchange(word, ""));
      }
      const auto is_compiler = [](const std::string& each) { return each.ends_with("++") || each.find("++-") != std::string::npos; };
      words_.erase(words_.begin(), std::find_if(words_.begin(), words_.end(), is_compiler));
      for (const std::string flag : {"-o", "-c"}) {
        const auto at = std::find(words_.begin(), words_.end(), flag);
        if (words_.end() - at >= 2) words_.erase(at, at + 2);
      }
      if (!words_.empty()) return;
    }
    throw axonzoo::error("cannot find how '" + unit + "' is compiled", "compile_commands.json does not say", "give the --build of this project's release preset");
  }

  /// The same without the precompiled header.
  [[nodiscard]] compiler plain() const {
    auto made = *this;
    const auto at = std::find_if(made.words_.begin(), made.words_.end(), [](const auto& word) { return word.ends_with("cmake_pch.hxx"); });
    if (at != made.words_.end()) made.words_.erase(at - 1, at + 1);
    return made;
  }

  [[nodiscard]] cost compile(const fs::path& source, const fs::path& object) const {
    auto words = words_;
    words.insert(words.end(), {"-o", object.string(), "-c", source.string()});
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const fs::path log = object.string() + ".log";
    const pid_t child = ::fork();
    if (child == 0) {
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      ::dup2(out, 1);
      ::dup2(out, 2);
      if (::chdir(folder_.c_str()) == 0) ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    rusage used{};
    while (::wait4(child, &status, 0, &used) < 0 && errno == EINTR) {
    }
    if (child < 0 || status != 0) {
      std::ifstream said(log);
      std::string line;
      while (std::getline(said, line) && line.find("error") == std::string::npos) {
      }
      throw axonzoo::error("cannot compile '" + source.string() + "'", line.empty() ? "the compiler did not run" : line, "mend it first");
    }
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return {seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024, static_cast<double>(fs::file_size(object)) / 1024};
  }

 private:
  std::vector<std::string> words_;
  fs::path folder_;
};

struct bench_options {
  fs::path build = "build/release", include = benchmarks::source_folder().parent_path() / "include";
  std::string headers;
  bool units = false, variants = false;
  double most_yardsticks = 0, most_seconds = 0, most_megabytes = 0, most_variant_seconds = 0;
  std::string json;
};

class bench {
 public:
  explicit bench(const bench_options& options)
      : options_(options), commands_(read_commands()), torch_(commands_, "variants/unet.cpp"), imaging_(commands_, "examples/axonzoo-evaluate.cpp") {
    // Seconds depend on the machine; a header's cost in those of LibTorch's own headers does so less.
    yardstick_ = of_text(torch_.plain(), "#include <torch/nn/module.h>\n").seconds;
    std::printf("reading torch/nn/module.h without a precompiled header takes %.1f s of processor time: the yardstick\n", yardstick_);
    json_["yardstick_seconds"] = yardstick_;
  }

  void headers() {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(options_.include / "axonzoo")) {
      const auto name = fs::relative(entry.path(), options_.include).string();
      if (name.ends_with(".hpp") && name.find(options_.headers) != std::string::npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    std::printf("\n%-54s %9s %9s %9s %10s\n", "header alone", "s", "yardstick", "MB", "object kB");
    for (const auto& name : names) {
      const auto text = "#undef AXONZOO_SEPARATE_KERNELS\n#include <" + name + ">\n";
      report("headers", name, of_text(reaches_torch(name) ? torch_ : imaging_, text));
    }
  }

  void units() {
    std::printf("\n%-54s %9s %9s %9s %10s\n", "unit", "s", "yardstick", "MB", "object kB");
    for (const std::string unit : {"variants/kernels.cpp", "variants/program.cpp", "variants/dense_task.cpp", "variants/promptable_task.cpp", "variants/unet.cpp", "variants/segnet.cpp", "variants/unet-bf16-none-single.cpp"}) {
      report("units", unit, compiler(commands_, unit).compile(options_.build / unit, scratch_ / "unit.o"));
    }
  }

  /// A line through the cost of units with 1 to 8 variants of one model: what the first costs and what each further one does.
  void variants() {
    std::vector<std::string> lines;
    for (const std::string parallel : {"single", "ddp"}) {
      for (const std::string pruning : {"none", "magnitude"}) {
        for (const std::string precision : {"fp32", "bf16"}) {
          lines.push_back("template int axonzoo::run<axonzoo::variant<axonzoo::unet, axonzoo::" + precision + ", axonzoo::" + pruning + ", axonzoo::" + parallel + ">>(int, char**);\n");
        }
      }
    }
    const std::string head =
        "#define AXONZOO_SEPARATE_PROGRAM 1\n#include <axonzoo/precision/fp32.hpp>\n#include <axonzoo/precision/bf16.hpp>\n#include <axonzoo/pruning/none.hpp>\n"
        "#include <axonzoo/pruning/magnitude.hpp>\n#include <axonzoo/parallel/single.hpp>\n#include <axonzoo/parallel/ddp.hpp>\n#include <axonzoo/models/unet.hpp>\n#include <axonzoo/run.hpp>\n";
    std::printf("\n%-54s %9s %9s %9s %10s\n", "variants of the U-Net in one unit", "s", "yardstick", "MB", "object kB");
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (const std::size_t count : {1, 2, 4, 8}) {
      auto text = head;
      for (std::size_t i = 0; i < count; ++i) text += lines[i];
      const auto measured = of_text(torch_, text);
      report("variants", std::to_string(count), measured);
      const auto x = static_cast<double>(count);
      n += 1, sx += x, sy += measured.seconds, sxx += x * x, sxy += x * measured.seconds;
    }
    const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    std::printf("one more variant of a model: %.2f s (least squares)\n", slope);
    json_["seconds_per_further_variant"] = slope;
    hold(slope, options_.most_variant_seconds, "one more variant", "s");
  }

  /// 1 where a budget was exceeded.
  [[nodiscard]] int finish() const {
    if (!options_.json.empty()) axonzoo::replace_file(options_.json, json_.dump(1) + "\n");
    for (const auto& line : over_) std::cerr << "compile: over the budget: " << line << "\n";
    return over_.empty() ? 0 : 1;
  }

 private:
  [[nodiscard]] nlohmann::json read_commands() const {
    const auto path = options_.build / "compile_commands.json";
    std::ifstream file(path);
    auto commands = nlohmann::json::parse(file, nullptr, false);
    if (!commands.is_array()) throw axonzoo::error("cannot read '" + path.string() + "'", "it is not there or is not JSON", "give --build the folder of a configured build");
    return commands;
  }

  [[nodiscard]] cost of_text(const compiler& with, const std::string& text) const {
    const auto source = scratch_ / "unit.cpp";
    std::ofstream(source) << text;
    return with.compile(source, scratch_ / "unit.o");
  }

  /// Whether the header includes LibTorch, asked of the preprocessor of the includes' text.
  [[nodiscard]] bool reaches_torch(const std::string& name) const {
    std::vector<std::string> waiting{name}, seen;
    while (!waiting.empty()) {
      const auto next = waiting.back();
      waiting.pop_back();
      if (std::find(seen.begin(), seen.end(), next) != seen.end()) continue;
      seen.push_back(next);
      std::ifstream file(options_.include / next);
      for (std::string line; std::getline(file, line);) {
        const auto begin = line.find("#include <");
        if (begin == std::string::npos) continue;
        const auto header = line.substr(begin + 10, line.find('>', begin) - begin - 10);
        for (const std::string torch : {"torch/", "ATen/", "c10/"}) {
          if (header.starts_with(torch)) return true;
        }
        if (header.starts_with("axonzoo/")) waiting.push_back(header);
      }
    }
    return false;
  }

  void report(const std::string& kind, const std::string& name, const cost& measured) {
    std::printf("%-54s %9.2f %9.2f %9.0f %10.0f\n", name.c_str(), measured.seconds, measured.seconds / yardstick_, measured.megabytes, measured.object_kb);
    std::fflush(stdout);
    json_[kind].push_back({{"name", name}, {"seconds", measured.seconds}, {"yardsticks", measured.seconds / yardstick_}, {"megabytes", measured.megabytes}, {"object_kb", measured.object_kb}});
    if (kind == "headers") hold(measured.seconds / yardstick_, options_.most_yardsticks, name, "yardsticks");
    hold(measured.seconds, options_.most_seconds, name, "s");
    hold(measured.megabytes, options_.most_megabytes, name, "MB");
    if (axonzoo::interrupted()) throw axonzoo::error("cannot finish measuring", "it was interrupted", "run it again");
  }

  void hold(double measured, double most, const std::string& what, const std::string& unit) {
    if (most <= 0 || measured <= most) return;
    char line[256];
    std::snprintf(line, sizeof line, "%s costs %.2f %s, at most %.2f is allowed", what.c_str(), measured, unit.c_str(), most);
    over_.emplace_back(line);
  }

  bench_options options_;
  nlohmann::json commands_, json_;
  axonzoo::scratch_folder scratch_;
  compiler torch_, imaging_;
  double yardstick_ = 0;
  std::vector<std::string> over_;
};

}  // namespace

int main(int argc, char** argv) {
  axonzoo::catch_interrupts();
  bench_options options;
  CLI::App app{"Measures what compiling costs, with this build's flags and precompiled header and without a cache: processor seconds, the compiler's\n"
               "memory, object size. Exits with 1 where a budget is exceeded. Without a choice it measures units and variants."};
  app.option_defaults()->always_capture_default();
  app.add_option("--build", options.build, "folder of a finished build");
  app.add_option("--headers", options.headers, "measure each header whose path holds this text alone: nn/, or axonzoo for all");
  app.add_flag("--units", options.units, "measure the units of the variant programs");
  app.add_flag("--variants", options.variants, "measure units with 1, 2, 4 and 8 variants");
  app.add_option("--most-yardsticks", options.most_yardsticks, "budget of a header, in times of LibTorch's torch/nn/module.h; 0: any");
  app.add_option("--most-seconds", options.most_seconds, "budget of anything; 0: any");
  app.add_option("--most-megabytes", options.most_megabytes, "budget of a compiler's memory; 0: any");
  app.add_option("--most-variant-seconds", options.most_variant_seconds, "budget of one more variant; 0: any");
  app.add_option("--json", options.json, "also write what was measured to this file");
  CLI11_PARSE(app, argc, argv);
  options.build = fs::absolute(options.build);  // the compiler runs elsewhere
  try {
    bench running(options);
    if (!options.headers.empty()) running.headers();
    const bool all = options.headers.empty() && !options.units && !options.variants;
    if (options.units || all) running.units();
    if (options.variants || all) running.variants();
    return running.finish();
  } catch (const std::exception& failure) {
    std::cerr << "compile: " << failure.what() << "\n";
    return 2;
  }
}
