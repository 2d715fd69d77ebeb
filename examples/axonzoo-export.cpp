// Writes a trained network, or the weights of a SAM, as ONNX models.

#include <exception>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include <axonzoo/infer/export_onnx.hpp>

int main(int argc, char** argv) {
  std::filesystem::path model, out;
  CLI::App app{"Writes a network as ONNX into --out: network.onnx, or of a SAM image_encoder.onnx and mask_decoder.onnx."};
  app.add_option("--model", model, "checkpoint.safetensors of a variant program, or .pth or .safetensors of any SAM")->required();
  app.add_option("--out", out, "folder to write into")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << "axonzoo-export: " << wrong.what() << "; --help lists the options\n";
    return 2;
  }
  try {
    for (const auto& path : axonzoo::export_onnx(model, out)) std::cout << path.string() << "\n";
    return 0;
  } catch (const c10::Error& failure) {
    std::cerr << "axonzoo-export: LibTorch failed: " << failure.what_without_backtrace() << "\n";
  } catch (const std::exception& failure) {
    std::cerr << "axonzoo-export: " << failure.what() << "\n";
  }
  return 1;
}
