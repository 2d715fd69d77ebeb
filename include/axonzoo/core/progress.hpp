#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <ostream>
#include <string>
#include <unistd.h>

#include <sys/ioctl.h>

namespace axonzoo {

/// "7 s", "3 min 05 s", "2 h 04 min".
[[nodiscard]] inline std::string duration_text(double seconds) {
  char text[64];
  const auto s = static_cast<long long>(std::clamp(seconds, 0., 1e15) + 0.5);
  if (s < 60)
    std::snprintf(text, sizeof text, "%lld s", s);
  else if (s < 3600)
    std::snprintf(text, sizeof text, "%lld min %02lld s", s / 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%lld h %02lld min", s / 3600, s / 60 % 60);
  return text;
}

/// How far a long task is: on a terminal one line that is redrawn, with a bar, the rate and the time left; elsewhere (a log file)
/// a plain line at most every `interval` and one at the end. Give `total` and `done` in whatever is counted; a total of 0 is
/// unknown.
class progress {
 public:
  explicit progress(std::string what, double total, std::ostream& out = std::cerr,
                    std::chrono::duration<double> interval = std::chrono::seconds(10))
      : what_(std::move(what)),
        total_(total),
        out_(out),
        terminal_(descriptor_of(out) >= 0),
        interval_(terminal_ ? 0.1 : interval.count()) {}

  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Says that `done` was done before this task went on: the rate is that of what comes after.
  void from(double done) { before_ = done_ = done; }

  /// Says that `done` of the total is done. Cheap enough for every step.
  void at(double done, const std::string& note = "") {
    done_ = done;
    note_ = note;
    behind_ = true;
    const double now = elapsed();
    if (now - printed_at_ < interval_) return;
    print(now);
  }

  ~progress() {
    try {
      if (behind_) print(elapsed());
      if (terminal_ && printed_) out_ << '\n' << std::flush;
    } catch (...) {  // a stream set to throw must not end the program from here
    }
  }

  /// The line of text for a state: `bar` columns of bar, none where it is 0; `before` is what the seconds do not count.
  [[nodiscard]] static std::string line(const std::string& what, double done, double total, double seconds,
                                        const std::string& note, int bar, double before = 0) {
    std::string text = what;
    char part[64];
    if (total > 0) {
      const double share = std::clamp(done / total, 0., 1.);
      if (bar > 0) {
        const auto full = static_cast<std::size_t>(share * bar);
        text += " [" + std::string(full, '#') + std::string(static_cast<std::size_t>(bar) - full, ' ') + "]";
      }
      std::snprintf(part, sizeof part, " %3.0f %%, %.6g of %.6g", std::floor(100 * share), done, total);
    } else {
      std::snprintf(part, sizeof part, " %.6g", done);
    }
    text += part;
    if (const double own = done - before; seconds > 0 && own > 0) {
      std::snprintf(part, sizeof part, ", %.3g/s", own / seconds);
      text += part;
      text += total > 0 && done < total ? ", " + duration_text(seconds * (total - done) / own) + " left"
                                        : ", " + duration_text(seconds);
    }
    return note.empty() ? text : text + ", " + note;
  }

 private:
  static int descriptor_of(const std::ostream& out) {
    const int descriptor = &out == &std::cerr ? STDERR_FILENO : &out == &std::cout ? STDOUT_FILENO : -1;
    return descriptor >= 0 && ::isatty(descriptor) != 0 ? descriptor : -1;
  }

  [[nodiscard]] double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  void print(double now) {
    if (terminal_) {
      winsize window{};
      const int columns = ::ioctl(descriptor_of(out_), TIOCGWINSZ, &window) == 0 && window.ws_col > 20 ? window.ws_col - 1 : 79;
      std::string text = line(what_, done_, total_, now, note_, columns > 60 ? 20 : 0, before_);
      text.resize(static_cast<std::size_t>(columns), ' ');
      out_ << '\r' << text << std::flush;
    } else {
      out_ << line(what_, done_, total_, now, note_, 0, before_) << '\n' << std::flush;
    }
    printed_at_ = now;
    printed_ = true;
    behind_ = false;
  }

  std::string what_, note_;
  double total_, done_ = 0, before_ = 0;
  std::ostream& out_;
  bool terminal_;
  double interval_, printed_at_ = 0;
  bool behind_ = false, printed_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace axonzoo
