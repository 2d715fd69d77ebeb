// Makes a U-Net or SegNet of random weights, pruned, writes it as ONNX, and its logits of a random image. For onnx.py.
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>

#include <axonzoo/infer/export_onnx.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/pruning/magnitude.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const std::string model = argv[1], folder = argv[2];
    const auto net = axonzoo::maker_of(model)(1, 3);
    axonzoo::magnitude policy;
    policy.keep = 0.2;
    axonzoo::magnitude::state(policy).prune(*net, {});
    const at::NoGradGuard no_gradients;
    for (auto& [name, tensor] : axonzoo::named_tensors(*net))
      if (tensor.dim() == 1) tensor.add_(at::rand(tensor.sizes()) * 0.5);  // norms and biases that are not those of a fresh network
    net->eval();
    axonzoo::checkpoint_facts facts;
    facts.variant = model + "/fp32/none/single";
    facts.model = model;
    facts.precision = "fp32";
    facts.classes = {"background", "myelin", "axon"};
    axonzoo::write_checkpoint(folder + "/checkpoint.safetensors", axonzoo::named_tensors(*net), facts);
    axonzoo::export_onnx(folder + "/checkpoint.safetensors", folder + "/model.onnx");
    const auto image = at::randn({2, 1, 96, 64}), logits = net->forward(image).front().to(at::kFloat).contiguous();
    const auto put = [&](const char* name, const at::Tensor& values) {
      std::ofstream(folder + "/" + name, std::ios::binary).write(reinterpret_cast<const char*>(values.const_data_ptr<float>()), values.numel() * 4);
    };
    put("image", image);
    put("logits", logits);
    return 0;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
}
