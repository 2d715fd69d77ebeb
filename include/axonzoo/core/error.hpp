#pragma once

#include <stdexcept>
#include <string>

namespace axonzoo {

/// The one exception of the library. Its text is a single sentence for the person at the terminal: what was being done to
/// which file or tensor, what was wrong, and what mends it. Programs print it on standard error and exit with 1.
class error : public std::runtime_error {
 public:
  /// error("cannot read image 'a.png'", "the file ends early", "copy it again from its source")
  error(const std::string& doing, const std::string& wrong, const std::string& mend)
      : std::runtime_error(doing + ": " + wrong + "; " + mend) {}
};

}  // namespace axonzoo
