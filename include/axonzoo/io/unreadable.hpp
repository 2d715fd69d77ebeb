#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace axonzoo {

/// What a reader of bytes throws that does not know their file's name: what is wrong and what mends it. Who knows the name makes
/// an `error` of it.
class unreadable : public std::runtime_error {
 public:
  explicit unreadable(const std::string& wrong, std::string mend = "copy or write it again")
      : std::runtime_error(wrong), mend_(std::move(mend)) {}
  [[nodiscard]] const std::string& mend() const { return mend_; }

 private:
  std::string mend_;
};

/// A name out of a file, fit for a sentence: control characters become question marks, what is long is cut.
[[nodiscard]] inline std::string printable(std::string_view name, std::size_t longest = 100) {
  std::string text(name.substr(0, longest));
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < 32 || letter == 127) letter = '?';
  }
  return name.size() > longest ? text + "..." : text;
}

}  // namespace axonzoo
