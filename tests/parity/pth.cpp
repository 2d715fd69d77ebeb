// Reads weights and writes them as .pth and, with a third name, as .safetensors; prints what they were. For pth.py.
#include <cstdio>
#include <exception>

#include <axonzoo/io/weights.hpp>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    const axonzoo::tensor_file file = axonzoo::read_weights(argv[1]);
    axonzoo::write_pth(argv[2], file);
    if (argc > 3) axonzoo::write_safetensors(argv[3], file);
    for (const auto& [key, value] : file.metadata) std::printf("%s=%s\n", key.c_str(), value.c_str());
    return 0;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
}
